"""A client with short time-outs against a gateway that says exactly what a test gives it."""

import asyncio
import json
from datetime import UTC, datetime
from typing import Any

import httpx2

from payme.integrations.daraja import AppCredentials, ClientOptions, DarajaClient, MemoryTokenStore, Timeouts
from payme.kit.time import FrozenClock
from tests.contracts.raw_gateway import RawGateway, Reply, Seen, http, saying

START = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
APP = AppCredentials("shop", "key", "secret")
QUICK = ClientOptions(timeouts=Timeouts(connect_seconds=0.2, oauth_seconds=2, push_seconds=0.5, query_seconds=0.5))
THROTTLED = {"fault": {"faultstring": "Spike arrest violation", "detail": {"errorcode": "policies.ratelimit.X"}}}


def client_of(pool: httpx2.AsyncClient, gateway: RawGateway) -> DarajaClient:
    clock = FrozenClock(START)
    return DarajaClient(
        pool, gateway.base_url, app=APP, token_store=MemoryTokenStore(clock), clock=clock, options=QUICK
    )


def answering(status: int, **fields: Any) -> Reply:
    return saying(http(status, json.dumps(fields).encode()))


def erring(status: int, code: str, text: str) -> Reply:
    return answering(status, requestId="1-2-3", errorCode=code, errorMessage=text)


def sent(seen: Seen) -> dict[str, Any]:
    return json.loads(seen.body)


async def silence(writer: asyncio.StreamWriter) -> None:
    await writer.drain()


async def reset(writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()
    await asyncio.sleep(0)


NO_ANSWERS = {
    "silence": silence,
    "reset": reset,
    "half a body": saying(http(200, b'{"ResponseCode": "0"}')[:-9], then_close=True),
    "a firewall's page": saying(http(503, b"<html>Incapsula incident ID: 1</html>")),
    "an empty 500": saying(http(500, b"")),
}
