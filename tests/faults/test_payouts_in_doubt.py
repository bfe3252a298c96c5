"""Orders of money whose answer or result never comes: nothing is ordered again, and what became of them is found out or told to a person.


The worker is real, its clock is not. M-Pesa takes an order and does not say so, says so and never tells how it ended, or never
takes it; a result comes late, after M-Pesa's queue timed out, or not at all, and then a question is all that is left.
"""

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from payme.features.payments.rules.payouts import ASK_AFTER
from payme.features.payments.schemas import PayoutView
from tests.fault_rows import FULL, FaultRow
from tests.faults.mpesa import Fate, operation_result
from tests.faults.payouts import AMOUNT, LIMITS, agree, asked_for, change_business
from tests.faults.prompts import PRICE, PromptShop, at_most, open_prompt_shop

pytestmark = [pytest.mark.faults, pytest.mark.timeout(1_800 if FULL else 120)]


@dataclass(frozen=True)
class Misfortune:
    """What happens to an order: M-Pesa's answer and what it says when asked, the results that it tells, and how the order ends."""

    fate: Fate
    ends: str
    results: tuple[str, ...] = ()
    is_reversal: bool = False

    @property
    def is_persons(self) -> bool:
        return self.ends in {"unknown", "pending"}


SILENT, FORGOTTEN = Fate(is_answered=False), Fate(is_answered=False, status=None)
WITHOUT_ANSWER = (
    Misfortune(FORGOTTEN, "succeeded", ("paid",)),
    Misfortune(SILENT, "succeeded"),
    Misfortune(Fate(is_answered=False, status="Declined"), "failed"),
    # It was never taken, and nobody says so.
    Misfortune(FORGOTTEN, "unknown"),
    Misfortune(FORGOTTEN, "succeeded", ("timeout", "paid")),
    Misfortune(FORGOTTEN, "succeeded", ("paid",), is_reversal=True),
    # Without M-Pesa's own id of a reversal, the payment is asked about; that it is completed says nothing.
    Misfortune(Fate(is_answered=False, status="Reversed"), "succeeded", ("timeout",), is_reversal=True),
    Misfortune(SILENT, "unknown", ("timeout",), is_reversal=True),
)
WITHOUT_RESULT = (
    Misfortune(Fate(), "succeeded"),
    Misfortune(Fate(), "succeeded", ("timeout",)),
    Misfortune(Fate(status="Cancelled"), "failed"),
    Misfortune(Fate(status="Authorized"), "pending"),
    Misfortune(Fate(), "succeeded", is_reversal=True),
    Misfortune(Fate(status="Failed"), "failed", ("timeout",), is_reversal=True),
    Misfortune(FORGOTTEN, "failed", ("denied",)),
)


@pytest.mark.fault_row(5)
async def test_an_order_without_an_answer_is_never_ordered_again(
    row: FaultRow, make_database: Callable[..., Awaitable[str]]
) -> None:
    await _resolved(await make_database(), row, WITHOUT_ANSWER, count=row.size(16, 304))


@pytest.mark.fault_row(3)
async def test_an_order_whose_result_is_lost_is_asked_about(
    row: FaultRow, make_database: Callable[..., Awaitable[str]]
) -> None:
    await _resolved(await make_database(), row, WITHOUT_RESULT, count=row.size(14, 300))


async def _resolved(dsn: str, row: FaultRow, misfortunes: Sequence[Misfortune], *, count: int) -> None:
    async with open_prompt_shop(dsn) as shop:
        await shop.be_told()
        await shop.trade.run(lambda uow: change_business(uow, LIMITS))
        fates = [misfortunes[number % len(misfortunes)] for number in range(count)]
        orders = dict(zip(await at_most(6, [partial(_order, shop, each) for each in fates]), fates, strict=True))
        await shop.hours_pass(0.01, step_minutes=0.6)
        await _tell_results(shop, orders)
        await shop.hours_pass(2)
        assert len(shop.script.orders) == count, "each is ordered once"
        await shop.hours_pass(2 * sum(ASK_AFTER, timedelta()) / timedelta(hours=1), step_minutes=240)
        found = dict(await shop.trade.rows("select id, state from payouts where business_id = $1"))
        assert found == {each: fate.ends for each, fate in orders.items()}
        persons = [each for each, fate in orders.items() if fate.is_persons]
        await shop.sound(for_a_person=persons)
        await _only_what_left_is_booked(shop, list(orders.values()))
        assert len(shop.script.orders) == count, "each is ordered once"
        assert max(Counter(shop.script.questions).values()) <= len(ASK_AFTER)
        row.counts.update(
            sent=count, asked=len(shop.script.questions), unknown=len(persons), applied=count - len(persons)
        )


async def _order(shop: PromptShop, misfortune: Misfortune) -> Any:
    """Have somebody ask for an order and another agree to it, with its fate decided; return its id."""
    payout = await asked_for(shop, returns=misfortune.is_reversal)
    shop.script.fates[await _named(shop, payout)] = misfortune.fate
    await agree(shop, payout)
    return payout.id


async def _named(shop: PromptShop, payout: PayoutView) -> str:
    """Return what M-Pesa knows an order by."""
    sql = (
        "select coalesce(original_receipt, originator_conversation_id) from payouts where business_id = $1 and id = $2"
    )
    return await shop.trade.value(sql, payout.id)


async def _tell_results(shop: PromptShop, orders: dict[Any, Misfortune]) -> None:
    """Have M-Pesa tell of each order what its misfortune lets it tell, where the order said."""
    named = dict(
        await shop.trade.rows(
            "select coalesce(original_receipt, originator_conversation_id), id from payouts where business_id = $1"
        )
    )
    for body in shop.script.orders:
        ours = body.get("OriginatorConversationID") or body["TransactionID"]
        for told in orders[named[ours]].results:
            url = body["QueueTimeOutURL" if told == "timeout" else "ResultURL"]
            await shop.store_at(url, [operation_result(ours, code=1 if told == "denied" else 0)])


async def _only_what_left_is_booked(shop: PromptShop, fates: list[Misfortune]) -> None:
    lying = sum(each.is_reversal and each.ends != "succeeded" for each in fates) * PRICE
    paid = sum(not each.is_reversal and each.ends == "succeeded" for each in fates) * AMOUNT
    books = await shop.trade.balances()
    assert [books.get(code, 0) for code in ("mpesa", "mpesa_paid_out", "mpesa_unclaimed")] == [
        lying - paid,
        paid,
        -lying,
    ]
    tray = Counter(row[0] for row in await shop.trade.rows("select state from unclaimed_money where business_id = $1"))
    wanted = {"succeeded": "returned", "failed": "unclaimed", "unknown": "returning", "pending": "returning"}
    assert tray == Counter(wanted[each.ends] for each in fates if each.is_reversal)
