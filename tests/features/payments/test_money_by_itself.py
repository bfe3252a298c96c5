"""Money that customers send by themselves: placed once, whatever comes first, and never lost."""

import json
from datetime import timedelta
from typing import Any

import pytest

from payme.features.payments.enums import Effect, Outcome, Source
from payme.features.payments.errors import MethodNotConfigured, MethodWithoutNotices
from payme.features.payments.rules.transitions import Message
from payme.features.payments.services.conclude_check import conclude_check
from payme.features.payments.services.place_money import Arrival, place_money
from payme.features.payments.services.register_c2b import request_registration
from tests.payment_room import Till, a_receipt, open_till, stk_callback
from tests.payment_wall import HASHED, MASKED, OTHER_MASKED, Wall, wall_of

PAID = Message(Source.QUERY, Outcome.PAID)


async def test_money_that_nobody_expected_lies_in_the_tray_once(shop: Till, wall: Wall) -> None:
    receipt = await wall.told(FirstName="WANJIKU", BillRefNumber="soda")
    for _ in range(2):
        await wall.told(TransID=receipt, FirstName="WANJIKU", BillRefNumber="soda")
    sql = "select amount_cents, mpesa_receipt_number, payer_name, payer_number, bill_reference, reason, state, is_verified from unclaimed_money where business_id = $1"
    assert await shop.rows(sql) == [(15_000, receipt, "WANJIKU", OTHER_MASKED, "soda", "no_match", "unclaimed", False)]
    assert await shop.balances() == {"mpesa": 15_000, "mpesa_unclaimed": -15_000}
    assert await shop.rows("select effect from payment_evidence where business_id = $1 order by received_at, id") == [
        ("unclaimed",), ("duplicate",), ("duplicate",)
    ]  # fmt: skip
    assert await shop.broken(1, 5, 6, 7) == []


async def test_a_number_that_came_in_the_clear_is_not_kept(shop: Till, wall: Wall) -> None:
    await wall.told(MSISDN="254722000111")
    ((kept,),) = await shop.rows("select payer_number from unclaimed_money where business_id = $1")
    assert kept == "2547 ***** 111"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'{"TransID":"UKM8RT2K1P"}',
        b'{"TransID":"UKM0000000","TransAmount":"5","BusinessShortCode":"174379"}',
    ],
)
async def test_garbage_is_kept_for_a_person(shop: Till, wall: Wall, body: bytes) -> None:
    inbox_id = await wall.post(body)
    sql = "select state, body from callback_inbox where $1::uuid is not null and id = $2"
    assert await shop.rows(sql, inbox_id) == [("malformed", body)]
    assert (await shop.tray(), await shop.balances()) == ([], {})


async def test_another_short_code_places_nothing(shop: Till, wall: Wall) -> None:
    receipt = await wall.told(BusinessShortCode="600999")
    assert (await shop.tray(), await shop.balances()) == ([], {})
    assert (
        await shop.rows("select 1 from mpesa_receipts where business_id = $1 and mpesa_receipt_number = $2", receipt)
        == []
    )
    assert await shop.rows("select state from callback_inbox where business_id = $1") == [("ignored",)]


@pytest.mark.parametrize("notice_first", [True, False])
async def test_the_second_notice_of_a_prompt_is_the_same_money(shop: Till, wall: Wall, notice_first: bool) -> None:
    payment_id, token, checkout_id = await shop.sent()
    ((reference,),) = await shop.rows(
        "select account_reference from payments where business_id = $1 and id = $2", payment_id
    )
    assert reference.startswith("DUKA-")
    assert len(reference) <= 12
    receipt = a_receipt()
    tellings = [
        lambda: wall.told(TransID=receipt, BillRefNumber=reference),
        lambda: shop.call_back(token, stk_callback(checkout_id, receipt=receipt)),
    ]
    for telling in tellings if notice_first else reversed(tellings):
        await telling()
    payment = await shop.payment(payment_id)
    assert (payment.status, payment.paid_cents, payment.mpesa_receipt_number) == ("succeeded", 15_000, receipt)
    assert (await shop.effects(payment_id))[1:] == ["succeeded", "duplicate"]
    assert await shop.balances() == {"mpesa": 15_000, "payments_held": -15_000}
    assert await shop.tray() == []
    assert await shop.broken(1, 5, 6) == []


@pytest.mark.parametrize("number", [HASHED, f"{HASHED[:34]} ***** {HASHED[-25:]}", "254711000100"])
async def test_a_tills_notice_finds_its_prompt_by_number_amount_and_time(
    shop: Till, till_wall: Wall, number: str
) -> None:
    payment_id, token, checkout_id = await shop.sent()
    receipt = await till_wall.told(MSISDN=number, TransactionType="Customer Merchant Payment")
    assert (await shop.payment(payment_id)).mpesa_receipt_number == receipt
    await shop.call_back(token, stk_callback(checkout_id, receipt=receipt), shortcode="5651201")
    assert await shop.balances() == {"mpesa": 15_000, "payments_held": -15_000}
    assert await shop.tray() == []


@pytest.mark.parametrize("is_paid", [False, True])
async def test_three_digits_of_a_number_name_nobody_after_half_an_hour(
    shop: Till, till_wall: Wall, is_paid: bool
) -> None:
    payment_id, _, _ = await shop.sent()
    shop.clock.advance(timedelta(minutes=31))
    await till_wall.told(MSISDN=MASKED)
    if is_paid:
        await shop.run(lambda uow: conclude_check(uow, payment_id, PAID))
    assert (await shop.payment(payment_id)).mpesa_receipt_number is None
    assert await shop.tray() == [("no_match", 15_000, "unclaimed")]
    await till_wall.told(MSISDN=HASHED)
    assert (await shop.payment(payment_id)).mpesa_receipt_number is not None
    assert await shop.broken(1, 5, 6) == []


@pytest.mark.parametrize("said_by", ["callback", "query", "pull"])
async def test_three_digits_of_a_number_pay_nothing_until_mpesa_says_so(
    shop: Till, till_wall: Wall, said_by: str
) -> None:
    payment_id, token, checkout_id = await shop.sent()
    receipt = await till_wall.told(MSISDN=MASKED)
    assert (await shop.payment(payment_id)).status == "pending"
    assert await shop.balances() == {"mpesa": 15_000, "mpesa_unclaimed": -15_000}
    if said_by == "callback":
        await shop.call_back(token, stk_callback(checkout_id, receipt=receipt), shortcode="5651201")
    elif said_by == "query":
        await shop.run(lambda uow: conclude_check(uow, payment_id, PAID))
    else:
        pulled = Arrival(
            Source.PULL, receipt, 15_000, "5651201", ["5651201", "651200"], shop.clock.now(), "", "711000100"
        )
        await shop.run(lambda uow: place_money(uow, pulled))
    payment = await shop.payment(payment_id)
    assert (payment.status, payment.mpesa_receipt_number) == ("succeeded", receipt)
    assert await shop.tray() == [("no_match", 15_000, "matched")]
    assert await shop.balances() == {"mpesa": 15_000, "payments_held": -15_000}
    assert await shop.broken(1, 5, 6) == []


async def test_in_doubt_a_notice_waits_in_the_tray_until_the_callback_takes_it(shop: Till, till_wall: Wall) -> None:
    first, token, checkout_id = await shop.sent()
    second, _, _ = await shop.sent()
    receipt = await till_wall.told(MSISDN=MASKED)
    assert {(await shop.payment(each)).status for each in (first, second)} == {"pending"}
    assert await shop.balances() == {"mpesa": 15_000, "mpesa_unclaimed": -15_000}
    await shop.call_back(token, stk_callback(checkout_id, receipt=receipt), shortcode="5651201")
    assert (await shop.payment(first)).mpesa_receipt_number == receipt
    assert await shop.tray() == [("no_match", 15_000, "matched")]
    assert await shop.balances() == {"mpesa": 15_000, "payments_held": -15_000}
    assert await shop.broken(1, 5, 6) == []
    await till_wall.told(TransID=receipt, MSISDN=MASKED)
    assert await shop.balances() == {"mpesa": 15_000, "payments_held": -15_000}


async def test_a_callback_of_another_amount_takes_its_notice_out_of_the_tray_too(shop: Till, till_wall: Wall) -> None:
    payment_id, token, checkout_id = await shop.sent()
    receipt = await till_wall.told("149.00", MSISDN=MASKED)
    await shop.call_back(token, stk_callback(checkout_id, amount="149.00", receipt=receipt), shortcode="5651201")
    assert await shop.tray() == [("no_match", 14_900, "matched"), ("amount_differs", 14_900, "unclaimed")]
    assert await shop.balances() == {"mpesa": 14_900, "mpesa_unclaimed": -14_900}
    await shop.run(lambda uow: conclude_check(uow, payment_id, PAID))
    assert await shop.balances() == {"mpesa": 14_900, "payments_held": -14_900}
    assert await shop.broken(1, 5, 6) == []


async def test_what_a_query_credited_gets_its_receipt_from_the_tray(shop: Till, till_wall: Wall) -> None:
    payment_id, _, _ = await shop.sent()
    twin, _, _ = await shop.sent()
    receipt = await till_wall.told(MSISDN=MASKED)
    await shop.run(lambda uow: conclude_check(uow, payment_id, PAID))
    payment = await shop.payment(payment_id)
    assert (payment.status, payment.mpesa_receipt_number) == ("succeeded", receipt)
    assert await shop.tray() == [("no_match", 15_000, "matched")]
    assert await shop.balances() == {"mpesa": 15_000, "payments_held": -15_000}
    assert (await shop.payment(twin)).status == "pending"


async def test_a_notice_gives_its_receipt_to_what_a_query_credited(shop: Till, till_wall: Wall) -> None:
    payment_id, _, _ = await shop.sent()
    await shop.run(lambda uow: conclude_check(uow, payment_id, PAID))
    receipt = await till_wall.told(MSISDN=MASKED)
    assert (await shop.payment(payment_id)).mpesa_receipt_number == receipt
    assert await shop.balances() == {"mpesa": 15_000, "payments_held": -15_000}
    assert (await shop.effects(payment_id))[-1] == Effect.RECEIPT_ADDED


@pytest.mark.parametrize(
    ("amount", "number", "minutes"), [("150", OTHER_MASKED, 0), ("151", MASKED, 0), ("150", MASKED, -10)]
)
async def test_a_notice_of_somebody_elses_money_finds_no_prompt(
    shop: Till, till_wall: Wall, amount: str, number: str, minutes: int
) -> None:
    payment_id, _, _ = await shop.sent()
    at = shop.clock.now() + timedelta(hours=3, minutes=minutes)
    await till_wall.told(amount, MSISDN=number, TransTime=at.strftime("%Y%m%d%H%M%S"))
    assert (await shop.payment(payment_id)).status == "pending"
    assert [(reason, state) for reason, _, state in await shop.tray()] == [("no_match", "unclaimed")]


async def test_who_pays_by_hand_what_a_cancelled_prompt_asked_for_has_paid_it(shop: Till, till_wall: Wall) -> None:
    payment_id, token, checkout_id = await shop.sent()
    await shop.call_back(token, stk_callback(checkout_id, code=1032), shortcode="5651201")
    assert (await shop.payment(payment_id)).status == "failed"
    shop.clock.advance(timedelta(minutes=3))
    await till_wall.told(MSISDN=HASHED)
    payment = await shop.payment(payment_id)
    assert (payment.status, payment.late) == ("succeeded", True)


async def test_a_late_notice_finds_its_prompt_behind_many_younger_ones(shop: Till, till_wall: Wall) -> None:
    payment_id, _, _ = await shop.sent()
    paid_at = shop.clock.now() + timedelta(hours=3)
    shop.clock.advance(timedelta(minutes=5))
    for _ in range(51):
        await shop.sent()
    receipt = await till_wall.told(MSISDN=HASHED, TransTime=paid_at.strftime("%Y%m%d%H%M%S"))
    assert (await shop.payment(payment_id)).mpesa_receipt_number == receipt
    assert await shop.tray() == []


@pytest.mark.parametrize(("number", "status"), [(MASKED, "failed"), (HASHED, "succeeded")])
async def test_hours_after_a_cancelled_prompt_only_the_whole_number_says_whose_money_it_is(
    shop: Till, till_wall: Wall, number: str, status: str
) -> None:
    payment_id, token, checkout_id = await shop.sent()
    await shop.call_back(token, stk_callback(checkout_id, code=1032), shortcode="5651201")
    shop.clock.advance(timedelta(hours=2))
    await till_wall.told(MSISDN=number)
    assert (await shop.payment(payment_id)).status == status
    left = [("no_match", "unclaimed")] if status == "failed" else []
    assert [(reason, state) for reason, _, state in await shop.tray()] == left


async def test_a_receipt_of_another_business_stays_its(
    shop: Till, wall: Wall, database: Any, clock: Any, owner_dsn: str
) -> None:
    receipt = await wall.told()
    other = await wall_of(await open_till(database, clock, owner_dsn=owner_dsn))
    await other.told(TransID=receipt)
    assert (await other.till.tray(), await other.till.balances()) == ([], {})
    assert await other.till.rows("select effect from payment_evidence where business_id = $1") == [("receipt_taken",)]
    assert await shop.tray() == [("no_match", 15_000, "unclaimed")]


HOSTILE: list[Any] = [
    None, "", " ", 0, -1, True, [], {}, ["x"], {"a": 1}, "1e400", "NaN", "-5.00", "150.001", "9" * 400, "\u0000", "🏪", "0", 1.5,
]  # fmt: skip
FIELDS = (
    "TransactionType",
    "TransID",
    "TransTime",
    "TransAmount",
    "BusinessShortCode",
    "BillRefNumber",
    "OrgAccountBalance",
    "MSISDN",
    "FirstName",
)


@pytest.mark.parametrize("field", FIELDS)
async def test_a_hostile_notice_raises_nothing_and_places_what_it_names_or_nothing(
    shop: Till, wall: Wall, field: str
) -> None:
    sent: set[str] = set()
    for value in HOSTILE:
        notice: dict[str, Any] = {
            "TransactionType": "Pay Bill", "TransID": a_receipt(), "TransTime": "20261122100100", "TransAmount": "150.00",
            "BusinessShortCode": wall.shortcode, "BillRefNumber": "soda", "OrgAccountBalance": "900.00", "MSISDN": OTHER_MASKED,
            "FirstName": "JOHN",
        }  # fmt: skip
        sent.add(notice["TransID"])
        await wall.post(json.dumps(notice | {field: value}).encode())
        await wall.post(json.dumps([notice | {field: value}]).encode())
    placed = await shop.rows("select mpesa_receipt_number, amount_cents from unclaimed_money where business_id = $1")
    assert {receipt for receipt, _ in placed} <= sent
    assert all(amount == 15_000 for _, amount in placed) or field == "TransAmount"
    assert all(amount > 0 for _, amount in placed)
    needed = field in {"TransID", "TransAmount", "BusinessShortCode"}
    assert (len(placed) < len(HOSTILE)) is needed
    assert await shop.rows("select 1 from payments where business_id = $1") == []
    states = {row[0] for row in await shop.rows("select state from callback_inbox where business_id = $1")}
    assert states <= {"handled", "malformed", "ignored"}
    assert await shop.broken(1, 5, 6, 7) == []


async def test_only_a_paybill_or_till_that_is_set_up_can_be_told_of(shop: Till) -> None:
    with pytest.raises(MethodWithoutNotices):
        await shop.run(lambda uow: request_registration(uow, "pochi"))
    with pytest.raises(MethodNotConfigured):
        await shop.run(lambda uow: request_registration(uow, "till"))
    assert await shop.rows("select 1 from c2b_registrations where business_id = $1") == []
