"""What happens to a refund later: a second person's word, and the end of the payout that it waited for.

The payout of a refund books nothing itself. All of it may be heard twice.
"""

from typing import Any
from uuid import UUID

from payme.features.approvals import ApprovalApproved, ApprovalKind, ApprovalLapsed, ApprovalRejected
from payme.features.payments import PayoutFailed, PayoutSucceeded
from payme.features.sales.enums import RefundKind, RefundState
from payme.features.sales.errors import RefundNotFound, RefundNotPending, VoidTooLate
from payme.features.sales.repository import refunds
from payme.features.sales.repository.sales import StoredSale
from payme.features.sales.schemas.refunds import RefundView
from payme.features.sales.services.read_sale import lock_sale
from payme.features.sales.services.refund_sale import check_day
from payme.features.sales.services.return_sale import UNPAYABLE, applied_parts, complete, end, proceed, reread
from payme.runtime.database import UnitOfWork

REFUND_KINDS = frozenset({ApprovalKind.REFUND, ApprovalKind.VOID})


async def complete_refund(uow: UnitOfWork, refund_id: UUID, *, evidence: dict[str, Any]) -> RefundView:
    """Complete a pending refund whose money has left the M-Pesa account; `evidence` is kept with it. Again, it changes nothing.

    Raises: RefundNotFound, RefundNotPending.
    """
    sale, refund = await _lock_refund(uow, refund_id)
    if refund.state == RefundState.COMPLETED:
        return refund
    if refund.state != RefundState.PENDING:
        raise RefundNotPending(state=refund.state)
    return await complete(uow, sale, refund, parts=await applied_parts(uow, sale), evidence=evidence)


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
    """Complete the refund that a payout was for; hearing it again changes nothing."""
    await complete_refund(uow, event.purpose_id, evidence={"mpesa_receipt_number": event.mpesa_receipt_number})


async def hear_of_failed_payout(uow: UnitOfWork, event: PayoutFailed) -> None:
    """End the refund that a payout was for; hearing it again changes nothing."""
    await fail_refund(uow, event.purpose_id, reason=event.reason_code)


async def _lock_refund(uow: UnitOfWork, refund_id: UUID) -> tuple[StoredSale, RefundView]:
    found = await refunds.find_refund(uow, refund_id)
    if found is None:
        raise RefundNotFound(refund_id=refund_id)
    sale = await lock_sale(uow, found.sale_id)
    return sale, await reread(uow, found)
