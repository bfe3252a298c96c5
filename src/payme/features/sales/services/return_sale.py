"""What a refund changes when it happens: goods, books, the sale's state, audit, news.

The callers hold the lock of the sale; the locks of the stock are taken here, and everything shared is written at the end.
"""

from collections.abc import Sequence
from typing import Any, Final

from payme.features import audit, credit, inventory, ledger, payments, shifts
from payme.features.inventory import Returned
from payme.features.ledger import AccountCode, Posting
from payme.features.payments import MoneyInDispute, NotReturnable, OperatorMissing, PaymentView, PayoutTooSmall
from payme.features.sales.enums import RefundKind, RefundMethod, RefundState, Restock, SaleStatus, TenderMethod
from payme.features.sales.events import RefundChanged, RefundCompleted, RefundRequested
from payme.features.sales.repository import refunds, sales
from payme.features.sales.repository.sales import StoredSale
from payme.features.sales.rules.refunds import after_refund
from payme.features.sales.schemas.refunds import RefundView
from payme.features.sales.services import attribution, booking, credit_notes
from payme.features.shifts import Cash, Drawer
from payme.runtime.database import UnitOfWork

_REMARKS: Final = "Refund"
UNPAYABLE: Final = (OperatorMissing, NotReturnable, MoneyInDispute, PayoutTooSmall)
"""Why the money of a refund cannot leave by M-Pesa now."""
_MPESA: Final = "mpesa_stk"
_NO_MONEY: Final = frozenset({TenderMethod.CREDIT_NOTE, TenderMethod.CREDIT})
_WAYS: Final = {
    "cash": ("refund.cash", AccountCode.CASH),
    "card_recorded": ("refund.card", AccountCode.CARD),
    "mpesa": ("refund.mpesa", AccountCode.MPESA),
    "credit_note": ("refund.credit_note", AccountCode.CREDIT_NOTES),
    "credit": ("refund.credit", AccountCode.RECEIVABLES),
}


async def applied_parts(uow: UnitOfWork, sale: StoredSale) -> list[PaymentView]:
    """Return the payments that a completed sale was paid by."""
    return [each for each in await payments.list_for(uow, "sale", sale.id) if each.settlement == "applied"]


def mpesa_part(parts: Sequence[PaymentView]) -> PaymentView | None:
    """Return the largest payment by M-Pesa, whose number a payout goes to."""
    return max((each for each in parts if each.method == _MPESA), key=lambda each: each.applied_cents, default=None)


def paid_in_money(parts: Sequence[PaymentView]) -> int:
    """Return how much of a sale came by anything but credit notes and debts, in cents."""
    return sum(each.applied_cents for each in parts if each.method not in _NO_MONEY)


def paid_on_credit(parts: Sequence[PaymentView]) -> int:
    """Return how much of a sale was bought on credit, in cents."""
    return sum(each.applied_cents for each in parts if each.method == TenderMethod.CREDIT)


def paid_by_mpesa(parts: Sequence[PaymentView]) -> int:
    """Return how much of a sale came by M-Pesa, in cents."""
    return sum(each.applied_cents for each in parts if each.method == _MPESA)


async def proceed(
    uow: UnitOfWork,
    sale: StoredSale,
    refund: RefundView,
    *,
    parts: Sequence[PaymentView],
    drawer: Drawer | None = None,
) -> RefundView:
    """Have a pending refund happen that nobody has to agree to any more: what is counted now, by M-Pesa after its payout.

    Cash leaves the drawer that is held or, later, the one that stands where it was asked for.

    Raises: those of `UNPAYABLE`.
    """
    if refund.method != RefundMethod.MPESA:
        return await complete(uow, sale, refund, parts=parts, evidence={}, drawer=drawer)
    paid = mpesa_part(parts)
    assert paid is not None, "by M-Pesa goes back what came by M-Pesa"
    tell(uow, refund, RefundState.PENDING)
    await payments.pay_refund(uow, refund.id, payment_id=paid.id, amount_cents=refund.money_cents, reason=_REMARKS)
    uow.publish(
        RefundRequested(
            subject_id=refund.id, sale_id=sale.id, method=refund.method, amount_cents=refund.money_cents, payment_id=paid.id
        )
    )  # fmt: skip
    return await reread(uow, refund)


async def complete(
    uow: UnitOfWork,
    sale: StoredSale,
    refund: RefundView,
    *,
    parts: Sequence[PaymentView],
    evidence: dict[str, Any],
    drawer: Drawer | None = None,
) -> RefundView:
    """Move goods and money of a pending refund, and the sale to where it then stands."""
    drawer = drawer or await attribution.drawer_after(uow, refund.shift_id)
    await inventory.bring_back(uow, _goods(refund), reason=refund.reason)
    postings = _postings(refund, parts)
    ledger.post(uow, postings)
    if drawer is not None:
        await shifts.move_cash(uow, drawer, _cash_of(postings))
    if refund.debt_cents:
        await credit.lower_debt(uow, sale.id, refund_id=refund.id, amount_cents=refund.debt_cents)
    if refund.method == RefundMethod.CREDIT_NOTE:
        await credit_notes.issue(uow, refund, branch_id=sale.branch_id)
    if refund.method == RefundMethod.AS_PAID:
        await credit_notes.give_back(uow, parts)
    await refunds.move(uow, refund.id, RefundState.COMPLETED, evidence=evidence)
    audit.record(
        uow, "refund.completed", refund.id, sale_id=sale.id, kind=refund.kind, amount_cents=refund.amount_cents
    )
    uow.touch("refunds", refund.id)
    uow.publish(
        RefundCompleted(subject_id=refund.id, sale_id=sale.id, kind=refund.kind, amount_cents=refund.amount_cents)
    )
    status = await _status(uow, refund)
    await sales.move(uow, sale.id, status, paid_cents=sale.paid_cents)
    booking.tell(uow, sale.id, status, refund_id=refund.id)
    return await reread(uow, refund)


async def end(uow: UnitOfWork, refund: RefundView, state: RefundState, *, reason: str) -> None:
    """End a refund that does not happen; what it held may go back in another way."""
    await refunds.move(uow, refund.id, state, end_reason=reason)
    tell(uow, refund, state, end_reason=reason)


def tell(uow: UnitOfWork, refund: RefundView, state: RefundState, **facts: object) -> None:
    """Record in the audit log, for synced devices and for live screens, that a refund reached a state that is not completion."""
    audit.record(
        uow, f"refund.{state}", refund.id, sale_id=refund.sale_id, kind=refund.kind, amount_cents=refund.amount_cents, **facts
    )  # fmt: skip
    uow.touch("refunds", refund.id)
    uow.publish(RefundChanged(subject_id=refund.id, sale_id=refund.sale_id, state=state))


async def reread(uow: UnitOfWork, refund: RefundView) -> RefundView:
    """Return a refund as it stands now."""
    found = await refunds.find_refund(uow, refund.id)
    assert found is not None, "it was written a moment ago"
    return found


async def _status(uow: UnitOfWork, refund: RefundView) -> SaleStatus:
    if refund.kind == RefundKind.VOID:
        return SaleStatus.VOIDED
    quantities = await refunds.quantities_returned(uow, refund.sale_id)
    return after_refund(
        {line_id: sold for line_id, (sold, _) in quantities.items()},
        {line_id: returned for line_id, (_, returned) in quantities.items()},
    )


def _goods(refund: RefundView) -> list[Returned]:
    goods: list[Returned] = []
    for line in refund.lines:
        assert line.cost_cents is not None, "a stored line knows its cost"
        if line.restock != Restock.NONE:
            spoiled = line.restock == Restock.SPOILAGE
            goods.append(Returned(line.id, line.product_id, line.quantity, line.cost_cents, spoiled))
    return goods


def _cash_of(postings: Sequence[Posting]) -> list[Cash]:
    return [Cash(each.kind, each.cause, -each.amount) for each in postings if each.source == AccountCode.CASH]


def _postings(refund: RefundView, parts: Sequence[PaymentView]) -> list[Posting]:
    """Return the opposite of what the sale had booked; the cost of goods comes back with the goods."""
    back = {str(refund.method): refund.money_cents, "credit": refund.debt_cents}
    if refund.method == RefundMethod.AS_PAID:
        back = {way: sum(each.applied_cents for each in parts if each.method == way) for way in _WAYS}
    revenue, cause = AccountCode.SALES_REVENUE, refund.id
    return [
        *(Posting(kind, account, revenue, back.get(way, 0), cause) for way, (kind, account) in _WAYS.items()),
        Posting("refund.vat", revenue, AccountCode.VAT_PAYABLE, refund.vat_cents, cause),
        Posting("refund.rounding", AccountCode.CASH_ROUNDING, revenue, -refund.rounding_cents, cause),
    ]
