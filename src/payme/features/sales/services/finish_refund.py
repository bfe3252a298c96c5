"""What happens to a refund later: a second person's word, and the end of the payout that it waited for.

The payout of a refund books nothing itself. All of it may be heard twice.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from payme.features import payments
from payme.features.approvals import ApprovalApproved, ApprovalKind, ApprovalLapsed, ApprovalRejected
from payme.features.payments import PaymentView, PayoutFailed, PayoutSucceeded
from payme.features.sales.enums import RefundKind, RefundMethod, RefundState, Restock
from payme.features.sales.errors import (
    CreditNotePaidPart,
    MpesaPaidLess,
    NotRefundable,
    RefundNotFound,
    RefundNotPending,
    RefundOvertaken,
    RefundTooMuch,
    VoidTooLate,
)
from payme.features.sales.repository import refunds
from payme.features.sales.repository.sales import StoredSale
from payme.features.sales.rules.refunds import Wish, check_method, check_refundable, debt_part, plan_refund
from payme.features.sales.schemas.refunds import RefundView
from payme.features.sales.services.read_sale import lock_sale
from payme.features.sales.services.refund_sale import check_day
from payme.features.sales.services.return_sale import (
    UNPAYABLE,
    applied_parts,
    complete,
    end,
    paid_by_mpesa,
    paid_in_money,
    paid_on_credit,
    proceed,
    reread,
)
from payme.runtime.database import UnitOfWork

REFUND_KINDS = frozenset({ApprovalKind.REFUND, ApprovalKind.VOID})


async def complete_refund(uow: UnitOfWork, refund_id: UUID, *, evidence: dict[str, Any]) -> RefundView:
    """Complete a refund whose money has left the M-Pesa account; `evidence` is kept with it. Again, it changes nothing.

    One that had failed is completed late, where nothing took its place. Raises: RefundNotFound, RefundNotPending, RefundOvertaken.
    """
    sale, refund = await _lock_refund(uow, refund_id)
    if refund.state == RefundState.COMPLETED:
        return refund
    parts = await applied_parts(uow, sale)
    if refund.state == RefundState.FAILED:
        await _check_place(uow, sale, refund, parts=parts)
        evidence = {**evidence, "had_failed": refund.end_reason}
    elif refund.state != RefundState.PENDING:
        raise RefundNotPending(state=refund.state)
    return await complete(uow, sale, refund, parts=parts, evidence=evidence)


async def fail_refund(uow: UnitOfWork, refund_id: UUID, *, reason: str) -> RefundView:
    """End a pending refund whose money did not leave; it may be asked for anew. Again, it changes nothing.

    Raises: RefundNotFound, RefundNotPending.
    """
    _, refund = await _lock_refund(uow, refund_id)
    if refund.state == RefundState.FAILED:
        return refund
    if refund.state != RefundState.PENDING:
        raise RefundNotPending(state=refund.state)
    await end(uow, refund, RefundState.FAILED, reason=reason)
    return await reread(uow, refund)


async def hear_of_approval(uow: UnitOfWork, event: ApprovalApproved) -> None:
    """Have a refund happen that somebody agreed to; a void only on its own business day, money only where it can be paid out.

    Raises: RefundNotFound.
    """
    sale, refund = await _lock_refund(uow, event.about_id)
    if refund.state != RefundState.AWAITING_APPROVAL:
        return
    if refund.kind == RefundKind.VOID:
        try:
            await check_day(uow, sale)
        except VoidTooLate as late:
            await end(uow, refund, RefundState.REJECTED, reason=late.code)
            return
    await refunds.move(uow, refund.id, RefundState.PENDING, approved_by=event.decided_by)
    agreed = await reread(uow, refund)
    try:
        async with uow.savepoint():
            await proceed(uow, sale, agreed, parts=await applied_parts(uow, sale))
    except UNPAYABLE as refusal:
        await end(uow, agreed, RefundState.FAILED, reason=refusal.code)


async def hear_of_refusal(uow: UnitOfWork, event: ApprovalRejected | ApprovalLapsed) -> None:
    """End a refund that nobody agreed to. Raises: RefundNotFound."""
    _, refund = await _lock_refund(uow, event.about_id)
    if refund.state == RefundState.AWAITING_APPROVAL:
        await end(uow, refund, RefundState.REJECTED, reason=event.name)


async def hear_of_payout(uow: UnitOfWork, event: PayoutSucceeded) -> None:
    """Complete the refund that a payout was for; where another took its place, the money is overpaid. Again, it changes nothing."""
    try:
        await complete_refund(uow, event.purpose_id, evidence={"mpesa_receipt_number": event.mpesa_receipt_number})
    except RefundOvertaken:
        await payments.displace_payout(uow, event.subject_id)


async def hear_of_failed_payout(uow: UnitOfWork, event: PayoutFailed) -> None:
    """End the refund that a payout was for, unless its money is known to have left; hearing it again changes nothing."""
    _, refund = await _lock_refund(uow, event.purpose_id)
    if refund.state != RefundState.COMPLETED:
        await fail_refund(uow, event.purpose_id, reason=event.reason_code)


async def _check_place(uow: UnitOfWork, sale: StoredSale, refund: RefundView, *, parts: Sequence[PaymentView]) -> None:
    """Refuse a failed refund that would not be the same to the cent if it were asked for now. Raises: RefundOvertaken."""
    held = await refunds.sum_held(uow, sale.id)
    wishes = [Wish(each.sale_line_id, each.quantity, each.restock == Restock.SHELF) for each in refund.lines]
    try:
        check_refundable(sale.status)
        plan = plan_refund(
            await refunds.list_left(uow, sale.id), wishes, left_to_pay_back_cents=sale.paid_cents - held.amount_cents
        )
        left_on_credit = paid_on_credit(parts) - held.debt_cents
        debt_cents = debt_part(plan.amount_cents, left_on_credit_cents=left_on_credit)
        check_method(
            RefundMethod.MPESA,
            plan.amount_cents - debt_cents,
            left_by_mpesa_cents=paid_by_mpesa(parts) - held.mpesa_cents,
            left_in_money_cents=paid_in_money(parts) - held.money_cents,
        )
    except (NotRefundable, RefundTooMuch, MpesaPaidLess, CreditNotePaidPart) as refusal:
        raise RefundOvertaken(refund_id=refund.id) from refusal
    planned = [(each.amount_cents, each.vat_cents, each.cost_cents) for each in plan.returns]
    asked = [(each.amount_cents, each.vat_cents, each.cost_cents) for each in refund.lines]
    if planned != asked or (plan.amount_cents, debt_cents) != (refund.amount_cents, refund.debt_cents):
        raise RefundOvertaken(refund_id=refund.id)


async def _lock_refund(uow: UnitOfWork, refund_id: UUID) -> tuple[StoredSale, RefundView]:
    found = await refunds.find_refund(uow, refund_id)
    if found is None:
        raise RefundNotFound(refund_id=refund_id)
    sale = await lock_sale(uow, found.sale_id)
    return sale, await reread(uow, found)
