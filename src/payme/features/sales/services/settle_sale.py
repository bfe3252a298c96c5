"""Carry a sale on when a payment of it succeeded or failed, was added, or when it is cancelled.

The sale is locked first, then its stock; both are held until the transaction ends. Hearing the same news twice changes
nothing: a payment's money is settled once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from payme.features import businesses, credit, inventory, payments
from payme.features.inventory import Plan, plan_take
from payme.features.payments import PaymentFailed, PaymentSucceeded, PaymentView
from payme.features.sales.enums import SaleStatus, TenderMethod
from payme.features.sales.errors import BusinessSuspended, OneCreditAccount, PromptOut, SaleNotOpen, TendersDiffer
from payme.features.sales.repository import sales
from payme.features.sales.repository.sales import StoredSale
from payme.features.sales.rules.carts import (
    PAID_AT_ONCE,
    after_failure,
    after_payment,
    awaits_money,
    change_due,
    check_tenders,
    may_cancel,
    takes_money_by_itself,
)
from payme.features.sales.schemas.sales import CreditTender, MpesaClaimTender, SaleView, Tender
from payme.features.sales.services import attribution, booking, credit_notes
from payme.features.sales.services.booking import Figures, Goods
from payme.features.sales.services.create_sale import as_sale_payment, paying, take_tender
from payme.features.sales.services.read_sale import lock_sale, view_of
from payme.runtime.database import UnitOfWork

STALE_AFTER: Final = timedelta(hours=24)
_SETS_ASIDE: Final = SaleStatus.AWAITING_PAYMENT


@dataclass(frozen=True, slots=True)
class Paid:
    """What completes a sale: all of its parts, the change, and whether the goods are gone already."""

    parts: Sequence[PaymentView]
    change_cents: int = 0
    is_fact: bool = False


async def receive_payment(uow: UnitOfWork, event: PaymentSucceeded) -> None:
    """Apply money that was confirmed for a sale, or put among the unclaimed what the sale cannot take.

    A sale that is over takes none by itself; a person may give it some. Raises: SaleNotFound.
    """
    sale = await lock_sale(uow, event.purpose_id)
    known = await payments.list_for(uow, "sale", sale.id)
    arrived = next(each for each in known if each.id == event.payment_id)
    if arrived.settlement is not None:
        return
    if not takes_money_by_itself(sale.status):
        await payments.settle(uow, arrived.id, "unclaimed")
        return
    await apply_money(uow, sale, arrived)


async def apply_money(uow: UnitOfWork, sale: StoredSale, arrived: PaymentView) -> None:
    """Apply money that is there to a locked sale that waits for it, and complete the sale once it is paid.

    The goods are with the customer, so stock may be owed and the token may come from the overdraft.
    """
    applied = _applied(await payments.list_for(uow, "sale", sale.id))
    paid_cents = _paid(applied) + arrived.applied_cents
    status = after_payment(paid_cents, sale.total_cents)
    excess_cents = max(0, paid_cents - sale.total_cents)
    await payments.settle(uow, arrived.id, "applied", excess_cents=excess_cents)
    if status == SaleStatus.COMPLETED:
        await _complete(uow, sale, [*applied, arrived.model_copy(update={"excess_cents": excess_cents})])
        return
    if sale.status != _SETS_ASIDE:
        booking.set_aside(uow, sale.id, await lock_goods(uow, sale.id), is_fact=True)
    await _move(uow, sale, status, paid_cents=paid_cents)


async def hear_of_failure(uow: UnitOfWork, event: PaymentFailed) -> None:
    """Release what a sale had set aside when its payment failed and no part of it is paid. Raises: SaleNotFound.

    Parts that a person counted are kept for the next attempt; credit notes get back what they had paid, so that the customer
    can spend them elsewhere.
    """
    sale = await lock_sale(uow, event.purpose_id)
    known = await payments.list_for(uow, "sale", sale.id)
    more_to_come = _unheard(known) is not None
    by_note = [] if sale.status != _SETS_ASIDE or more_to_come else _notes_beside(known, event.payment_id)
    await _return(uow, by_note)
    paid_cents = _paid(_applied(known)) - _paid(by_note)
    status = after_failure(sale.status, paid_cents=paid_cents, more_to_come=more_to_come, expired=event.expired)
    if status == sale.status:
        if by_note:
            await _move(uow, sale, status, paid_cents=paid_cents)
        return
    booking.give_back(uow, sale.id, await _goods(uow, sale.id))
    await _move(uow, sale, status, paid_cents=0)
    payload = {"sale_id": str(sale.id), "rev": sale.rev + 1}
    uow.enqueue("sales.cancel_stale_sale", payload, execute_after=STALE_AFTER)


async def add_payment(uow: UnitOfWork, sale_id: UUID, tender: Tender) -> SaleView:
    """Take another tender for a sale that is not paid yet; stock and token are set aside anew where they had been released.

    Raises: SaleNotFound, SaleNotOpen, PromptOut, BusinessSuspended, TendersDiffer, StockShort and what the tender may be
    refused for.
    """
    if isinstance(tender, CreditTender):
        await credit.get_account(uow, tender.credit_account_id)
    sale = await lock_sale(uow, sale_id)
    if not awaits_money(sale.status):
        raise SaleNotOpen(status=sale.status)
    known = await payments.list_for(uow, "sale", sale.id)
    if not isinstance(tender, MpesaClaimTender):
        # Who has paid by hand need not wait for a prompt; whatever the prompt brings becomes unclaimed.
        _refuse_while_unheard(known)
    if (await businesses.get_business(uow)).status != "active":
        raise BusinessSuspended
    applied = _applied(known)
    offered, due = paying(tender), sale.total_cents - _paid(applied)
    if offered.amount_cents > due:
        raise TendersDiffer(due_cents=due, tendered_cents=offered.amount_cents)
    check_tenders([offered], offered.amount_cents)
    if offered.method == TenderMethod.CREDIT and any(each.method == TenderMethod.CREDIT for each in applied):
        raise OneCreditAccount
    holds = sale.status == _SETS_ASIDE
    drawer = await attribution.drawer_after(uow, sale.shift_id)
    goods = await _goods(uow, sale.id)
    plan = booking.plan_or_refuse(goods, await inventory.lock_stock(uow, _tracked(goods)), use_reserved=holds)
    payment = await take_tender(uow, sale.id, tender, held=True)
    await attribution.note_cash(uow, drawer, attribution.HELD, paid=[payment])
    if offered.method in PAID_AT_ONCE and offered.amount_cents == due:
        paid = Paid([*applied, payment], change_due([offered]))
        await _finish(uow, sale, goods, plan=plan, paid=paid)
    else:
        if not holds:
            booking.set_aside(uow, sale.id, goods, is_fact=False)
        await _move(uow, sale, SaleStatus.AWAITING_PAYMENT, paid_cents=_paid(_applied([*known, payment])))
    return await reread(uow, sale.id, unwritten=payment)


async def cancel_sale(uow: UnitOfWork, sale_id: UUID) -> SaleView:
    """Cancel a sale that is not paid: release what it set aside, give counted parts back, leave M-Pesa parts unclaimed.

    A part paid by credit note goes back to its note.

    Raises: SaleNotFound, SaleNotOpen, PromptOut while a prompt is out or its outcome unknown.
    """
    sale = await lock_sale(uow, sale_id)
    if not may_cancel(sale.status):
        raise SaleNotOpen(status=sale.status)
    known = await payments.list_for(uow, "sale", sale.id)
    _refuse_while_unheard(known)
    drawer = await attribution.drawer_after(uow, sale.shift_id)
    if sale.status == _SETS_ASIDE:
        booking.give_back(uow, sale.id, await _goods(uow, sale.id))
    await _return(uow, _applied(known))
    await attribution.note_cash(uow, drawer, attribution.RETURNED, paid=_applied(known))
    await _move(uow, sale, SaleStatus.CANCELLED, paid_cents=0)
    return await reread(uow, sale.id)


async def cancel_stale_sale(uow: UnitOfWork, sale_id: UUID, *, rev: int) -> None:
    """Cancel a sale whose payment failed a day ago, unless anything happened to it since that revision or is about to."""
    sale = await lock_sale(uow, sale_id)
    if sale.rev != rev or _unheard(await payments.list_for(uow, "sale", sale.id)) is not None:
        return
    assert sale.status in {SaleStatus.PAYMENT_FAILED, SaleStatus.EXPIRED}, "a sale that moved on has another revision"
    await _move(uow, sale, SaleStatus.CANCELLED, paid_cents=0)


async def _complete(uow: UnitOfWork, sale: StoredSale, paid: Sequence[PaymentView]) -> None:
    goods = await _goods(uow, sale.id)
    stock = await inventory.lock_stock(uow, _tracked(goods))
    plan = plan_take(booking.wanted_stock(goods), stock, allow_owed=True, use_reserved=True)
    await _finish(uow, sale, goods, plan=plan, paid=Paid(paid, is_fact=True))


async def _finish(uow: UnitOfWork, sale: StoredSale, goods: Sequence[Goods], *, plan: Plan, paid: Paid) -> None:
    costs = booking.spread_costs(goods, plan)
    await sales.complete(uow, sale.id, paid_cents=_paid(paid.parts), change_cents=paid.change_cents, line_costs=costs)
    booking.hand_over(uow, sale.id, plan, reserved=sale.status == _SETS_ASIDE, is_fact=paid.is_fact)
    figures = Figures(sale.total_cents, sale.rounding_cents, sale.vat_cents, sum(costs), sale.till_id)
    booking.book_completion(uow, sale.id, figures, payments=paid.parts, held=True)


async def _return(uow: UnitOfWork, parts: Sequence[PaymentView]) -> None:
    for each in parts:
        outcome = "returned" if each.assurance == "counted" else "unclaimed"
        await payments.settle(uow, each.id, outcome, was_applied=True)
    await credit_notes.give_back(uow, parts)
    await credit.return_charge(uow, [each.id for each in parts if each.method == TenderMethod.CREDIT])


async def _move(uow: UnitOfWork, sale: StoredSale, status: SaleStatus, *, paid_cents: int) -> None:
    await sales.move(uow, sale.id, status, paid_cents=paid_cents)
    booking.tell(uow, sale.id, status, paid_cents=paid_cents)


async def reread(uow: UnitOfWork, sale_id: UUID, *, unwritten: PaymentView | None = None) -> SaleView:
    """Return a locked sale as it stands now, with a payment that is written at the flush."""
    sale = await sales.find_sale(uow, sale_id)
    assert sale is not None, "it was locked a moment ago"
    view = await view_of(uow, sale)
    if unwritten is not None and all(each.id != unwritten.id for each in view.payments):
        view.payments.append(as_sale_payment(unwritten))
    return view


async def _goods(uow: UnitOfWork, sale_id: UUID) -> list[Goods]:
    return [Goods(line.product_id, line.quantity, tracked) for line, tracked in await sales.list_lines(uow, sale_id)]


async def lock_goods(uow: UnitOfWork, sale_id: UUID) -> list[Goods]:
    """Lock the stock of a sale's lines, and return what they hand over."""
    goods = await _goods(uow, sale_id)
    await inventory.lock_stock(uow, _tracked(goods))
    return goods


def _tracked(goods: Sequence[Goods]) -> list[UUID]:
    return [each.product_id for each in goods if each.track_stock]


def _applied(known: Sequence[PaymentView]) -> list[PaymentView]:
    """Return the payments whose money counts towards the sale."""
    return [each for each in known if each.status == "succeeded" and each.settlement == "applied"]


def _notes_beside(known: Sequence[PaymentView], failed_id: UUID) -> list[PaymentView]:
    """Return the parts paid by credit note before a payment failed; those after it belong to another attempt."""
    failed_at = next((each.ended_at for each in known if each.id == failed_id and each.status != "succeeded"), None)
    return [
        each
        for each in _applied(known)
        if each.method == TenderMethod.CREDIT_NOTE and failed_at is not None and each.created_at <= failed_at
    ]


def _paid(parts: Sequence[PaymentView]) -> int:
    return sum(each.applied_cents for each in parts)


def _unheard(known: Sequence[PaymentView]) -> PaymentView | None:
    """Return a payment whose outcome is open, or whose money has arrived without the sale having heard of it yet."""
    return next((each for each in known if each.is_open or (each.status == "succeeded" and not each.settlement)), None)


def _refuse_while_unheard(known: Sequence[PaymentView]) -> None:
    payment = _unheard(known)
    if payment is not None:
        raise PromptOut(payment_id=payment.id, status=payment.status)
