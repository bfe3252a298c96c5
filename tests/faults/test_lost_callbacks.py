"""Callbacks that never come: each payment is resolved by a question or by Pull, inside its window, and none twice.

Of ten prompts seven are called back. Of the others one is found by a question, and of two every question says that it is not
over: Pull finds the money of one, and shows for the other, once all of a day was looked through, that there was none.
"""

from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from payme.features.payments.repository.windows import find_window
from payme.features.payments.services.pull_payments import PATIENCE, enqueue_pulls
from tests.fault_rows import FULL, FaultRow
from tests.faults.mpesa import SHORTCODE, STILL_PENDING, Money
from tests.faults.prompts import PRICE, Prompt, PromptShop, open_prompt_shop
from tests.payment_room import stk_callback

AT_ONCE = 20
PULLED_WITHIN = timedelta(minutes=75)  # an hour, and the ten minutes over which pulls are spread
pytestmark = [pytest.mark.faults, pytest.mark.timeout(1_800 if FULL else 120)]


@dataclass(frozen=True)
class Lost:
    """A prompt, its place among twenty, and when it was asked for."""

    prompt: Prompt
    place: int
    asked_at: datetime

    @property
    def is_paid(self) -> bool:
        return self.place not in {6, 16, 17, 9, 19}

    @property
    def is_called_back(self) -> bool:
        return self.place % 10 < 7

    @property
    def only_pull_knows(self) -> bool:
        return self.place % 10 > 7

    @property
    def latest(self) -> timedelta:
        """How long after it was asked for the payment must be resolved."""
        if self.is_called_back or not self.only_pull_knows:
            return timedelta(minutes=3)
        return PULLED_WITHIN if self.is_paid else PATIENCE + PULLED_WITHIN + timedelta(minutes=5)


@pytest.mark.fault_row(3)
async def test_every_payment_is_resolved_without_its_callback(
    row: FaultRow, make_database: Callable[..., Awaitable[str]]
) -> None:
    async with open_prompt_shop(await make_database()) as shop:
        await shop.be_told(pulled=True)
        await _pull_for(shop, hours=2)
        lost: list[Lost] = []
        for _ in range(row.size(60, 1_000) // AT_ONCE):
            lost += await _ask(shop)
        await _pull_for(shop, hours=28)
        await shop.sound()
        window = await shop.trade.run(lambda uow: find_window(uow, SHORTCODE))
        assert window is not None
        assert window.covered.starts_at <= lost[0].asked_at
        assert window.covered.ends_at >= lost[-1].asked_at + PATIENCE
        row.counts.update(
            sent=len(lost), lost=sum(not each.is_called_back for each in lost), asked=len(shop.script.asked)
        )
        row.counts.update(await _found_by(shop))
        await _ended_as_paid(shop, lost)


async def _ask(shop: PromptShop) -> list[Lost]:
    """Ask phones for money, and let a minute pass in which M-Pesa tells what it tells."""
    asked_at, lost = shop.clock.now(), list[Lost]()
    for place, prompt in enumerate(await shop.prompts(AT_ONCE)):
        each = Lost(prompt, place, asked_at)
        lost.append(each)
        shop.script.codes[prompt.checkout_id] = (
            STILL_PENDING if each.only_pull_knows else "0" if each.is_paid else "1032"
        )
        if each.is_called_back:
            body = stk_callback(prompt.checkout_id, receipt=prompt.receipt, code=0 if each.is_paid else 1032)
            await shop.store(prompt, [body])
        if each.is_paid:
            shop.script.money.append(Money(prompt.receipt, PRICE, prompt.phone, asked_at + timedelta(seconds=20)))
    await shop.worker.run_for(timedelta(minutes=1))
    return lost


async def _pull_for(shop: PromptShop, *, hours: int) -> None:
    for _ in range(hours):
        await shop.trade.run(enqueue_pulls)
        await shop.worker.run_for(timedelta(hours=1))


async def _found_by(shop: PromptShop) -> Counter[str]:
    """Return who told first of each success, and of each end without money."""
    rows = await shop.trade.rows(
        """select source || ' ' || effect, count(*) from payment_evidence
        where business_id = $1 and effect in ('succeeded', 'late_success', 'failed', 'receipt_added') group by 1"""
    )
    return Counter(dict(rows))


async def _ended_as_paid(shop: PromptShop, lost: list[Lost]) -> None:
    rows = await shop.trade.rows(
        "select id, status, paid_cents, mpesa_receipt_number, settlement, ended_at from payments where business_id = $1"
    )
    found = {row[0]: row[1:] for row in rows}
    wrong = [
        (each, found[each.prompt.payment_id]) for each in lost if found[each.prompt.payment_id][:4] != _wanted(each)
    ]
    assert wrong == []
    late = [each for each in lost if found[each.prompt.payment_id][4] > each.asked_at + each.latest]
    assert late == []
    paid = sum(each.is_paid for each in lost)
    told: Counter[UUID] = Counter(
        row[0]
        for row in await shop.trade.rows(
            "select subject_id from events where business_id = $1 and name = 'payment.succeeded'"
        )
    )
    assert (len(told), set(told.values())) == (paid, {1})
    books = await shop.trade.balances()
    assert [books.get(code, 0) for code in ("mpesa", "payments_held", "mpesa_unclaimed")] == [paid * PRICE, 0, 0]
    assert await shop.trade.unclaimed() == []


def _wanted(lost: Lost) -> tuple[object, ...]:
    if lost.is_paid:
        return "succeeded", PRICE, lost.prompt.receipt, "applied"
    return "expired" if lost.only_pull_knows else "failed", None, None, None
