"""Pictures, Pull and standing orders on the wire, and what each makes of answers that are none."""

import base64
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx2
import pytest

from payme.integrations.daraja import (
    DarajaClient,
    DarajaRefused,
    DarajaUnavailable,
    DarajaUnknown,
    DynamicQr,
    Frequency,
    InvalidCallbackUrl,
    InvalidRequest,
    PullPage,
    PullQuery,
    PullRegistration,
    PullState,
    QrTransaction,
    Reason,
    ShortcodeKind,
    StandingOrder,
    StandingOrderAccepted,
    WholeShillingsOnly,
    open_http_client,
)
from tests.contracts.gateway_client import NO_ANSWERS, START, THROTTLED, answering, client_of, erring, sent
from tests.contracts.raw_gateway import RawGateway, Reply

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(64))
QR = DynamicQr(QrTransaction.PAYBILL, "600992", "Duka 7", "INV-42", 100_00)
REGISTRATION = PullRegistration("600992", "0722000000", "http://127.0.0.1/d/6b1f/p")
PULL = PullQuery("600992", START - timedelta(hours=48), START)
ORDER = StandingOrder(
    ShortcodeKind.PAYBILL,
    "600992",
    "Sofa of Jane",
    "254708374149",
    500_00,
    Frequency.MONTHLY,
    date(2026, 12, 1),
    date(2027, 5, 1),
    "http://127.0.0.1/d/6b1f/o",
    "HP-42",
    "Sofa",
)
ROW = {
    "transactionId": "UKM8RT2K1P",
    "trxDate": "2026-11-22T08:01:02Z",
    "msisdn": 722000000,
    "sender": "MPESA",
    "transactiontype": "c2b-pay-bill-debit",
    "billreference": "INV-42",
    "amount": "300.00",
    "organizationname": "Duka",
    "unheardOf": {"a": 1},
}


@pytest.fixture
async def pool() -> AsyncIterator[httpx2.AsyncClient]:
    async with open_http_client() as client:
        yield client


def a_page(rows: object, code: object = "1000", **fields: Any) -> Reply:
    return answering(200, ResponseRefID="1-2", ResponseCode=code, ResponseMessage="Success", Response=rows, **fields)


async def pulled(reply: Reply, pool: httpx2.AsyncClient, query: PullQuery = PULL) -> PullPage:
    async with RawGateway([reply]) as gateway:
        page = await client_of(pool, gateway).pull_transactions(query)
        assert [seen.path for seen in gateway.calls] == ["/pulltransactions/v1/query"]
    return page


@pytest.mark.parametrize("code", ["00", "AG_20261122_1", None])
async def test_a_picture_is_the_success_whatever_the_code(code: object, pool: httpx2.AsyncClient):
    async with RawGateway([answering(200, ResponseCode=code, QRCode=base64.b64encode(PNG).decode())]) as gateway:
        assert await client_of(pool, gateway).dynamic_qr(QR) == PNG
    (seen,) = gateway.calls
    assert seen.path == "/mpesa/qrcode/v1/generate"
    assert sent(seen) == {
        "MerchantName": "Duka 7",
        "RefNo": "INV-42",
        "Amount": 100,
        "TrxCode": "PB",
        "CPI": "600992",
        "Size": "300",
    }


async def test_a_pochi_is_filled_in_by_its_phone(pool: httpx2.AsyncClient):
    async with RawGateway(
        [answering(200, QRCode="data:image/png;base64," + base64.b64encode(PNG).decode())]
    ) as gateway:
        pochi = replace(QR, transaction=QrTransaction.POCHI, receiver="0722 000 000")
        assert await client_of(pool, gateway).dynamic_qr(pochi) == PNG
    assert (sent(gateway.calls[0])["TrxCode"], sent(gateway.calls[0])["CPI"]) == ("SB", "254722000000")


@pytest.mark.parametrize(
    "reply",
    [
        *NO_ANSWERS.values(),
        answering(200, ResponseCode="00"),
        answering(200, ResponseCode="00", QRCode="not base64!"),
        answering(200, ResponseCode="00", QRCode=base64.b64encode(b"<html>").decode()),
        answering(429, **THROTTLED),
    ],
)
async def test_without_a_picture_it_may_be_asked_for_later(reply: Reply, pool: httpx2.AsyncClient):
    async with RawGateway([reply]) as gateway:
        with pytest.raises(DarajaUnavailable):
            await client_of(pool, gateway).dynamic_qr(QR)
        assert len(gateway.calls) == 1


async def test_a_refused_picture_is_a_refusal(pool: httpx2.AsyncClient):
    async with RawGateway([erring(400, "400.002.02", "Bad Request - Invalid CPI")]) as gateway:
        with pytest.raises(DarajaRefused):
            await client_of(pool, gateway).dynamic_qr(QR)


@pytest.mark.parametrize(
    "changes",
    [
        {"receiver": "0722000000"},
        {"receiver": "600992", "transaction": QrTransaction.SEND_MONEY},
        {"merchant_name": " "},
        {"reference": "x" * 21},
        {"amount_cents": 0},
        {"amount_cents": 100_50},
        {"size_pixels": 0},
        {"size_pixels": 1001},
    ],
)
def test_a_picture_that_safaricom_would_refuse_is_not_asked_for(changes: dict[str, Any]):
    with pytest.raises((InvalidRequest, WholeShillingsOnly)):
        replace(QR, **changes)


@pytest.mark.parametrize(
    ("fields", "state"),
    [
        ({"ResponseStatus": "1000", "ResponseDescription": "ShortCode Registered"}, PullState.REGISTERED),
        ({"Response Status": "1000", "Response Description": "ok"}, PullState.REGISTERED),
        ({"ResponseStatus": 1001, "ResponseDescription": "already"}, PullState.ALREADY_REGISTERED),
        ({"Response Status": "1001"}, PullState.ALREADY_REGISTERED),
        ({"ResponseCode": "1000"}, PullState.REGISTERED),
    ],
)
async def test_pull_is_open_either_way(fields: dict[str, Any], state: PullState, pool: httpx2.AsyncClient):
    async with RawGateway([answering(200, **fields)]) as gateway:
        assert await client_of(pool, gateway).pull_register(REGISTRATION) is state
    (seen,) = gateway.calls
    assert seen.path == "/pulltransactions/v1/register"
    assert sent(seen) == {
        "ShortCode": "600992",
        "RequestType": "Pull",
        "NominatedNumber": "254722000000",
        "CallBackURL": REGISTRATION.callback_url,
    }


async def test_an_app_without_pull_is_refused(pool: httpx2.AsyncClient):
    async with RawGateway([erring(401, "401.001", "Invalid access token")]) as gateway:
        with pytest.raises(DarajaRefused) as refusal:
            await client_of(pool, gateway).pull_register(REGISTRATION)
        with pytest.raises(DarajaRefused):
            await client_of(pool, gateway).pull_transactions(PULL)
    assert (refusal.value.code, refusal.value.reason) == ("daraja.token_refused", Reason.CONFIG)


async def test_a_bad_address_is_not_registered(pool: httpx2.AsyncClient):
    async with RawGateway([a_page([])]) as gateway:
        with pytest.raises(InvalidCallbackUrl):
            await client_of(pool, gateway).pull_register(replace(REGISTRATION, callback_url="http://127.0.0.1/mpesa"))
        assert gateway.seen == []


async def test_a_page_of_payments(pool: httpx2.AsyncClient):
    async with RawGateway([a_page([[ROW]])]) as gateway:
        page = await client_of(pool, gateway).pull_transactions(PULL.from_row(300))
    assert sent(gateway.calls[0]) == {
        "ShortCode": "600992",
        "StartDate": "2026-11-20 12:00:00",
        "EndDate": "2026-11-22 12:00:00",
        "OffSetValue": "300",
    }
    (payment,) = page.rows
    assert (payment.receipt, payment.amount_cents, payment.bill_reference) == ("UKM8RT2K1P", 300_00, "INV-42")
    assert (payment.written_at, payment.near) == ("2026-11-22T08:01:02Z", datetime(2026, 11, 22, 8, 1, 2, tzinfo=UTC))
    assert (payment.msisdn, payment.transaction_type) == ("722000000", "c2b-pay-bill-debit")
    assert (page.is_conclusive, page.next_offset, page.unreadable_rows) == (True, None, 0)
    assert "722000000" not in repr(page)


@pytest.mark.parametrize("rows", [[[ROW], [ROW]], [ROW, ROW], [[[ROW, ROW]]]])
async def test_rows_are_found_in_any_nesting_of_arrays(rows: object, pool: httpx2.AsyncClient):
    assert len((await pulled(a_page(rows), pool)).rows) == 2


async def test_a_full_page_has_another_behind_it(pool: httpx2.AsyncClient):
    page = await pulled(a_page([[ROW] * 100]), pool, PULL.from_row(200))
    assert (len(page.rows), page.next_offset) == (100, 300)
    assert (await pulled(a_page([[ROW] * 99]), pool, PULL.from_row(200))).next_offset is None


async def test_an_empty_success_is_conclusive(pool: httpx2.AsyncClient):
    page = await pulled(a_page([[]]), pool)
    assert (page.rows, page.is_conclusive, page.response_code) == ((), True, "1000")


@pytest.mark.parametrize("rows", [[[ROW]], [[]], [], None, "x", {}])
async def test_nothing_found_never_means_that_nothing_was_paid(rows: object, pool: httpx2.AsyncClient):
    page = await pulled(a_page(rows, 1001), pool)
    assert not page.is_conclusive
    assert page.response_code == "1001"


@pytest.mark.parametrize(
    "odd",
    [
        {"amount": None},
        {"amount": "0"},
        {"amount": "many"},
        {"transactionId": None},
        {"transactionId": "OAK0000000"},
    ],
)
async def test_a_row_that_cannot_be_read_makes_the_page_inconclusive(odd: dict[str, Any], pool: httpx2.AsyncClient):
    page = await pulled(a_page([[ROW, ROW | odd]]), pool)
    assert (len(page.rows), page.unreadable_rows, page.is_conclusive) == (1, 1, False)


@pytest.mark.parametrize("rows", [None, "x", 7, {"transactionId": "x"}, [["x"]]])
async def test_a_success_without_rows_that_can_be_read_is_inconclusive(rows: object, pool: httpx2.AsyncClient):
    assert not (await pulled(a_page(rows), pool)).is_conclusive


async def test_an_odd_time_stays_as_it_came(pool: httpx2.AsyncClient):
    page = await pulled(a_page([[ROW | {"trxDate": "yesterday"}]]), pool)
    assert (page.rows[0].written_at, page.rows[0].near) == ("yesterday", None)


@pytest.mark.parametrize("reply", [*NO_ANSWERS.values(), answering(200, ResponseCode="7"), answering(200)])
async def test_pull_without_a_readable_answer_is_unknown_and_asked_once(reply: Reply, pool: httpx2.AsyncClient):
    for call in (
        lambda client: client.pull_register(REGISTRATION),
        lambda client: client.pull_transactions(PULL),
    ):
        async with RawGateway([reply]) as gateway:
            with pytest.raises(DarajaUnknown):
                await call(client_of(pool, gateway))
            assert len(gateway.calls) == 1


async def test_an_error_beside_a_page_is_no_page(pool: httpx2.AsyncClient):
    with pytest.raises(DarajaUnknown):
        await pulled(a_page([[ROW]], errorCode="500.003.1001", errorMessage="Internal Server Error"), pool)


@pytest.mark.parametrize(
    "changes",
    [
        {"ends_at": PULL.starts_at},
        {"ends_at": PULL.ends_at + timedelta(seconds=1)},
        {"offset": -1},
        {"shortcode": "12"},
    ],
)
def test_a_window_has_at_most_48_hours(changes: dict[str, Any]):
    with pytest.raises(InvalidRequest):
        replace(PULL, **changes)


async def test_a_window_that_is_long_past_is_not_asked_for(pool: httpx2.AsyncClient):
    async with RawGateway([a_page([[]])]) as gateway:
        with pytest.raises(InvalidRequest):
            await client_of(pool, gateway).pull_transactions(
                replace(PULL, starts_at=START - timedelta(hours=49), ends_at=START - timedelta(hours=2))
            )
        assert gateway.seen == []


def test_a_nominated_number_is_a_phone():
    with pytest.raises(InvalidRequest):
        replace(REGISTRATION, nominated_number="600992")


ORDER_ACCEPTED = {"responseRefID": "4dd9b5d9-d738", "responseCode": "200", "responseDescription": "Request accepted"}


@pytest.mark.parametrize("name", ["ResponseHeader", "responseHeader"])
async def test_a_standing_order_is_asked_for(name: str, pool: httpx2.AsyncClient):
    async with RawGateway([answering(200, **{name: ORDER_ACCEPTED})]) as gateway:
        accepted = await client_of(pool, gateway).create_standing_order(ORDER)
    assert accepted == StandingOrderAccepted("4dd9b5d9-d738")
    (seen,) = gateway.calls
    assert seen.path == "/standingorder/v1/createStandingOrderExternal"
    assert sent(seen) == {
        "StandingOrderName": "Sofa of Jane",
        "StartDate": "20261201",
        "EndDate": "20270501",
        "BusinessShortCode": "600992",
        "TransactionType": "Standing Order Customer Pay Bill",
        "ReceiverPartyIdentifierType": "4",
        "Amount": "500",
        "PartyA": "254708374149",
        "CallBackURL": ORDER.callback_url,
        "AccountReference": "HP-42",
        "TransactionDesc": "Sofa",
        "Frequency": "4",
    }


def test_a_till_is_a_marchant():
    body = replace(ORDER, kind=ShortcodeKind.BUY_GOODS).body()
    assert body["TransactionType"] == "Standing Order Customer Pay Marchant"
    assert body["ReceiverPartyIdentifierType"] == "2"


@pytest.mark.parametrize(
    "reply",
    [
        *NO_ANSWERS.values(),
        answering(200, ResponseHeader=ORDER_ACCEPTED | {"responseCode": "500"}),
        answering(200, ResponseHeader=ORDER_ACCEPTED | {"responseRefID": None}),
        answering(200, ResponseHeader=ORDER_ACCEPTED, errorCode="500.003.1001"),
        answering(200, ResponseBody={"responseCode": "200"}),
    ],
)
async def test_a_standing_order_without_a_readable_answer_is_unknown_and_sent_once(
    reply: Reply, pool: httpx2.AsyncClient
):
    async with RawGateway([reply]) as gateway:
        with pytest.raises(DarajaUnknown):
            await client_of(pool, gateway).create_standing_order(ORDER)
        assert len(gateway.calls) == 1


async def test_a_standing_order_with_a_bad_address_is_not_sent(pool: httpx2.AsyncClient):
    async with RawGateway([answering(200, ResponseHeader=ORDER_ACCEPTED)]) as gateway:
        with pytest.raises(InvalidCallbackUrl):
            await client_of(pool, gateway).create_standing_order(replace(ORDER, callback_url="http://127.0.0.1/cmd"))
        assert gateway.seen == []


@pytest.mark.parametrize(
    "changes",
    [
        {"shortcode": "12"},
        {"name": ""},
        {"name": "x" * 65},
        {"msisdn": "600992"},
        {"amount_cents": 0},
        {"ends_on": date(2026, 11, 30)},
        {"account_reference": "HP 42"},
        {"account_reference": "x" * 13},
        {"description": ""},
        {"description": "x" * 14},
    ],
)
def test_a_standing_order_that_safaricom_would_refuse_is_not_made(changes: dict[str, Any]):
    with pytest.raises(InvalidRequest):
        replace(ORDER, **changes)


CALLS: list[Callable[[DarajaClient], Awaitable[object]]] = [
    lambda client: client.pull_register(REGISTRATION),
    lambda client: client.pull_transactions(PULL),
    lambda client: client.create_standing_order(ORDER),
    lambda client: client.dynamic_qr(QR),
]


@pytest.mark.parametrize("call", CALLS)
async def test_a_busy_gateway_is_left_alone(
    call: Callable[[DarajaClient], Awaitable[object]], pool: httpx2.AsyncClient
):
    async with RawGateway([answering(429, **THROTTLED)]) as gateway:
        with pytest.raises(DarajaUnavailable) as fault:
            await call(client_of(pool, gateway))
        assert len(gateway.calls) == 1
    assert fault.value.retry_after_seconds
