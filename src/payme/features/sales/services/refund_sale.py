"""Give back a part of a sale, or undo it on its own day. The sale is locked first, so that parallel requests see each other.

Above the business's limit a second person must agree: at the till, with a PIN in the same request, or later, by an approval; until
then nothing moves, but what was asked for is held. What a registered till has given back is held to no shift and to no day.
"""

from uuid import UUID

from payme.features import approvals, businesses, shifts
from payme.features.approvals import ApprovalKind, Wanted
from payme.features.identity import Proven
from payme.features.payments import PaymentView, WholeShillings
from payme.features.sales.enums import RefundKind, RefundMethod, RefundState
from payme.features.sales.repository import refunds
from payme.features.sales.repository.refunds import NewRefund, RefundLine
from payme.features.sales.repository.sales import StoredSale
from payme.features.sales.rules.facts import AtTill
from payme.features.sales.rules.refunds import (
    Plan,
    Wish,
    check_method,
    check_refundable,
    check_same_day,
    check_voidable,
    debt_part,
    everything,
    needs_approval,
    plan_refund,
)
from payme.features.sales.schemas.refunds import RefundSale, RefundView, VoidSale
from payme.features.sales.services.read_refunds import shown
from payme.features.sales.services.read_sale import lock_sale
from payme.features.sales.services.return_sale import (
    applied_parts,
    paid_by_mpesa,
    paid_in_money,
    paid_on_credit,
    proceed,
    tell,
)
from payme.features.shifts import Drawer
from payme.kit.ids import new_id
from payme.kit.money import is_whole_shillings
from payme.kit.values import value
from payme.runtime.database import UnitOfWork


@value
class _Intent:
    """What is to happen, and who is there to agree to it."""

    id: UUID
    kind: RefundKind
    method: RefundMethod
    reason: str
    proven: Proven | None
    shift_id: UUID | None
    debt_cents: int
    till: AtTill | None


async def refund_sale(
    uow: UnitOfWork, sale_id: UUID, command: RefundSale, *, proven: Proven | None = None, till: AtTill | None = None
) -> RefundView:
    """Give back a part of a sale: at once in cash or as a credit note, after a payout by M-Pesa, after an approval above the limit.

    What a till has given back left the drawer of its shift, whosever that is and however long it has been closed.

    Raises: SaleNotFound, NotRefundable, SaleLineNotFound, RefundTooMuch, RefundExists, NothingToCredit, CreditNotePaidPart, MpesaPaidLess,
    payments.WholeShillings, approvals.OwnRequest, approvals.MayNotApprove.
    """
    await shifts.check_shift(uow, command.shift_id)
    sale = await lock_sale(uow, sale_id)
    check_refundable(sale.status)
    held = await refunds.sum_held(uow, sale_id)
    wishes = [Wish(each.sale_line_id, each.quantity, each.restock) for each in command.lines]
    plan = plan_refund(
        await refunds.list_left(uow, sale_id), wishes, left_to_pay_back_cents=sale.paid_cents - held.amount_cents
    )
    parts = await applied_parts(uow, sale)
    method = RefundMethod(command.method)
    debt_cents = debt_part(plan.amount_cents, left_on_credit_cents=paid_on_credit(parts) - held.debt_cents)
    money_cents = plan.amount_cents - debt_cents
    check_method(
        method,
        money_cents,
        left_by_mpesa_cents=paid_by_mpesa(parts) - held.mpesa_cents,
        left_in_money_cents=paid_in_money(parts) - held.money_cents,
    )
    if method == RefundMethod.MPESA and not is_whole_shillings(money_cents):
        raise WholeShillings(amount_cents=money_cents)
    intent = _Intent(
        command.id or new_id(), RefundKind.REFUND, method, command.reason, proven, command.shift_id, debt_cents, till
    )
    return shown(uow, await _begin(uow, sale, plan, intent=intent, parts=parts))


async def void_sale(
    uow: UnitOfWork, sale_id: UUID, command: VoidSale, *, proven: Proven | None = None, till: AtTill | None = None
) -> RefundView:
    """Undo a sale on its own business day: all goods to the shelf, each counted part back the way it came, credit notes to their balance.

    Raises: SaleNotFound, NotVoidable, VoidOfMpesa, VoidTooLate, RefundExists, approvals.OwnRequest, approvals.MayNotApprove.
    """
    await shifts.check_shift(uow, command.shift_id)
    sale = await lock_sale(uow, sale_id)
    held, parts = await refunds.sum_held(uow, sale_id), await applied_parts(uow, sale)
    check_voidable(sale.status, methods=[each.method for each in parts], has_refunds=held.count > 0)
    if till is None or not till.is_handed_over:
        # What a till has voided was voided on the day of its own clock; when both arrive says nothing of that.
        await check_day(uow, sale)
    lines = await refunds.list_left(uow, sale_id)
    plan = plan_refund(lines, everything(lines), left_to_pay_back_cents=sale.paid_cents)
    intent = _Intent(
        command.id or new_id(), RefundKind.VOID, RefundMethod.AS_PAID, command.reason, proven, command.shift_id, paid_on_credit(parts),
        till,
    )  # fmt: skip
    return shown(uow, await _begin(uow, sale, plan, intent=intent, parts=parts))


async def check_day(uow: UnitOfWork, sale: StoredSale) -> None:
    """Refuse after the business day of a completed sale. Raises: VoidTooLate."""
    assert sale.completed_at is not None, "only a completed sale is voided"
    check_same_day(sale.completed_at, uow.now, day_starts_at=(await businesses.get_business(uow)).day_starts_at)


async def _begin(
    uow: UnitOfWork, sale: StoredSale, plan: Plan, *, intent: _Intent, parts: list[PaymentView]
) -> RefundView:
    drawer = await _take_drawer(uow, intent)
    above = needs_approval(plan.amount_cents, (await businesses.get_business(uow)).refund_limit_cents)
    approved_by = approval_id = None
    if intent.proven is not None:
        kind = ApprovalKind(intent.kind)
        approved_by = await approvals.verify_approver(uow, intent.proven, kind=kind, subject_id=intent.id)
    elif above:
        approval_id = (await approvals.request_approval(uow, _wanted(sale, plan, intent))).id
    refund = await _insert(uow, sale, plan, intent=intent, approvals_word=(approval_id, approved_by))
    if approval_id is not None:
        tell(uow, refund, RefundState.AWAITING_APPROVAL, approval_id=approval_id)
        return refund
    return await proceed(uow, sale, refund, parts=parts, drawer=drawer)


async def _take_drawer(uow: UnitOfWork, intent: _Intent) -> Drawer | None:
    if intent.shift_id is None:
        return None
    till = intent.till
    drawer = await shifts.take_drawer(uow, intent.shift_id, is_fact=till is not None and till.is_handed_over)
    for code in drawer.review:
        assert till is not None, "only a fact is taken with what is odd about it"
        till.note(code)
    return drawer


async def _insert(
    uow: UnitOfWork, sale: StoredSale, plan: Plan, *, intent: _Intent, approvals_word: tuple[UUID | None, UUID | None]
) -> RefundView:
    approval_id, approved_by = approvals_word
    lines = [
        RefundLine(
            new_id(), each.line_number, each.quantity, each.amount_cents, each.vat_cents, each.cost_cents, each.restock
        )
        for each in plan.returns
    ]
    await refunds.insert_refund(
        uow,
        NewRefund(
            id=intent.id, sale_id=sale.id, kind=intent.kind, method=intent.method,
            state=RefundState.AWAITING_APPROVAL if approval_id else RefundState.PENDING, amount_cents=plan.amount_cents, rounding_cents=plan.rounding_cents, vat_cents=plan.vat_cents,
            cost_cents=plan.cost_cents, reason=intent.reason, approval_id=approval_id, approved_by=approved_by, shift_id=intent.shift_id,
            debt_cents=intent.debt_cents,
            lines=lines,
        ),
    )  # fmt: skip
    found = await refunds.find_refund(uow, intent.id)
    assert found is not None, "it was written a moment ago"
    return found


def _wanted(sale: StoredSale, plan: Plan, intent: _Intent) -> Wanted:
    document = {"sale_id": str(sale.id), "receipt_number": sale.receipt_number, "method": intent.method}
    return Wanted(ApprovalKind(intent.kind), intent.id, plan.amount_cents, document, intent.reason)
