"""Confirmations and results that come to the wrong door, or say something else than was asked for or ordered.

A confirmation is believed under the secret of its own short code, for the amount that its prompt asked for; a result under the
secret of its own order, with that order's ids and amount. Nothing else moves money until M-Pesa, asked, says that it moved.
"""

import itertools
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import httpx2
import pytest

from payme.runtime.settings import Settings
from tests.application import client_of, make_application
from tests.fault_rows import FULL, FaultRow
from tests.faults.mpesa import SHORTCODE, Fate, Money, operation_result
from tests.faults.payouts import AMOUNT, LIMITS, agree, asked_for, change_business
from tests.faults.prompts import PRICE, Prompt, PromptShop, at_most, open_prompt_shop
from tests.payment_room import SETTINGS, a_receipt

NOT_PAID = "1032"
MONEY = ("other short code", "no such token", "other amount", "unknown reference")
RESULTS = ("other ids", "no such token", "other amount")
STRANGER = "2541 ***** 999"
pytestmark = [pytest.mark.faults, pytest.mark.timeout(1_800 if FULL else 120)]


@dataclass(frozen=True)
class Odd:
    """A prompt, what is odd about the confirmation of its money, and whether M-Pesa says, when asked, that it was paid."""

    case: str
    prompt: Prompt
    is_paid: bool

    def money(self, shop: PromptShop, reference: str) -> Money:
        """The money as it is told."""
        named = self.prompt.amount_cents - 100 * (self.case == "other amount")
        shown = reference if self.case == "other amount" else "nobody knows"
        return Money(self.prompt.receipt, named, STRANGER, shop.clock.now(), shown)


@pytest.mark.fault_row(4)
async def test_nothing_is_credited_on_an_odd_confirmations_word(
    row: FaultRow, make_database: Callable[..., Awaitable[str]]
) -> None:
    dsn, count = await make_database(), row.size(6, 500)
    async with open_prompt_shop(dsn, tokens=10 * count + 100) as shop, _door(dsn, shop) as door:
        url = httpx2.URL(await shop.be_told()).path
        prompts = await at_most(8, [shop.prompt] * (count * len(MONEY)))
        odd = [Odd(MONEY[place % len(MONEY)], each, place % 8 == 2) for place, each in enumerate(prompts)]
        references = dict(await shop.trade.rows("select id, account_reference from payments where business_id = $1"))
        nowhere = (f"/d/{number:064x}/c2b/confirm" for number in itertools.count())

        async def tell(each: Odd) -> int:
            shortcode = "600999" if each.case == "other short code" else SHORTCODE
            body = each.money(shop, references[each.prompt.payment_id]).notice(shortcode=shortcode)
            return (await door.post(next(nowhere) if each.case == "no such token" else url, content=body)).status_code

        answers = Counter(await at_most(8, [lambda each=each: tell(each) for each in odd]))
        assert answers == {404: count, 200: 3 * count}
        await shop.worker.run_for(timedelta(seconds=2), tick=timedelta(seconds=1))
        assert await shop.trade.rows("select id from payments where business_id = $1 and status = 'succeeded'") == []
        assert (
            await shop.trade.rows("select cause from postings where business_id = $1 and kind = 'payment.received'")
            == []
        )
        assert await _tray(shop) == {("no_match", PRICE): count, ("amount_differs", PRICE - 100): count}
        shop.script.codes = {each.prompt.checkout_id: "0" if each.is_paid else NOT_PAID for each in odd}
        await shop.worker.run_for(timedelta(hours=30))
        persons = [each.prompt.payment_id for each in odd if each.case == "other amount" and not each.is_paid]
        await shop.sound(for_a_person=persons)
        await _ended_as_m_pesa_said(shop, odd)
        row.counts.update(
            sent=len(odd), refused=answers[404], unknown=len(persons), applied=sum(each.is_paid for each in odd)
        )


async def _ended_as_m_pesa_said(shop: PromptShop, odd: list[Odd]) -> None:
    rows = await shop.trade.rows("select id, status, paid_cents from payments where business_id = $1")
    ended: dict[UUID, tuple[str, int | None]] = {row[0]: row[1:] for row in rows}
    for each in odd:
        if each.case == "other amount":
            wanted = ("succeeded", each.prompt.amount_cents - 100) if each.is_paid else ("unknown", None)
        else:
            wanted = ("failed", None)
        assert ended[each.prompt.payment_id] == wanted, each


@pytest.mark.fault_row(4)
async def test_nothing_leaves_the_books_on_an_odd_results_word(
    row: FaultRow, make_database: Callable[..., Awaitable[str]]
) -> None:
    dsn, count = await make_database(), row.size(6, 500)
    async with open_prompt_shop(dsn) as shop, _door(dsn, shop) as door:
        await shop.trade.run(lambda uow: change_business(uow, LIMITS))
        orders = await at_most(
            6, [lambda number=number: _order(shop, number) for number in range(count * len(RESULTS))]
        )
        await shop.worker.run_for(timedelta(seconds=1), tick=timedelta(seconds=1))
        addresses = {
            body["OriginatorConversationID"]: httpx2.URL(body["ResultURL"]).path for body in shop.script.orders
        }
        assert len(addresses) == len(orders)
        nowhere = (f"/d/{number:064x}/result" for number in itertools.count())

        async def tell(number: int, ours: str) -> int:
            case = RESULTS[number % len(RESULTS)]
            amount = AMOUNT // 100 - (case == "other amount")
            named = f"pm-{number:032x}" if case == "other ids" else ours
            receipt = a_receipt()
            body = operation_result(named, receipt=receipt, TransactionAmount=amount, TransactionReceipt=receipt)
            return (
                await door.post(next(nowhere) if case == "no such token" else addresses[ours], content=body)
            ).status_code

        answers = Counter(await at_most(8, [lambda each=each: tell(*each) for each in enumerate(orders)]))
        assert answers == {404: count, 200: 2 * count}
        await shop.worker.run_for(timedelta(seconds=2), tick=timedelta(seconds=1))
        assert (
            await shop.trade.rows("select id from payouts where business_id = $1 and state in ('succeeded', 'failed')")
            == []
        )
        assert await shop.trade.rows("select cause from postings where business_id = $1 and kind = 'payout.sent'") == []
        await shop.hours_pass(2)
        await shop.sound()
        states = Counter(row[0] for row in await shop.trade.rows("select state from payouts where business_id = $1"))
        left = sum(shop.script.fates[each] == Fate() for each in orders)
        assert states == Counter(succeeded=left, failed=len(orders) - left)
        assert (await shop.trade.balances())["mpesa_paid_out"] == left * AMOUNT
        row.counts.update(sent=len(orders), refused=answers[404], asked=len(shop.script.questions), applied=len(orders))


async def _order(shop: PromptShop, number: int) -> str:
    """Have an order agreed to of which M-Pesa says, when it is asked, that it left, or of every other that it did not; return our id of it."""
    payout = await asked_for(shop)
    ours = f"pm-{payout.id.hex}"
    shop.script.fates[ours] = Fate(status="Declined" if number % 2 else "Completed")
    await agree(shop, payout)
    return ours


async def _tray(shop: PromptShop) -> Counter[tuple[str, int]]:
    return Counter(await shop.trade.rows("select reason, amount_cents from unclaimed_money where business_id = $1"))


def _door(dsn: str, shop: PromptShop) -> httpx2.AsyncClient:
    """Return a client of the API, before which M-Pesa stands."""
    settings = Settings.from_values(SETTINGS | {"DATABASE_URL": dsn})
    return client_of(make_application(settings, shop.trade.database), None)
