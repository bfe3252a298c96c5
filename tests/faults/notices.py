"""Twenty notices of every prompt, contradicting each other, and what must be left of them.

Of ten prompts six are paid, two of them telling one receipt, of which one may have it; one is paid and only a question finds
out; three fail. Paid ones are told failures as well. A stored callback is handed over twice, as to two workers.
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
from payme.runtime.database import UnitOfWork
from tests.faults.prompts import PRICE, SHELF, Prompt, PromptShop
from tests.payment_room import stk_callback

NOTICES = 20
Notice = Callable[[UnitOfWork], Awaitable[Any]]
FAILURES = (1032, 1, 1037, 1019)
PAID = Message(Source.QUERY, Outcome.PAID, result_code="0")
GONE = Message(Source.QUERY, Outcome.FAILED, reason="unreachable", result_code="1037")
SILENT = Message(Source.QUERY, Outcome.PENDING, result_code="4999")
_STORED = 8
_PLACES = 10


@dataclass(frozen=True)
class Told:
    """A prompt and what the world says of it. `rivals`: another prompt is told the same receipt."""

    prompt: Prompt
    is_paid: bool = True
    has_callback: bool = True
    rivals: bool = False


async def make_told(shop: PromptShop, count: int) -> list[Told]:
    """Sell by prompt so often, and decide what will be said of each; the clock then stands where no prompt is open any more."""
    prompts, told = await shop.prompts(count), list[Told]()
    for number, prompt in enumerate(prompts):
        place = number % _PLACES
        kept = replace(prompt, receipt=told[-1].prompt.receipt) if place == 1 else prompt
        told.append(Told(kept, is_paid=place not in {3, 4, 5}, has_callback=place != 2, rivals=place < 2))
        # Who loses the receipt to its rival was not paid, whatever the callback says.
        shop.script.codes[kept.checkout_id] = "0" if told[-1].is_paid and not told[-1].rivals else "1032"
    await shop.worker.look()
    shop.clock.advance(timedelta(minutes=5))
    return told


async def notices_of(shop: PromptShop, told: Told, rng: random.Random) -> list[Notice]:
    """Return the 20 notices of a prompt: eight stored callbacks, each twice, and four answers to questions."""
    prompt = told.prompt
    paid = stk_callback(prompt.checkout_id, amount="150.00", receipt=prompt.receipt)
    successes = 5 if told.is_paid and told.has_callback else 0
    gone = [stk_callback(prompt.checkout_id, code=rng.choice(FAILURES)) for _ in range(_STORED - successes)]
    stored = await shop.store(prompt, [paid] * successes + gone)
    answers = [GONE, SILENT] + ([PAID, PAID] if told.is_paid and not told.rivals else [GONE, SILENT])
    notices: list[Notice] = [partial(_understand, inbox_id=each) for each in stored * 2]
    notices += [partial(_conclude, payment_id=prompt.payment_id, message=each) for each in answers]
    return notices


async def time_passes(shop: PromptShop) -> None:
    """Let everything that was scheduled come: questions within hours, the end of unpaid sales after a day."""
    await shop.worker.run_for(timedelta(hours=4))
    await shop.sound()
    await shop.worker.run_for(timedelta(hours=26))
    await shop.sound()


async def wrongs(shop: PromptShop, told: Sequence[Told]) -> list[str]:
    """Return what is not as it must be once all was said and time has passed."""
    found = [*await _wrong_payments(shop, told), *await _said_twice(shop)]
    paid = len({each.prompt.receipt for each in told if each.is_paid})
    books, total = await shop.trade.balances(), paid * PRICE
    for code, wanted in (("mpesa", total), ("payments_held", 0), ("mpesa_unclaimed", 0), ("sales_revenue", -total)):
        balance = books.get(code, 0) + (books.get("vat_payable", 0) if code == "sales_revenue" else 0)
        if balance != wanted:
            found.append(f"{code} is {balance} and not {wanted}")
    levels = await shop.trade.rows("select on_hand, reserved from stock_levels where business_id = $1")
    if levels != [(SHELF - paid, 0)]:
        found.append(f"stock is {levels} after {paid} sales")
    if (reserved := (await shop.trade.wallet())[1]) != 0:
        found.append(f"{reserved} tokens are set aside")
    ends = Counter(row[0] for row in await shop.trade.rows("select status from sales where business_id = $1"))
    if ends != Counter(completed=paid, cancelled=len(told) - paid):
        found.append(f"sales ended {dict(ends)}, {paid} were paid")
    return found


async def tally(shop: PromptShop) -> dict[str, int]:
    """Return how often each thing was made of a notice."""
    rows = await shop.trade.rows(
        "select effect, count(*) from payment_evidence where business_id = $1 and source <> 'acceptance' group by 1"
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
        receipt = each.prompt.receipt if each.has_callback else None
        success = ("succeeded", PRICE, receipt, "applied")
        has_failed = ended[0] in {"failed", "expired"} and ended[1:] == (0, None, None)
        is_right = ended == success if each.is_paid else has_failed
        if not is_right and not (each.rivals and has_failed):
            found.append(f"{each.prompt.payment_id} is {ended} and was told {each}")
    credited = Counter(row[3] for row in rows if row[1] == "succeeded" and row[3])
    wanted = {each.prompt.receipt for each in told if each.is_paid and each.has_callback}
    found += [f"{receipt} credited {credited[receipt]} times" for receipt in wanted if credited[receipt] != 1]
    return found


async def _said_twice(shop: PromptShop) -> list[str]:
    """Return who was told more than once of one success."""
    sql = (
        "select 'audit', subject_id, count(*) from audit_log where business_id = $1"
        " and action in ('payment.succeeded', 'payment.late_success') group by 2 having count(*) <> 1"
        " union all select 'event', subject_id, count(*) from events where business_id = $1"
        " and name = 'payment.succeeded' group by 2 having count(*) <> 1"
    )
    return [f"{row[0]} of {row[1]} says so {row[2]} times" for row in await shop.trade.rows(sql)]


async def _understand(uow: UnitOfWork, *, inbox_id: UUID) -> None:
    await handle_callback(uow, inbox_id)


async def _conclude(uow: UnitOfWork, *, payment_id: UUID, message: Message) -> None:
    await conclude_check(uow, payment_id, message)
