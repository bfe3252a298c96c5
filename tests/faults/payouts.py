"""Twenty notices of every order of money, contradicting each other, and what must be left of them.

Of ten orders seven pay a person and three send money in the tray back. Each is told results, time-outs of M-Pesa's queue and
answers to questions; of some no result comes at all. Whoever is once told that it left has left, whatever else is said.
"""

import random
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

from payme.features import approvals
from payme.features.businesses.schemas import ChangeBusiness
from payme.features.businesses.services import change_business
from payme.features.identity import Proven, Role
from payme.features.payments.rules.payouts import News
from payme.features.payments.schemas import PayoutView, RequestPayout, ReturnMoney
from payme.features.payments.services.ask_status import begin_asking_about_payout
from payme.features.payments.services.conclude_payout import Heard, hear
from payme.features.payments.services.handle_callback import handle_callback
from payme.features.payments.services.request_payout import request_payout, return_money
from payme.features.payments.services.send_payout import PayoutErrand, begin_sending_payout
from payme.runtime.database import UnitOfWork
from tests.faults.mpesa import Money, operation_result
from tests.faults.prompts import PRICE, PromptShop, at_most
from tests.payment_room import a_receipt

NOTICES = 20
AMOUNT = 250_000
LIMITS = ChangeBusiness(payout_limit_cents=AMOUNT, payout_day_limit_cents=1_000_000_000)
Notice = Callable[[UnitOfWork], Awaitable[Any]]
_PLACES = 10
_REVERSALS = (7, 8, 9)
_LEFT = (0, 2, 4, 6, 7, 9)
_TOLD: dict[int, tuple[int, int, str]] = {
    0: (6, 0, "Completed"), 1: (0, 6, "Declined"), 2: (2, 0, "Authorized"), 3: (0, 2, "Authorized"), 4: (0, 0, "Completed"),
    5: (0, 0, "Failed"), 6: (3, 3, "Declined"), 7: (5, 0, "Completed"), 8: (0, 5, "Declined"), 9: (3, 3, "Authorized"),
}  # fmt: skip
"""By its place among ten: how many results say that it left and that it did not, and what a question about it brings."""
_STORED = 7
_FAILURES: dict[bool, tuple[int | str, ...]] = {False: (1, 2001, 2040), True: (11, "R000002", 1)}


@dataclass(frozen=True)
class Ordered:
    """An order as it was sent, the receipt of its money, its place among ten, and where answers about it go."""

    errand: PayoutErrand
    receipt: str
    place: int
    answered_at: tuple[str, ...]

    @property
    def id(self) -> UUID:
        return self.errand.payout.id

    @property
    def has_left(self) -> bool:
        return self.place in _LEFT

    @property
    def is_reversal(self) -> bool:
        return self.place in _REVERSALS


async def agree(shop: PromptShop, payout: PayoutView) -> None:
    """Have a second person agree to an order."""
    manager = shop.trade.acting(Role.MANAGER)
    proven, approval_id = Proven(business_id=shop.business_id, user_id=manager.actor.id), payout.approval_id
    assert approval_id is not None, "an order waits for somebody's word"
    await manager.run(lambda uow: approvals.approve(uow, approval_id, proven=proven))


async def lying(shop: PromptShop) -> UUID:
    """Have money that nobody awaits come; return its row in the tray."""
    money = Money(a_receipt(), PRICE, "2541 ***** 999", shop.clock.now())
    (inbox_id,) = await shop.store_at(shop.script.told_at, [money.notice()])
    await shop.trade.run(lambda uow: handle_callback(uow, inbox_id))
    sql = "select id from unclaimed_money where business_id = $1 and mpesa_receipt_number = $2"
    return await shop.trade.value(sql, money.receipt)


async def asked_for(shop: PromptShop, *, returns: bool = False) -> PayoutView:
    """Have somebody ask for a person to be paid, or for money in the tray to go back."""
    if returns:
        row = await lying(shop)
        return await shop.trade.run(lambda uow: return_money(uow, row, ReturnMoney(reason="Wrong till")))
    command = RequestPayout(amount_cents=AMOUNT, phone="0712345678", reason="Casual labour")
    return await shop.trade.run(lambda uow: request_payout(uow, command))


async def make_ordered(shop: PromptShop, count: int) -> list[Ordered]:
    """Have so many orders sent, whose answer has not come yet; each has been asked about twice."""
    await shop.trade.run(lambda uow: change_business(uow, LIMITS))

    async def order(number: int) -> Ordered:
        place = number % _PLACES
        payout = await asked_for(shop, returns=place in _REVERSALS)
        await agree(shop, payout)
        errand = await shop.trade.run(lambda uow: begin_sending_payout(uow, payout.id))
        assert errand is not None, "an order that was agreed to is sent"
        asked = [await shop.trade.run(lambda uow: begin_asking_about_payout(uow, payout.id)) for _ in range(2)]
        return Ordered(errand, a_receipt(), place, tuple(f"/d/{each.token}/result" for each in asked if each))

    return await at_most(8, [partial(order, number) for number in range(count)])


async def notices_of(shop: PromptShop, ordered: Ordered, rng: random.Random) -> list[Notice]:
    """Return the 20 notices of an order: nine stored messages, each twice, M-Pesa's own answer and the lack of it."""
    ours, token = ordered.errand.payout.originator_conversation_id, ordered.errand.token
    successes, failures, status = _TOLD[ordered.place]
    paid = operation_result(ours, receipt=ordered.receipt)
    denied = [operation_result(ours, code=rng.choice(_FAILURES[ordered.is_reversal])) for _ in range(failures)]
    stored = await shop.store_at(f"/d/{token}/result", [paid] * successes + denied)
    stored += await shop.store_at(f"/d/{token}/timeout", [b"{}"] * (_STORED - successes - failures))
    answer = operation_result(
        "of-a-question", TransactionStatus=status, ReceiptNo=ordered.receipt, OriginatorConversationID=ours,
        Amount=f"{ordered.errand.payout.amount_cents / 100:.2f}",
    )  # fmt: skip
    for url in ordered.answered_at:
        stored += await shop.store_at(url, [answer])
    accepted = Heard(News.ACCEPTED, conversation_id=f"AG_{ours}")
    doubted = Heard(News.DOUBT, reason_code="daraja.timed_out")
    notices: list[Notice] = [partial(handle_callback, inbox_id=each) for each in stored * 2]
    return notices + [partial(hear, payout_id=ordered.id, heard=each) for each in (accepted, doubted)]


async def time_passes(shop: PromptShop) -> None:
    """Let every question that was scheduled come."""
    await shop.worker.run_for(timedelta(hours=12))
    await shop.sound()


async def wrongs(shop: PromptShop, ordered: Sequence[Ordered]) -> list[str]:
    """Return what is not as it must be once all was said and time has passed."""
    rows = await shop.trade.rows("select id, state, mpesa_receipt_number from payouts where business_id = $1")
    state = {row[0]: row[1:] for row in rows}
    wanted = {each.id: ("succeeded", each.receipt) if each.has_left else ("failed", None) for each in ordered}
    found = [f"{each} is {state[each]} and not {end}" for each, end in wanted.items() if state[each] != end]
    left = {each.id: 1 for each in ordered if each.has_left}
    for what, sql in (
        ("booked", "select cause from postings where business_id = $1 and kind = 'payout.sent'"),
        ("audited", "select subject_id from audit_log where business_id = $1 and action = 'payout.succeeded'"),
        ("told", "select subject_id from events where business_id = $1 and name = 'payout.succeeded'"),
    ):
        times = Counter(row[0] for row in await shop.trade.rows(sql))
        found += [
            f"{each} is {what} {times[each]} times" for each in {*times, *left} if times[each] != left.get(each, 0)
        ]
    backs = [each for each in ordered if each.is_reversal]
    tray = Counter(row[0] for row in await shop.trade.rows("select state from unclaimed_money where business_id = $1"))
    if tray != Counter("returned" if each.has_left else "unclaimed" for each in backs):
        found.append(f"in the tray: {dict(tray)}")
    books, staying = await shop.trade.balances(), sum(not each.has_left for each in backs) * PRICE
    paid = sum(each.has_left and not each.is_reversal for each in ordered) * AMOUNT
    for code, balance in (("mpesa", staying - paid), ("mpesa_paid_out", paid), ("mpesa_unclaimed", -staying)):
        if books.get(code, 0) != balance:
            found.append(f"{code} is {books.get(code, 0)} and not {balance}")
    return found
