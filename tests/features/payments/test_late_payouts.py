"""Returns that M-Pesa denied and that left all the same: always recorded, booked where the money is, and never twice."""

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest

from payme.features.payments import ConfigureMethod, configure_method
from payme.features.payments.rules.payouts import News
from payme.features.payments.schemas import ReturnMoney
from payme.features.payments.services.ask_status import begin_asking_about_payout
from payme.features.payments.services.claim_money import Destination, claim_unclaimed
from payme.features.payments.services.request_payout import return_money
from payme.features.payments.services.send_payout import PayoutErrand, begin_sending_payout
from payme.kit.ids import new_id
from tests.features.payments.test_payouts import agree, begin, hears, lying, payout, result, tell
from tests.payment_room import OPERATED, Till, a_receipt

AMOUNT = 15_000
LATER = timedelta(days=1)


@pytest.fixture
async def shop(shop: Till) -> Till:
    """A shop with an operator."""
    await shop.run(lambda uow: configure_method(uow, "paybill", ConfigureMethod.model_validate(OPERATED)))
    return shop


async def sent_back(shop: Till, row: UUID) -> PayoutErrand:
    back = await shop.run(lambda uow: return_money(uow, row, ReturnMoney(reason="Wrong till")))
    await agree(shop, back.id)
    return await begin(shop, back.id)


async def denied(shop: Till) -> tuple[PayoutErrand, UUID]:
    """Have a return denied, so that its row is free again."""
    row, _ = await lying(shop)
    errand = await sent_back(shop, row)
    await tell(shop, errand.token, result(errand, code=11))
    assert await shop.tray() == [("no_match", AMOUNT, "unclaimed")]
    return errand, row


async def left_after_all(shop: Till, errand: PayoutErrand, receipt: str) -> None:
    """Have M-Pesa say three times that a return left."""
    for _ in range(3):
        await tell(shop, errand.token, result(errand, receipt=receipt))


async def found(shop: Till, errand: PayoutErrand) -> tuple[str, str | None]:
    view = await payout(shop, errand.payout.id)
    return view.state, view.mpesa_receipt_number


async def overpaid(shop: Till) -> list[tuple[UUID]]:
    return await shop.rows("select subject_id from audit_log where business_id = $1 and action = 'payout.overpaid'")


async def test_while_its_row_is_free_it_is_returned(shop: Till) -> None:
    first, _ = await denied(shop)
    shop.clock.advance(LATER)
    await left_after_all(shop, first, receipt := a_receipt())
    assert await found(shop, first) == ("succeeded", receipt)
    assert (await payout(shop, first.payout.id)).ended_at == shop.clock.now()
    assert (await shop.tray(), await shop.balances(), await overpaid(shop)) == (
        [("no_match", AMOUNT, "returned")], {}, [],
    )  # fmt: skip
    assert await shop.broken(1, 5, 6, 7) == []


async def test_after_its_row_was_claimed_it_is_overpaid(shop: Till) -> None:
    first, row = await denied(shop)
    await shop.run(lambda uow: claim_unclaimed(uow, row, Destination("sale", new_id())))
    await left_after_all(shop, first, receipt := a_receipt())
    assert await found(shop, first) == ("succeeded", receipt)
    assert await shop.tray() == [("no_match", AMOUNT, "claimed")]
    assert await shop.balances() == {"mpesa_overpaid": AMOUNT, "payments_held": -AMOUNT}
    assert await overpaid(shop) == [(first.payout.id,)]
    assert await shop.broken(1, 5, 6) == []
    assert [each for each in await shop.broken(7) if "payments_held" not in str(each)] == []


@pytest.mark.parametrize(
    ("stage", "ends"), [("asked", "rejected"), ("agreed", "rejected"), ("sent", "failed"), ("doubted", "failed")]
)
async def test_a_second_return_that_has_not_left_gives_way(shop: Till, stage: str, ends: str) -> None:
    first, row = await denied(shop)
    second = (await shop.run(lambda uow: return_money(uow, row, ReturnMoney(reason="Again")))).id
    if stage != "asked":
        await agree(shop, second)
    if stage in {"sent", "doubted"}:
        await begin(shop, second)
    if stage == "doubted":
        await hears(shop, second, News.DOUBT)
    await left_after_all(shop, first, receipt := a_receipt())
    assert await found(shop, first) == ("succeeded", receipt)
    view = await payout(shop, second)
    assert (view.state, view.reason_code) == (ends, "returned_already")
    assert view.reason_text
    await agree(shop, second)
    assert await shop.run(lambda uow: begin_sending_payout(uow, second)) is None
    assert await shop.run(lambda uow: begin_asking_about_payout(uow, second)) is None
    assert (await shop.tray(), await shop.balances()) == ([("no_match", AMOUNT, "returned")], {})
    assert await shop.broken(1, 5, 6, 7) == []


async def test_two_returns_that_both_left_are_booked_twice(shop: Till) -> None:
    first, row = await denied(shop)
    second = await sent_back(shop, row)
    receipts = a_receipt(), a_receipt()
    await left_after_all(shop, second, receipts[1])
    await left_after_all(shop, first, receipts[0])
    assert [await found(shop, each) for each in (first, second)] == [("succeeded", each) for each in receipts]
    assert await shop.tray() == [("no_match", AMOUNT, "returned")]
    assert await shop.balances() == {"mpesa": -AMOUNT, "mpesa_overpaid": AMOUNT}
    assert await overpaid(shop) == [(first.payout.id,)]
    assert await shop.broken(1, 5, 6, 7) == []


async def test_one_reversal_that_two_orders_speak_of_is_booked_once(shop: Till) -> None:
    """The second was concluded from the payment being reversed, by whichever order; its receipt is told to the first."""
    first, row = await denied(shop)
    second = await sent_back(shop, row)
    await hears(shop, second.payout.id, News.PAID)
    assert await found(shop, second) == ("succeeded", None)
    await left_after_all(shop, first, receipt := a_receipt())
    assert await found(shop, second) == ("succeeded", receipt)
    assert (await payout(shop, first.payout.id)).state == "failed"
    assert (await shop.balances(), await overpaid(shop)) == ({}, [])
    assert await shop.broken(1, 5, 6, 7) == []


async def test_what_left_late_and_a_claim_at_once_are_both_true(shop: Till) -> None:
    first, row = await denied(shop)
    receipt = a_receipt()
    results = await asyncio.gather(
        hears(shop, first.payout.id, News.PAID, receipt=receipt),
        shop.run(lambda uow: claim_unclaimed(uow, row, Destination("sale", new_id()))),
        hears(shop, first.payout.id, News.PAID, receipt=receipt),
        return_exceptions=True,
    )
    is_claimed = not isinstance(results[1], BaseException)
    assert await found(shop, first) == ("succeeded", receipt)
    assert len(await overpaid(shop)) == is_claimed
    assert (await shop.balances()).get("mpesa_overpaid", 0) == (AMOUNT if is_claimed else 0)
    assert await shop.broken(1, 5, 6) == []


async def test_two_returns_heard_at_once_leave_one_in_its_row(shop: Till) -> None:
    first, row = await denied(shop)
    second = await sent_back(shop, row)
    await asyncio.gather(
        *(hears(shop, each.payout.id, News.PAID, receipt=a_receipt()) for each in (first, second)),
    )
    states = sorted([(await found(shop, each))[0] for each in (first, second)])
    assert states == ["succeeded", "succeeded"]
    assert await shop.balances() == {"mpesa": -AMOUNT, "mpesa_overpaid": AMOUNT}
    assert await shop.broken(1, 5, 6, 7) == []
