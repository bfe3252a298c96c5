"""The client of Arcjet's decide service: one call a request, bounded in time, answered by yes where it is not answered.

After a failure nobody is asked for a while, so that an outage over there does not slow down every request here.
Source: arcjet-py and arcjet-go, Connect protocol with JSON, proto.decide.v1alpha1.DecideService.
"""

import asyncio
import time
from collections.abc import Mapping
from typing import Any, Final

import httpx2
import structlog
from prometheus_client import Counter
from pydantic import BaseModel, ConfigDict, ValidationError

_PATH: Final = "/proto.decide.v1alpha1.DecideService/Decide"
_PAUSE_SECONDS: Final = 5.0
_RULES: Final = [{"shield": {"mode": "MODE_LIVE"}}]
_OK: Final = 200
_asked = Counter("payme_arcjet_requests", "Requests by what Arcjet said of them", ("outcome",))
_log = structlog.get_logger("payme.arcjet")


class _Decision(BaseModel):
    model_config = ConfigDict(extra="ignore")

    conclusion: str


class _Answer(BaseModel):
    model_config = ConfigDict(extra="ignore")

    decision: _Decision


class ArcjetShield:
    """Asks Arcjet's shield under one key."""

    def __init__(self, key: str, base_url: str, *, seconds: float) -> None:
        self._key = key
        self._url = f"{base_url}{_PATH}"
        self._seconds = seconds
        self._http = httpx2.AsyncClient(follow_redirects=False, trust_env=False, headers={"User-Agent": "PayMe"})
        self._silent_until = 0.0

    async def denies(self, details: Mapping[str, Any]) -> bool:
        """Tell whether a request is to be refused; `details` are its ip, method, protocol, host, path and headers."""
        if time.monotonic() < self._silent_until:
            _asked.labels("unasked").inc()
            return False
        try:
            async with asyncio.timeout(self._seconds):
                conclusion = await self._decide(details)
        except (httpx2.HTTPError, ValidationError, TimeoutError, OSError) as error:
            self._silent_until = time.monotonic() + _PAUSE_SECONDS
            _asked.labels("failed").inc()
            _log.warning("arcjet.failed", error=type(error).__name__)
            return False
        is_denied = conclusion == "CONCLUSION_DENY"
        _asked.labels("denied" if is_denied else "let_through").inc()
        return is_denied

    async def _decide(self, details: Mapping[str, Any]) -> str:
        question = {"sdkStack": "SDK_STACK_PYTHON", "sdkVersion": "1.0.0", "details": details, "rules": _RULES}
        headers = {"Authorization": f"Bearer {self._key}", "Connect-Protocol-Version": "1"}
        answer = await self._http.post(self._url, json=question, headers=headers)
        if answer.status_code != _OK:
            raise httpx2.HTTPError(f"Arcjet answered {answer.status_code}")
        return _Answer.model_validate_json(answer.content).decision.conclusion
