"""Twenty notices of every prompt, contradicting each other, and what must be left of them.

Of ten prompts six are paid: two are told one receipt by one phone, of which one may have it; one is found out by a question
alone, one by a confirmation alone, one by Pull alone. Three fail, while money that nobody awaits comes of the same amount.
Paid ones are told failures as well. What is stored is handed over twice, as to two workers.
"""

import random
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

from payme.features.payments.enums import Outcome, Source
from payme.features.payments.rules.transitions import Message
from payme.features.payments.services.conclude_check import conclude_check
from payme.features.payments.services.handle_callback import handle_callback
from payme.features.payments.services.pull_payments import begin_pull, place_pulled
from payme.integrations.daraja import PulledPayment
from payme.kit.phone import hash_of
from payme.runtime.database import UnitOfWork
from tests.faults.mpesa import Money
from tests.faults.prompts import PRICE, SHELF, Prompt, PromptShop, at_most
from tests.payment_room import a_receipt, stk_callback

NOTICES = 20
Notice = Callable[[UnitOfWork], Awaitable[Any]]
FAILURES = (1032, 1, 1037, 1019)
PAID = Message(Source.QUERY, Outcome.PAID, result_code="0")
GONE = Message(Source.QUERY, Outcome.FAILED, reason="unreachable", result_code="1037")
SILENT = Message(Source.QUERY, Outcome.PENDING, result_code="4999")
_PLACES = 10
_AMOUNTS = 10
_STORED = 7
_SUCCESSES = {0: 4, 1: 4, 6: 3, 7: 3}
"""How many callbacks of a prompt say that it was paid, by its place among ten; the others of its callbacks say that it failed."""
_FAILED, _ASKED_ALONE = (3, 4, 5), 2


@dataclass(frozen=True)
class Told:
    """A prompt and what the world says of it: the place among ten, and the money that a notice and Pull tell of, if any."""

    prompt: Prompt
    place: int
    money: Money | None

    @property
    def is_paid(self) -> bool:
        return self.place not in _FAILED

    @property
    def rivals(self) -> bool:
        """Whether another prompt of the same phone is told the same receipt."""
        return self.place < 2

    @property
    def receipt(self) -> str | None:
        """The receipt that a success must have: a question tells of none."""
        return None if self.place == _ASKED_ALONE else self.prompt.receipt

    @property
    def stray(self) -> Money | None:
        """The money that no sale awaits, if that is what is told."""
        return None if self.is_paid else self.money


async def make_told(shop: PromptShop, count: int) -> list[Told]:
    """Sell by prompt so often, and decide what will be said of each; the clock then stands where no prompt is open any more."""
    asked = [(1 + number // _PLACES % _AMOUNTS, number - (number % _PLACES == 1)) for number in range(count)]
    prompts = await at_most(
        8, [lambda each=each: shop.prompt(quantity=each[0], phone=f"2547{each[1]:08d}") for each in asked]
    )
    told: list[Told] = []
    for number, prompt in enumerate(prompts):
        place, kept = number % _PLACES, prompt
        if place == 1:
            kept = replace(prompt, receipt=told[-1].prompt.receipt)
        told.append(Told(kept, place, _money(shop, kept, place)))
        # Who loses the receipt to its rival was not paid, whatever the callback says.
        shop.script.codes[kept.checkout_id] = "0" if told[-1].is_paid and not told[-1].rivals else "1032"
    await shop.worker.look()
    shop.clock.advance(timedelta(minutes=5))
    return told


def _money(shop: PromptShop, prompt: Prompt, place: int) -> Money | None:
    """Return the money as M-Pesa tells of it: the number masked, hashed, masked once more over the hash, plain, or somebody else's."""
    if place == _ASKED_ALONE:
        return None
    at = shop.clock.now() + timedelta(seconds=30)
    masked, hashed = f"2547 ***** {prompt.phone[-3:]}", hash_of(prompt.phone)
    number = {6: masked, 7: hashed, 8: f"{hashed[:34]} ***** {hashed[-25:]}", 9: prompt.phone}.get(place, masked)
    if place in _FAILED:
        stranger = f"2541{prompt.phone[4:]}"
        number = {3: stranger, 4: f"2541 ***** {prompt.phone[-3:]}", 5: hash_of(stranger)}[place]
        return Money(a_receipt(), prompt.amount_cents, number, at)
    return Money(prompt.receipt, prompt.amount_cents, number, at)


async def notices_of(shop: PromptShop, told: Told, rng: random.Random) -> list[Notice]:
    """Return the 20 notices of a prompt: seven stored messages, each twice, four answers to questions and two rows of Pull."""
    prompt, money = told.prompt, told.money
    confirmations = [money.notice()] * 2 if money and told.place != 9 else []
    paid = stk_callback(prompt.checkout_id, amount=f"{prompt.amount_cents / 100:.2f}", receipt=prompt.receipt)
    successes = _SUCCESSES.get(told.place, 0)
    callbacks = _STORED - len(confirmations)
    gone = [stk_callback(prompt.checkout_id, code=rng.choice(FAILURES)) for _ in range(callbacks - successes)]
    stored = await shop.store(prompt, [paid] * successes + gone)
    stored += await shop.store_at(shop.script.told_at, confirmations)
    answers = [GONE, SILENT] + ([PAID, PAID] if told.is_paid and not told.rivals else [GONE, SILENT])
    notices: list[Notice] = [partial(_understand, inbox_id=each) for each in stored * 2]
    notices += [partial(_conclude, payment_id=prompt.payment_id, message=each) for each in answers]
    if money is None:
        return [*notices, *notices[-2:]]
    errand = await shop.trade.run(lambda uow: begin_pull(uow, "paybill"))
    assert errand is not None, "the shop is pulled"
    return [*notices, *[partial(place_pulled, row=_pulled(money), errand=errand)] * 2]


async def time_passes(shop: PromptShop) -> None:
    """Let everything that was scheduled come: questions within hours, the end of unpaid sales after a day."""
    await shop.worker.run_for(timedelta(hours=4))
    await shop.sound()
    await shop.worker.run_for(timedelta(hours=26))
    await shop.sound()


async def wrongs(shop: PromptShop, told: Sequence[Told]) -> list[str]:
    """Return what is not as it must be once all was said and time has passed."""
    found = [*await _wrong_payments(shop, told), *await _said_twice(shop), *await _wrong_tray(shop, told)]
    paid = {each.prompt.receipt: each.prompt.amount_cents for each in told if each.is_paid}
    books, total = await shop.trade.balances(), sum(paid.values())
    strays = sum(each.stray.amount_cents for each in told if each.stray)
    for code, wanted in (
        ("mpesa", total + strays), ("payments_held", 0), ("mpesa_unclaimed", -strays), ("sales_revenue", -total)
    ):  # fmt: skip
        balance = books.get(code, 0) + (books.get("vat_payable", 0) if code == "sales_revenue" else 0)
        if balance != wanted:
            found.append(f"{code} is {balance} and not {wanted}")
    levels = await shop.trade.rows("select on_hand, reserved from stock_levels where business_id = $1")
    if levels != [(SHELF - total // PRICE, 0)]:
        found.append(f"stock is {levels} after {total // PRICE} were sold")
    if (reserved := (await shop.trade.wallet())[1]) != 0:
        found.append(f"{reserved} tokens are set aside")
    ends = Counter(row[0] for row in await shop.trade.rows("select status from sales where business_id = $1"))
    if ends != Counter(completed=len(paid), cancelled=len(told) - len(paid)):
        found.append(f"sales ended {dict(ends)}, {len(paid)} were paid")
    return found


async def tally(shop: PromptShop) -> dict[str, int]:
    """Return how often each thing was made of a notice, by who said it where that is neither callback nor question."""
    rows = await shop.trade.rows(
        """select case when source in ('c2b', 'pull') then source || ' ' || effect else effect end, count(*)
        from payment_evidence where business_id = $1 and source <> 'acceptance' group by 1"""
    )
    return {row[0]: row[1] for row in rows}


async def _wrong_payments(shop: PromptShop, told: Sequence[Told]) -> list[str]:
    rows = await shop.trade.rows(
        """select id, status, coalesce(paid_cents, 0), mpesa_receipt_number, settlement from payments where business_id = $1"""
    )
    state: dict[UUID, tuple[Any, ...]] = {row[0]: row[1:] for row in rows}
    found: list[str] = []
    for each in told:
        ended = state[each.prompt.payment_id]
        success = ("succeeded", each.prompt.amount_cents, each.receipt, "applied")
        has_failed = ended[0] in {"failed", "expired"} and ended[1:] == (0, None, None)
        is_right = ended == success if each.is_paid else has_failed
        if not is_right and not (each.rivals and has_failed):
            found.append(f"{each.prompt.payment_id} is {ended} and was told {each}")
    credited = Counter(row[3] for row in rows if row[1] == "succeeded" and row[3])
    wanted = {each.receipt for each in told if each.is_paid and each.receipt}
    found += [f"{receipt} credited {credited[receipt]} times" for receipt in wanted if credited[receipt] != 1]
    return found


async def _wrong_tray(shop: PromptShop, told: Sequence[Told]) -> list[str]:
    """Return what lies in the tray and should not, or the other way round, and evidence that is neither applied nor unclaimed."""
    lying = await shop.trade.rows(
        """select mpesa_receipt_number, amount_cents from unclaimed_money
        where business_id = $1 and state in ('unclaimed', 'returning', 'returned')"""
    )
    strays = Counter((each.stray.receipt, each.stray.amount_cents) for each in told if each.stray)
    found = [f"in the tray, or not: {each}" for each in (strays - Counter(lying)) + (Counter(lying) - strays)]
    said = await shop.trade.rows(
        """select mpesa_receipt_number, max(amount_cents) from payment_evidence
        where business_id = $1 and outcome = 'paid' and mpesa_receipt_number is not null group by 1"""
    )
    applied = await shop.trade.rows(
        """select mpesa_receipt_number, paid_cents from payments
        where business_id = $1 and status = 'succeeded' and mpesa_receipt_number is not null"""
    )
    return found + [f"said and in no place: {each}" for each in set(said) ^ {*applied, *lying}]


async def _said_twice(shop: PromptShop) -> list[str]:
    """Return who was told more than once of one success."""
    sql = (
        "select 'audit', subject_id, count(*) from audit_log where business_id = $1"
        " and action in ('payment.succeeded', 'payment.late_success') group by 2 having count(*) <> 1"
        " union all select 'event', subject_id, count(*) from events where business_id = $1"
        " and name = 'payment.succeeded' group by 2 having count(*) <> 1"
    )
    return [f"{row[0]} of {row[1]} says so {row[2]} times" for row in await shop.trade.rows(sql)]


def _pulled(money: Money) -> PulledPayment:
    return PulledPayment(
        money.receipt, money.amount_cents, written_at=money.at.isoformat(), near=money.at,
        msisdn=money.row["msisdn"], bill_reference=money.reference, transaction_type="c2b-pay-bill-debit",
        organization_name="DUKA",
    )  # fmt: skip


async def _understand(uow: UnitOfWork, *, inbox_id: UUID) -> None:
    await handle_callback(uow, inbox_id)


async def _conclude(uow: UnitOfWork, *, payment_id: UUID, message: Message) -> None:
    await conclude_check(uow, payment_id, message)
