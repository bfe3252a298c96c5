"""Corrections and losses. Above the business's limit, writing off needs a second person, who shows at the till that they are there."""

from uuid import UUID

from payme.features import approvals, audit, businesses
from payme.features.approvals import ApprovalKind
from payme.features.identity import Proven
from payme.features.inventory.enums import MovementKind
from payme.features.inventory.errors import ApprovalNeeded, StockShort
from payme.features.inventory.rules import Occasion, Plan, Wanted, needs_approval, plan_take
from payme.features.inventory.schemas import AdjustStock, SpoilStock, StockChangeView
from payme.features.inventory.services.changes import LockedProduct, bring_in, lock_product_stock, take_out
from payme.features.ledger import AccountCode
from payme.kit.ids import new_id
from payme.kit.money import line_amount
from payme.kit.quantity import as_text
from payme.runtime.database import UnitOfWork


async def adjust_stock(uow: UnitOfWork, command: AdjustStock, *, proven: Proven | None = None) -> StockChangeView:
    """Correct what is on hand: down at what the oldest batches cost, up at the last unit cost or else the buying price.

    Raises: catalog.ProductNotFound, NotTracked, StockShort, ApprovalNeeded, TooMuch, approvals.OwnRequest, approvals.MayNotApprove; at
    the flush AlreadyRecorded.
    """
    change_id = command.id or new_id()
    await _verify(uow, proven, change_id)
    locked = await lock_product_stock(uow, command.product_id)
    occasion = Occasion(change_id, MovementKind.ADJUSTMENT, uow.now, reason=command.reason)
    quantity = command.quantity_delta
    audit.record(
        uow,
        "stock.adjusted",
        occasion.cause,
        product_id=command.product_id,
        quantity_delta=quantity,
        reason=command.reason,
    )
    if quantity < 0:
        plan = await _plan_write_off(
            uow, locked, wanted=Wanted(command.product_id, -quantity), is_approved=proven is not None
        )
        return take_out(uow, locked.level, plan=plan, occasion=occasion, target=AccountCode.STOCK_ADJUSTMENTS)
    unit_cost = locked.level.last_unit_cost_cents or locked.product.buying_price_cents or 0
    return await bring_in(
        uow,
        locked.level,
        quantity=quantity,
        cost_cents=line_amount(unit_cost, quantity),
        occasion=occasion,
        source=AccountCode.STOCK_ADJUSTMENTS,
    )


async def spoil_stock(uow: UnitOfWork, command: SpoilStock, *, proven: Proven | None = None) -> StockChangeView:
    """Write off goods that were lost.

    Raises: catalog.ProductNotFound, NotTracked, StockShort, ApprovalNeeded, approvals.OwnRequest, approvals.MayNotApprove; at the
    flush AlreadyRecorded.
    """
    change_id = command.id or new_id()
    await _verify(uow, proven, change_id)
    locked = await lock_product_stock(uow, command.product_id)
    plan = await _plan_write_off(
        uow, locked, wanted=Wanted(command.product_id, command.quantity), is_approved=proven is not None
    )
    occasion = Occasion(change_id, MovementKind.SPOILAGE, uow.now, reason=command.note, spoilage_type=command.type)
    audit.record(
        uow,
        "stock.spoiled",
        occasion.cause,
        product_id=command.product_id,
        quantity=command.quantity,
        type=command.type,
        cost_cents=plan.cost_cents,
    )
    return take_out(uow, locked.level, plan=plan, occasion=occasion, target=AccountCode.SPOILAGE)


async def _verify(uow: UnitOfWork, proven: Proven | None, change_id: UUID) -> None:
    if proven is not None:
        await approvals.verify_approver(uow, proven, kind=ApprovalKind.WRITE_OFF, subject_id=change_id)


async def _plan_write_off(uow: UnitOfWork, locked: LockedProduct, *, wanted: Wanted, is_approved: bool) -> Plan:
    # The goods are gone whether or not somebody has them set aside.
    plan = plan_take([wanted], locked.facts, use_reserved=True)
    for short in plan.short:
        raise StockShort(product_id=short.product_id, wanted=as_text(short.wanted), available=as_text(short.available))
    limit_cents = (await businesses.get_business(uow)).write_off_limit_cents
    if needs_approval(plan.cost_cents, limit_cents) and not is_approved:
        approvers = await approvals.list_approvers(uow, ApprovalKind.WRITE_OFF)
        raise ApprovalNeeded(limit_cents=limit_cents, approvers=approvers)
    return plan
