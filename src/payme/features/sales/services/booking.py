"""What a completed sale changes outside its own rows: stock, token, books, audit, news.

Everything here is deferred to the end of the transaction; the callers hold the locks of the stock.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Final
from uuid import UUID

from payme.features import audit, inventory, ledger, tokens
from payme.features.inventory import Plan, StockFacts, Wanted, plan_take
from payme.features.ledger import AccountCode, Posting
from payme.features.payments import PaymentView
from payme.features.sales.enums import SaleStatus
from payme.features.sales.errors import StockShort
from payme.features.sales.events import SaleChanged, SaleCompleted
from payme.features.sales.rules.facts import AtTill
from payme.kit.quantity import as_text
from payme.kit.values import value
from payme.runtime.database import UnitOfWork

OPERATION: Final = "sale"
_ACCOUNT_OF: Final = {
    "cash": AccountCode.CASH,
    "card_recorded": AccountCode.CARD,
    "credit_note": AccountCode.CREDIT_NOTES,
    "credit": AccountCode.RECEIVABLES,
}


@value
class Goods:
    """What one line hands over."""

    product_id: UUID
    quantity: Decimal
    track_stock: bool


@value
class Figures:
    """The amounts of a sale that is being completed, in cents, and its till."""

    total_cents: int
    rounding_cents: int
    vat_cents: int
    cost_cents: int
    till_id: UUID


def wanted_stock(goods: Sequence[Goods]) -> list[Wanted]:
    """Return the wishes of the lines whose product's stock is kept."""
    return [Wanted(each.product_id, each.quantity) for each in goods if each.track_stock]


def plan_or_refuse(goods: Sequence[Goods], stock: StockFacts, *, use_reserved: bool = False) -> Plan:
    """Return what to take for a request. Raises: StockShort, naming each product that is short."""
    plan = plan_take(wanted_stock(goods), stock, use_reserved=use_reserved)
    if plan.short:
        raise StockShort(
            products=[
                {
                    "product_id": str(each.product_id),
                    "wanted": as_text(each.wanted),
                    "available": as_text(each.available),
                }
                for each in plan.short
            ]
        )
    return plan


def plan_owed(goods: Sequence[Goods], stock: StockFacts, till: AtTill) -> Plan:
    """Return what to take for goods that are gone; what was not there is owed, and noted."""
    wanted = wanted_stock(goods)
    plan = plan_take(wanted, stock)
    if not plan.short:
        return plan
    till.note("stock_owed")
    return plan_take(wanted, stock, allow_owed=True)


def spread_costs(goods: Sequence[Goods], plan: Plan) -> list[int]:
    """Return the cost of every line in order; a line without stock costs nothing."""
    costs = iter(plan.line_costs)
    return [next(costs) if each.track_stock else 0 for each in goods]


def book_completion(
    uow: UnitOfWork, sale_id: UUID, figures: Figures, *, payments: Sequence[PaymentView], held: bool
) -> None:
    """Book a completed sale: each payment into sales, VAT and rounding out of them, goods into their cost; and tell.

    `held`: the payments wait in `payments_held`; else they come straight from the drawer.
    """
    postings = [
        Posting(
            "sale.payment", AccountCode.SALES_REVENUE,
            AccountCode.PAYMENTS_HELD if held else _ACCOUNT_OF[payment.method], payment.applied_cents, payment.id,
        )
        for payment in payments
    ]  # fmt: skip
    postings += [
        Posting("sale.vat", AccountCode.VAT_PAYABLE, AccountCode.SALES_REVENUE, figures.vat_cents, sale_id),
        Posting(
            "sale.rounding", AccountCode.SALES_REVENUE, AccountCode.CASH_ROUNDING, -figures.rounding_cents, sale_id
        ),
        Posting("sale.cost", AccountCode.INVENTORY, AccountCode.COST_OF_GOODS, figures.cost_cents, sale_id),
    ]
    ledger.post(uow, postings)
    audit.record(uow, "sale.completed", sale_id, total_cents=figures.total_cents, vat_cents=figures.vat_cents)
    uow.touch("sales", sale_id)
    uow.publish(SaleCompleted(subject_id=sale_id, total_cents=figures.total_cents, till_id=figures.till_id))


def hand_over(
    uow: UnitOfWork, sale_id: UUID, plan: Plan, *, reserved: bool, is_fact: bool, is_gone: bool = False
) -> None:
    """Take the goods of a sale and charge its token, out of what was set aside for it or afresh; beyond every bound if `is_gone`."""
    inventory.take(uow, sale_id, takes=plan.takes, reserved=reserved)
    if reserved:
        tokens.settle(uow, sale_id, OPERATION, completed=True)
    else:
        tokens.charge(uow, sale_id, OPERATION, is_fact=is_fact, is_gone=is_gone)


def give_back(uow: UnitOfWork, sale_id: UUID, goods: Sequence[Goods]) -> None:
    """Release the stock and the token that a sale had set aside; nothing held is not an error."""
    inventory.release(uow, sale_id, product_ids=[each.product_id for each in goods if each.track_stock])
    tokens.settle(uow, sale_id, OPERATION, completed=False)


def set_aside(uow: UnitOfWork, sale_id: UUID, goods: Sequence[Goods], *, is_fact: bool) -> None:
    """Reserve the stock and the token of a sale that waits for its payment."""
    inventory.reserve(uow, sale_id, wanted=wanted_stock(goods))
    tokens.reserve(uow, sale_id, OPERATION, is_fact=is_fact)


def tell(uow: UnitOfWork, sale_id: UUID, status: SaleStatus, **facts: object) -> None:
    """Record in the audit log, for synced devices and for live screens, that a sale reached another state."""
    audit.record(uow, f"sale.{status}", sale_id, **facts)
    uow.touch("sales", sale_id)
    uow.publish(SaleChanged(subject_id=sale_id, status=status))
