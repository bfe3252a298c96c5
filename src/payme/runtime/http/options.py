"""What the edge can be told; entrypoints fill it from settings. Nothing here is read from the environment."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from payme.runtime.events.maintenance import Mode as Maintenance

Shield = Callable[[Mapping[str, Any]], Awaitable[bool]]
"""Tells of a request's ip, method, protocol, host, path and headers whether it is to be refused."""

DEFAULT_BUDGETS: Mapping[str, str] = MappingProxyType(
    {
        "principal": "6000/minute",
        "anonymous": "600/minute",
        "callbacks": "6000/minute",
        "sign_in": "20/minute",
        "prompts": "5/minute",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpOptions:
    """How the edge behaves.

    `secret` signs cursors, `secret_previous` still reads them, and `fingerprint_key` (else `secret`) keys what repeated requests are
    compared by; that one outlives a rotation of the secret. Processes that share traffic share both. `trusted_proxies` are networks in CIDR notation whose
    X-Forwarded-For is believed. `budgets` are rate limits by name, written as `count/unit`. `answer_seconds` bounds the way in and
    every write under an Idempotency-Key, whatever it waits for.
    """

    secret: bytes
    secret_previous: bytes | None = field(default=None, repr=False)
    fingerprint_key: bytes | None = field(default=None, repr=False)
    version: str = "0.1.0"
    release: str = "unknown"
    environment: str = "development"
    public_url: str = "http://127.0.0.1:3000"
    allowed_origins: tuple[str, ...] = ()
    trusted_proxies: tuple[str, ...] = ()
    redis_url: str | None = None
    budgets: Mapping[str, str] = field(default_factory=lambda: DEFAULT_BUDGETS)
    session_cookie: str = "__Host-payme_session"
    csrf_cookie: str = "__Host-payme_csrf"
    body_bytes: int = 1 << 20
    callback_body_bytes: int = 64 << 10
    upload_body_bytes: int = 10 << 20
    body_seconds: float = 30.0
    json_depth: int = 32
    still_running_seconds: float = 5.0
    answer_seconds: float = 5.0
    maintenance: Maintenance = "off"
    heartbeat_seconds: float = 15.0
    stream_seconds: float = 600.0
    largest_streams: int = 2000
    access_log: bool = True
    notify_dsn: str | None = None
    metrics_token: str | None = field(default=None, repr=False)
    shield: Shield | None = field(default=None, repr=False)

    @property
    def is_https(self) -> bool:
        """Whether people reach us over TLS, so that HSTS makes sense."""
        return self.public_url.startswith("https://")
