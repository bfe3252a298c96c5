"""How the service is: for the platform that routes traffic, for uptime services, for Prometheus and for people."""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
import time
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, Literal

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel, Field
from starlette.responses import JSONResponse, Response

from payme.runtime.http.access import credentials_from, public
from payme.runtime.http.call import Call
from payme.runtime.http.errors import AuthenticationRequired
from payme.runtime.http.routing import Router

if TYPE_CHECKING:
    from payme.runtime.database import Database, UnitOfWork
    from payme.runtime.http.edge import Edge

_CHECK_SECONDS: Final = 2.0
_CACHED_SECONDS: Final = 1.0
_NO_STORE: Final = {"cache-control": "no-store"}


class Health(BaseModel):
    """How the service is, for people and uptime services."""

    status: Literal["healthy", "unhealthy"]
    timestamp: datetime
    uptime_seconds: int
    database: Literal["connected", "unreachable"]
    version: str
    release: str


class Readiness(BaseModel):
    """Whether traffic is welcome, and each reason."""

    status: Literal["ready", "not_ready"]
    checks: dict[str, bool]


class Liveness(BaseModel):
    """That the process answers."""

    status: Literal["alive"]


class ServiceStatus(BaseModel):
    """What the service says about itself to anybody."""

    status: Literal["operational", "maintenance"]
    maintenance: str
    message: str = Field("", description="What is going on, for people at a till; empty where nothing is to be said")
    until: datetime | None = Field(None, description="Until when maintenance is expected to last")
    version: str
    environment: str
    timestamp: datetime


class DatabaseCheck:
    """Asks the database whether it answers, at most once a second."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._answer = False
        self._asked_at = float("-inf")
        self._asking = asyncio.Lock()

    async def __call__(self) -> bool:
        """Say whether the database answered within two seconds."""
        async with self._asking:
            if time.monotonic() - self._asked_at >= _CACHED_SECONDS:
                self._answer = await self._ask()
                self._asked_at = time.monotonic()
        return self._answer

    async def _ask(self) -> bool:
        try:
            async with asyncio.timeout(_CHECK_SECONDS):
                return await self._database.run(_one, read_only=True) == 1
        except Exception:
            # Whatever it is, the answer to the probe is no.
            return False


router = Router(tag="service")


@router.get("/livez", operation="livez", access=public, response=Liveness, budget=None)
async def livez(call: Call) -> Response:
    """Say that the process answers; nothing else is touched."""
    return call.answer(Liveness(status="alive"))


@router.get(
    "/readyz", operation="readyz", access=public, response=Readiness, also={503: "No traffic, please"}, budget=None
)
async def readyz(call: Call) -> Response:
    """Say whether traffic is welcome: the database answers, its schema is the newest, and nothing is draining."""
    checks = await _checks(call.edge)
    ready = all(checks.values())
    view = Readiness(status="ready" if ready else "not_ready", checks=checks)
    return JSONResponse(view.model_dump(), 200 if ready else 503, _NO_STORE)


@router.get("/health", operation="health", access=public, response=Health, also={503: "It is unhealthy"}, budget=None)
async def health(call: Call) -> Response:
    """Say how the service is, for people and uptime services; not a liveness probe."""
    edge = call.edge
    connected = await edge.database_check()
    view = Health(
        status="healthy" if connected else "unhealthy",
        timestamp=edge.database.clock.now(),
        uptime_seconds=edge.uptime_seconds(),
        database="connected" if connected else "unreachable",
        version=edge.options.version,
        release=edge.options.release,
    )
    return JSONResponse(view.model_dump(mode="json"), 200 if connected else 503, _NO_STORE)


@router.get(
    "/metrics", operation="metrics", access=public, produces=("text/plain", "application/json"), budget=None,
    errors=(AuthenticationRequired,),
)  # fmt: skip
async def metrics(call: Call) -> Response:
    """Give the metrics for Prometheus, or with `Accept: application/json` a short summary.

    Asks for the token of the settings; without one, only callers from private addresses are answered.
    """
    _check_reader(call)
    if "application/json" in call.request.headers.get("accept", ""):
        return JSONResponse(await _summary(call.edge), headers=_NO_STORE)
    return Response(generate_latest(), headers={**_NO_STORE, "content-type": CONTENT_TYPE_LATEST})


@router.get("/v1/status", operation="status", access=public, response=ServiceStatus, budget=None)
async def status(call: Call) -> Response:
    """Say whether the service works as usual."""
    edge = call.edge
    usual = edge.maintenance == "off"
    return call.answer(
        ServiceStatus(
            status="operational" if usual else "maintenance",
            maintenance=edge.maintenance,
            message=edge.notice.message,
            until=edge.notice.until,
            version=edge.options.version,
            environment=edge.options.environment,
            timestamp=edge.database.clock.now(),
        )
    )


async def _checks(edge: Edge) -> dict[str, bool]:
    checks = {
        "database": await edge.database_check(),
        "not_draining": not edge.draining and edge.maintenance != "drain",
    }
    for name, check in edge.checks.items():
        try:
            checks[name] = await check()
        except Exception:
            # A check that fails is a check that says no.
            checks[name] = False
    return checks


async def _summary(edge: Edge) -> dict[str, Any]:
    connected = await edge.database_check()
    return {
        "uptime_seconds": edge.uptime_seconds(),
        "version": edge.options.version,
        "environment": edge.options.environment,
        "database": {"connected": connected, **edge.pool_numbers(), "retries": edge.database.retries},
        "cache": {"kind": "redis" if edge.options.redis_url else "process", "fallbacks": edge.limiter.fallbacks},
        "streams": edge.broadcaster.watchers,
    }


async def _one(uow: UnitOfWork) -> Any:
    return await uow.fetchval("select 1")


def _check_reader(call: Call) -> None:
    token = call.edge.options.metrics_token
    if token is None:
        if not _is_near(call):
            raise AuthenticationRequired
        return
    sent = credentials_from(call.request.headers, {}, cookie_name="")
    if sent is None or not hmac.compare_digest(sent.token.encode(), token.encode()):
        raise AuthenticationRequired


def _is_near(call: Call) -> bool:
    """Say whether the caller has a private address; what a proxy that nobody configured passes on may come from anywhere."""
    try:
        address = ipaddress.ip_address(call.client_address)
    except ValueError:
        return False
    return address.is_private and not call.edge.is_passed_on(call.request.scope)
