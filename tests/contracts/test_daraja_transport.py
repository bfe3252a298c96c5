"""Where *nothing was sent* ends: broken connections and answers that are none. A push is never sent twice."""

import asyncio
import gzip
import json
import socket
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import httpx2
import pytest

from payme.integrations.daraja import (
    AppCredentials,
    ClientOptions,
    CollectionAccount,
    DarajaClient,
    DarajaRefused,
    DarajaUnavailable,
    DarajaUnknown,
    InvalidCallbackUrl,
    InvalidRequest,
    MemoryTokenStore,
    QueryNote,
    ShortcodeKind,
    Standing,
    StkPush,
    StkQuery,
    Timeouts,
    Token,
    open_http_client,
)
from payme.kit.time import FrozenClock
from tests.contracts.raw_gateway import RawGateway, Reply, http, saying

START = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
APP = AppCredentials("shop", "key", "secret")
PAYBILL = CollectionAccount(ShortcodeKind.PAYBILL, "174379", passkey="pass-key")
PUSH = StkPush(PAYBILL, "254708374100", 100_00, "http://127.0.0.1/d/6b1f/stk", "INV-42", "Duka 7")
QUERY = StkQuery(PAYBILL, "ws_CO_1")
ACCEPTED = json.dumps({"MerchantRequestID": "m", "CheckoutRequestID": "ws_CO_1", "ResponseCode": "0"}).encode()
PAID = json.dumps({"ResponseCode": "0", "ResultCode": "0"}).encode()
REJECTED = json.dumps({"errorCode": "404.001.03", "errorMessage": "Invalid Access Token"}).encode()
QUICK = ClientOptions(timeouts=Timeouts(connect_seconds=0.2, oauth_seconds=2, push_seconds=0.5, query_seconds=0.5))


@pytest.fixture
async def pool() -> AsyncIterator[httpx2.AsyncClient]:
    async with open_http_client() as client:
        yield client


def a_client(pool: httpx2.AsyncClient, base_url: str, *, store: MemoryTokenStore | None = None) -> DarajaClient:
    clock = FrozenClock(START)
    return DarajaClient(
        pool, base_url, app=APP, token_store=store or MemoryTokenStore(clock), clock=clock, options=QUICK
    )


async def a_store_with(access_token: str) -> MemoryTokenStore:
    store = MemoryTokenStore(FrozenClock(START))
    await store.try_lease(APP.app_id, holder="other", seconds=9)
    await store.store_token(APP.app_id, Token(access_token, START, START + timedelta(hours=1)), holder="other")
    await store.release_lease(APP.app_id, holder="other")
    return store


async def silence(writer: asyncio.StreamWriter) -> None:
    await writer.drain()


async def drip(writer: asyncio.StreamWriter) -> None:
    """Answer a byte at a time, each well within a read time-out."""
    for byte in http(200, ACCEPTED):
        writer.write(bytes([byte]))
        await writer.drain()
        await asyncio.sleep(0.05)


async def reset(writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()
    await asyncio.sleep(0)


async def test_the_request_is_what_safaricom_documents(pool: httpx2.AsyncClient):
    async with RawGateway([saying(http(200, ACCEPTED))]) as gateway:
        await a_client(pool, gateway.base_url).stk_push(PUSH)
    token, push = gateway.seen
    assert (token.method, token.path) == ("GET", "/oauth/v1/generate?grant_type=client_credentials")
    assert token.headers["authorization"] == "Basic a2V5OnNlY3JldA=="
    assert (push.method, push.path) == ("POST", "/mpesa/stkpush/v1/processrequest")
    assert push.headers["authorization"] == "Bearer raw-token-1"
    assert push.headers["content-type"] == "application/json"
    body = json.loads(push.body)
    assert body["Timestamp"] == "20261122120000"
    assert all(type(body[name]) is int for name in ("BusinessShortCode", "Amount", "PartyA", "PartyB", "PhoneNumber"))


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(silence, id="silence"),
        pytest.param(drip, id="drip"),
        pytest.param(reset, id="reset"),
        pytest.param(saying(b"", then_close=True), id="closed without a word"),
        pytest.param(saying(http(200, ACCEPTED)[:-9], then_close=True), id="half a body"),
        pytest.param(saying(b"SSH-2.0-x\r\n\r\n", then_close=True), id="no HTTP"),
        pytest.param(saying(http(200, b"{" * 70_000)), id="too long"),
        pytest.param(saying(http(200, b"nonsense", "Content-Encoding: gzip")), id="broken compression"),
        pytest.param(saying(http(307, b"", "Location: /mpesa/stkpush/v1/processrequest")), id="redirect"),
        pytest.param(saying(http(200, b"<html>Incapsula</html>")), id="a firewall's page"),
        pytest.param(saying(http(500, b"")), id="an empty 500"),
    ],
)
async def test_after_the_first_byte_a_push_is_unknown_and_was_sent_once(reply: Reply, pool: httpx2.AsyncClient):
    async with RawGateway([reply]) as gateway:
        with pytest.raises(DarajaUnknown):
            await asyncio.wait_for(a_client(pool, gateway.base_url).stk_push(PUSH), timeout=5)
        assert len(gateway.calls) == 1


async def test_a_closed_port_means_that_nothing_was_sent(pool: httpx2.AsyncClient):
    store = await a_store_with("shared-token")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: nobody else can answer here
        client = a_client(pool, f"http://127.0.0.1:{taken.getsockname()[1]}", store=store)
        with pytest.raises(DarajaUnavailable) as fault:
            await client.stk_push(PUSH)
        result = await client.stk_query(QUERY)
    assert fault.value.code == "daraja.unreachable"
    assert (result.standing, result.note) == (Standing.UNKNOWN, QueryNote.NOT_SENT)


async def test_a_failed_tls_handshake_means_that_nothing_was_sent(pool: httpx2.AsyncClient):
    store = await a_store_with("shared-token")
    async with RawGateway([silence]) as gateway:
        client = a_client(pool, gateway.base_url.replace("http:", "https:"), store=store)
        with pytest.raises(DarajaUnavailable):
            await client.stk_push(PUSH)
        assert gateway.seen == []


async def test_a_proxy_that_refuses_the_tunnel_means_that_nothing_was_sent():
    store = await a_store_with("shared-token")
    async with RawGateway([saying(http(502, b""))]) as proxy:
        async with httpx2.AsyncClient(proxy=proxy.base_url, trust_env=False) as pool:
            with pytest.raises(DarajaUnavailable):
                await a_client(pool, "https://daraja.example", store=store).stk_push(PUSH)
        assert [seen.method for seen in proxy.seen] == ["CONNECT"]


async def test_reading_ends_at_the_size_limit_and_not_at_the_time_limit(pool: httpx2.AsyncClient):
    async with RawGateway([saying(http(200, b"{" * 10_000_000)[:200_000])]) as gateway:
        with pytest.raises(DarajaUnknown) as fault:
            await a_client(pool, gateway.base_url).stk_push(PUSH)
    assert fault.value.code == "daraja.unreadable_answer"


async def test_a_full_connection_pool_means_that_nothing_was_sent():
    store = await a_store_with("shared-token")
    async with RawGateway([silence]) as gateway, open_http_client(connections=1) as pool:
        client = a_client(pool, gateway.base_url, store=store)
        slow = DarajaClient(pool, gateway.base_url, app=APP, token_store=store, clock=FrozenClock(START))
        first = asyncio.create_task(slow.stk_push(PUSH))
        while not gateway.calls:
            await asyncio.sleep(0.01)
        with pytest.raises(DarajaUnavailable):
            await client.stk_push(PUSH)
        assert len(gateway.calls) == 1
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first


async def test_a_connection_that_went_stale_is_not_used_for_a_push(pool: httpx2.AsyncClient):
    async with RawGateway([saying(http(200, ACCEPTED), then_close=True)]) as gateway:
        client = a_client(pool, gateway.base_url)
        for _ in range(3):
            await client.stk_push(PUSH)
            await asyncio.sleep(0.05)  # lets the end of the connection arrive
    assert len(gateway.calls) == 3


async def test_a_compressed_answer_is_read(pool: httpx2.AsyncClient):
    async with RawGateway([saying(http(200, gzip.compress(ACCEPTED), "Content-Encoding: gzip"))]) as gateway:
        assert (await a_client(pool, gateway.base_url).stk_push(PUSH)).checkout_request_id == "ws_CO_1"


async def test_a_rejected_token_is_renewed_once_and_the_call_repeated_once(pool: httpx2.AsyncClient):
    async with RawGateway([saying(http(404, REJECTED)), saying(http(200, ACCEPTED))]) as gateway:
        await a_client(pool, gateway.base_url, store=await a_store_with("shared-token")).stk_push(PUSH)
    assert [seen.headers["authorization"] for seen in gateway.calls] == ["Bearer shared-token", "Bearer raw-token-1"]
    assert gateway.calls[0].body == gateway.calls[1].body


async def test_a_token_that_is_rejected_twice_is_a_refusal(pool: httpx2.AsyncClient):
    async with RawGateway([saying(http(404, REJECTED))]) as gateway:
        with pytest.raises(DarajaRefused) as refusal:
            await a_client(pool, gateway.base_url).stk_push(PUSH)
    assert refusal.value.code == "daraja.token_refused"
    assert (len(gateway.calls), gateway.tokens) == (2, 2)


async def test_a_token_that_another_process_renewed_is_taken_before_one_is_minted(pool: httpx2.AsyncClient):
    store = await a_store_with("old-token")

    async def renewed_meanwhile(writer: asyncio.StreamWriter) -> None:
        await store.try_lease(APP.app_id, holder="other", seconds=9)
        await store.store_token(APP.app_id, Token("new-token", START, START + timedelta(hours=1)), holder="other")
        await store.release_lease(APP.app_id, holder="other")
        await saying(http(404, REJECTED))(writer)

    async with RawGateway([renewed_meanwhile, saying(http(200, ACCEPTED))]) as gateway:
        await a_client(pool, gateway.base_url, store=store).stk_push(PUSH)
    assert [seen.headers["authorization"] for seen in gateway.calls] == ["Bearer old-token", "Bearer new-token"]
    assert gateway.tokens == 0


async def test_after_a_rejected_token_a_time_out_is_unknown_and_ends_it(pool: httpx2.AsyncClient):
    async with RawGateway([saying(http(404, REJECTED)), silence]) as gateway:
        with pytest.raises(DarajaUnknown):
            await a_client(pool, gateway.base_url).stk_push(PUSH)
        assert len(gateway.calls) == 2


@pytest.mark.parametrize("reply", [silence, drip, reset, saying(http(200, b"{"))])
async def test_a_query_without_an_answer_is_unknown_and_asked_once(reply: Reply, pool: httpx2.AsyncClient):
    async with RawGateway([reply]) as gateway:
        result = await a_client(pool, gateway.base_url).stk_query(QUERY)
        assert result.standing is Standing.UNKNOWN
        assert len(gateway.calls) == 1


async def test_a_query_is_signed_and_asks_about_one_id(pool: httpx2.AsyncClient):
    async with RawGateway([saying(http(200, PAID))]) as gateway:
        result = await a_client(pool, f"{gateway.base_url}/").stk_query(QUERY)
    assert result.standing is Standing.PAID
    assert gateway.calls[0].path == "/mpesa/stkpushquery/v1/query"
    assert json.loads(gateway.calls[0].body)["CheckoutRequestID"] == "ws_CO_1"


async def test_production_is_https_and_its_callbacks_are_public(pool: httpx2.AsyncClient):
    production = ClientOptions(is_production=True)
    clock = FrozenClock(START)
    with pytest.raises(InvalidRequest):
        DarajaClient(
            pool, "http://127.0.0.1", app=APP, token_store=MemoryTokenStore(clock), clock=clock, options=production
        )
    client = DarajaClient(
        pool, "https://127.0.0.1", app=APP, token_store=MemoryTokenStore(clock), clock=clock, options=production
    )
    with pytest.raises(InvalidCallbackUrl):
        await client.stk_push(PUSH)


async def test_no_error_shows_a_secret_or_a_phone(pool: httpx2.AsyncClient):
    async with RawGateway([reset]) as gateway:
        with pytest.raises(DarajaUnknown) as fault:
            await a_client(pool, gateway.base_url).stk_push(PUSH)
    shown = f"{fault.value!r} {fault.value} {fault.value.facts} {APP!r}"
    for hidden in ("raw-token", "secret", "pass-key", "708374100"):
        assert hidden not in shown
