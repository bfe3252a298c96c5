"""Orders and questions on the wire: money is sent once, whatever happens; the version is found; a duplicate is looked up."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace

import httpx2
import pytest

from payme.integrations.daraja import (
    B2bCommand,
    B2cVersion,
    BalanceQuery,
    DarajaClient,
    DarajaRefused,
    DarajaUnavailable,
    DarajaUnknown,
    DuplicateRequest,
    InvalidCallbackUrl,
    OperationAccepted,
    Payout,
    PayoutAccepted,
    Reason,
    Reversal,
    StatusQuery,
    Transfer,
    open_http_client,
)
from tests.contracts.gateway_client import NO_ANSWERS, THROTTLED, answering, client_of, erring, sent
from tests.contracts.raw_gateway import RawGateway, Reply
from tests.operators import URLS, an_account, opened

PAYOUT = Payout(an_account(), URLS, "pay-7f3c", "254705912645", 100_00, "refund 42")
TRANSFER = Transfer(an_account(), URLS, B2bCommand.BUSINESS_PAY_BILL, "888880", 100_00, "INV7", "stock")
TAX = replace(TRANSFER, command=B2bCommand.PAY_TAX_TO_KRA, recipient="572572")
REVERSAL = Reversal(an_account(), URLS, "UKM8RT2K1P", 100_00, "wrong till")
STATUS = StatusQuery(an_account(), URLS, receipt="UKM8RT2K1P")
BALANCE = BalanceQuery(an_account(), URLS)

ACCEPTED = answering(
    200,
    ConversationID="AG_20261122_1",
    OriginatorConversationID="12-34-1",
    ResponseCode="0",
    ResponseDescription="Accept",
)
KEPT_OUT = erring(403, "403.002.1001", "Not allowed")
Call = Callable[[DarajaClient], Awaitable[OperationAccepted | PayoutAccepted]]
ORDERS: dict[str, tuple[Call, str]] = {
    "b2c": (lambda client: client.b2c(PAYOUT), "/mpesa/b2c/v3/paymentrequest"),
    "b2pochi": (lambda client: client.b2pochi(PAYOUT), "/mpesa/b2pochi/v1/paymentrequest"),
    "b2b": (lambda client: client.b2b(TRANSFER), "/mpesa/b2b/v1/paymentrequest"),
    "tax": (lambda client: client.b2b(TAX), "/mpesa/b2b/v1/remittax"),
    "reversal": (lambda client: client.reversal(REVERSAL), "/mpesa/reversal/v1/request"),
}
QUESTIONS: dict[str, tuple[Call, str]] = {
    "status": (lambda client: client.transaction_status(STATUS), "/mpesa/transactionstatus/v1/query"),
    "balance": (lambda client: client.account_balance(BALANCE), "/mpesa/accountbalance/v1/query"),
}
ALL = ORDERS | QUESTIONS


@pytest.fixture
async def pool() -> AsyncIterator[httpx2.AsyncClient]:
    async with open_http_client() as client:
        yield client


@pytest.mark.parametrize("name", ALL)
async def test_an_operation_is_taken_and_its_ids_are_told(name: str, pool: httpx2.AsyncClient):
    call, path = ALL[name]
    async with RawGateway([ACCEPTED]) as gateway:
        accepted = await call(client_of(pool, gateway))
    assert (accepted.conversation_id, accepted.originator_conversation_id) == ("AG_20261122_1", "12-34-1")
    (seen,) = gateway.calls
    assert (seen.method, seen.path) == ("POST", path)
    assert seen.headers["authorization"] == "Bearer raw-token-1"
    assert opened(sent(seen)["SecurityCredential"]) == "Duka#2026%"


@pytest.mark.parametrize("reply", [pytest.param(reply, id=name) for name, reply in NO_ANSWERS.items()])
@pytest.mark.parametrize("name", ALL)
async def test_without_a_readable_answer_it_is_unknown_and_was_sent_once(
    name: str, reply: Reply, pool: httpx2.AsyncClient
):
    call, _ = ALL[name]
    async with RawGateway([reply]) as gateway:
        with pytest.raises(DarajaUnknown) as fault:
            await call(client_of(pool, gateway))
        assert len(gateway.calls) == 1
    assert not isinstance(fault.value, DuplicateRequest)


@pytest.mark.parametrize(
    "reply",
    [
        answering(429, **THROTTLED),
        answering(200, **THROTTLED),
        erring(500, "500.003.02", "System is busy. Please try again in few minutes."),
        erring(503, "00.002.1001", "maintenance"),
    ],
)
@pytest.mark.parametrize("name", ALL)
async def test_a_gateway_that_sheds_load_took_nothing(name: str, reply: Reply, pool: httpx2.AsyncClient):
    call, _ = ALL[name]
    async with RawGateway([reply]) as gateway:
        with pytest.raises(DarajaUnavailable) as fault:
            await call(client_of(pool, gateway))
    assert fault.value.retry_after_seconds
    assert len(gateway.calls) == 1


@pytest.mark.parametrize("name", ALL)
async def test_a_wrong_field_is_a_refusal(name: str, pool: httpx2.AsyncClient):
    call, _ = ALL[name]
    async with RawGateway([erring(400, "400.002.02", "Bad Request - Invalid Remarks")]) as gateway:
        with pytest.raises(DarajaRefused) as refusal:
            await call(client_of(pool, gateway))
    assert (refusal.value.reason, refusal.value.error_code) == (Reason.REQUEST, "400.002.02")
    assert len(gateway.calls) == 1


@pytest.mark.parametrize("name", ALL)
async def test_an_error_that_nobody_listed_is_unknown(name: str, pool: httpx2.AsyncClient):
    call, _ = ALL[name]
    async with RawGateway([erring(500, "500.003.1001", "Internal Server Error")]) as gateway:
        with pytest.raises(DarajaUnknown):
            await call(client_of(pool, gateway))
        assert len(gateway.calls) == 1


@pytest.mark.parametrize("name", ALL)
async def test_a_bad_address_is_never_sent(name: str, pool: httpx2.AsyncClient):
    for bad in (replace(URLS, result_url="http://127.0.0.1/mpesa"), replace(URLS, timeout_url="http://127.0.0.1/sql")):
        calls: dict[str, Call] = {
            "b2c": lambda client, bad=bad: client.b2c(replace(PAYOUT, urls=bad)),
            "b2pochi": lambda client, bad=bad: client.b2pochi(replace(PAYOUT, urls=bad)),
            "b2b": lambda client, bad=bad: client.b2b(replace(TRANSFER, urls=bad)),
            "tax": lambda client, bad=bad: client.b2b(replace(TAX, urls=bad)),
            "reversal": lambda client, bad=bad: client.reversal(replace(REVERSAL, urls=bad)),
            "status": lambda client, bad=bad: client.transaction_status(replace(STATUS, urls=bad)),
            "balance": lambda client, bad=bad: client.account_balance(replace(BALANCE, urls=bad)),
        }
        async with RawGateway([ACCEPTED]) as gateway:
            with pytest.raises(InvalidCallbackUrl):
                await calls[name](client_of(pool, gateway))
            assert gateway.seen == []


async def test_a_rejected_token_is_renewed_and_the_same_payout_sent_again(pool: httpx2.AsyncClient):
    async with RawGateway([erring(401, "400.003.01", "Invalid Access Token"), ACCEPTED]) as gateway:
        await client_of(pool, gateway).b2c(PAYOUT)
    first, second = gateway.calls
    assert first.body == second.body
    assert [seen.headers["authorization"] for seen in gateway.calls] == ["Bearer raw-token-1", "Bearer raw-token-2"]


async def test_a_payout_that_is_kept_out_of_version_three_goes_by_version_one(pool: httpx2.AsyncClient):
    async with RawGateway([KEPT_OUT, ACCEPTED]) as gateway:
        accepted = await client_of(pool, gateway).b2c(PAYOUT)
    assert accepted == PayoutAccepted("AG_20261122_1", "12-34-1", B2cVersion.V1)
    assert [seen.path for seen in gateway.calls] == ["/mpesa/b2c/v3/paymentrequest", "/mpesa/b2c/v1/paymentrequest"]
    assert "OriginatorConversationID" in sent(gateway.calls[0])
    assert "OriginatorConversationID" not in sent(gateway.calls[1])


async def test_a_payout_that_is_kept_out_of_both_versions_is_refused(pool: httpx2.AsyncClient):
    async with RawGateway([KEPT_OUT]) as gateway:
        with pytest.raises(DarajaRefused) as refusal:
            await client_of(pool, gateway).b2c(PAYOUT)
    assert refusal.value.reason is Reason.CONFIG
    assert len(gateway.calls) == 2


@pytest.mark.parametrize("name", NO_ANSWERS)
async def test_version_one_without_an_answer_is_unknown_and_ends_it(name: str, pool: httpx2.AsyncClient):
    async with RawGateway([KEPT_OUT, NO_ANSWERS[name]]) as gateway:
        with pytest.raises(DarajaUnknown):
            await client_of(pool, gateway).b2c(PAYOUT)
        assert len(gateway.calls) == 2


async def test_a_refusal_beside_an_id_is_not_sent_by_another_version(pool: httpx2.AsyncClient):
    odd = answering(403, errorCode="403.002.1001", errorMessage="Not allowed", ConversationID="AG_20261122_1")
    async with RawGateway([odd, ACCEPTED]) as gateway:
        with pytest.raises(DarajaUnknown):
            await client_of(pool, gateway).b2c(PAYOUT)
        assert len(gateway.calls) == 1


async def test_version_one_may_be_asked_first(pool: httpx2.AsyncClient):
    async with RawGateway([KEPT_OUT]) as gateway:
        with pytest.raises(DarajaRefused):
            await client_of(pool, gateway).b2c(PAYOUT, version=B2cVersion.V1)
    assert [seen.path for seen in gateway.calls] == ["/mpesa/b2c/v1/paymentrequest"]


@pytest.mark.parametrize("name", ["b2c", "b2pochi"])
async def test_an_id_that_was_used_before_is_to_be_looked_up(name: str, pool: httpx2.AsyncClient):
    async with RawGateway([erring(500, "500.002.1001", "Duplicate OriginatorConversationID.")]) as gateway:
        with pytest.raises(DuplicateRequest) as fault:
            await ORDERS[name][0](client_of(pool, gateway))
    assert fault.value.code == "daraja.duplicate_request"
    assert len(gateway.calls) == 1


async def test_an_acceptance_without_our_id_keeps_it(pool: httpx2.AsyncClient):
    async with RawGateway([answering(200, ConversationID="AG_1", ResponseCode=0)]) as gateway:
        accepted = await client_of(pool, gateway).b2c(PAYOUT)
    assert accepted == PayoutAccepted("AG_1", "pay-7f3c", B2cVersion.V3)


@pytest.mark.parametrize("name", ALL)
async def test_an_acceptance_without_any_id_is_unknown(name: str, pool: httpx2.AsyncClient):
    async with RawGateway([answering(200, ResponseCode="0")]) as gateway:
        with pytest.raises(DarajaUnknown):
            await ALL[name][0](client_of(pool, gateway))


@pytest.mark.parametrize(
    ("call", "reason"), [("b2c", Reason.CUSTOMER), ("b2pochi", Reason.CUSTOMER), ("b2b", Reason.REQUEST)]
)
async def test_only_a_person_is_blamed_for_a_wrong_receiver(call: str, reason: Reason, pool: httpx2.AsyncClient):
    async with RawGateway([erring(400, "400.002.02", "Bad Request - Invalid PartyB")]) as gateway:
        with pytest.raises(DarajaRefused) as refusal:
            await ORDERS[call][0](client_of(pool, gateway))
    assert refusal.value.reason is reason


async def test_no_error_of_a_payout_shows_a_secret_or_a_phone(pool: httpx2.AsyncClient):
    async with RawGateway([erring(500, "500.003.1001", "No 254705912645 there")]) as gateway:
        with pytest.raises(DarajaUnknown) as fault:
            await client_of(pool, gateway).b2c(PAYOUT)
    shown = f"{fault.value!r} {fault.value.facts} {PAYOUT!r}"
    for hidden in ("705912645", "raw-token", "Duka#2026%"):
        assert hidden not in shown


class FirstConnectionFails(httpx2.AsyncHTTPTransport):
    """A network on which the first connection for an operation is refused."""

    attempts = 0

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        if not request.url.path.startswith("/oauth/"):
            self.attempts += 1
            if self.attempts == 1:
                raise httpx2.ConnectError("refused", request=request)
        return await super().handle_async_request(request)


@pytest.mark.parametrize("name", QUESTIONS)
async def test_a_question_that_was_not_sent_is_sent_once_more(name: str):
    network = FirstConnectionFails()
    async with RawGateway([ACCEPTED]) as gateway, httpx2.AsyncClient(transport=network) as pool:
        await QUESTIONS[name][0](client_of(pool, gateway))
        assert (network.attempts, len(gateway.calls)) == (2, 1)


@pytest.mark.parametrize("name", ORDERS)
async def test_an_order_that_was_not_sent_waits_for_its_caller(name: str):
    network = FirstConnectionFails()
    async with RawGateway([ACCEPTED]) as gateway, httpx2.AsyncClient(transport=network) as pool:
        with pytest.raises(DarajaUnavailable) as fault:
            await ORDERS[name][0](client_of(pool, gateway))
        assert (network.attempts, gateway.calls) == (1, [])
    assert fault.value.code == "daraja.unreachable"
