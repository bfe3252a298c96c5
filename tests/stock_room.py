"""What tests say to the stock room, in a line each, and the equations that must hold whatever was said."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from payme.features.catalog import CreateProduct, create_product
from payme.features.identity import Proven
from payme.features.inventory import Plan, Wanted, lock_stock, plan_take, take
from payme.features.inventory.schemas import AdjustStock, ReceiveGoods, SpoilStock, StockChangeView
from payme.features.inventory.services.correct_stock import adjust_stock, spoil_stock
from payme.features.inventory.services.receive_goods import receive_goods
from payme.kit.ids import new_id
from payme.runtime.database import UnitOfWork
from tests.shop import Shop

FAULTS = {
    "movements are the level": """
        select l.product_id from stock_levels l, lateral (
          select coalesce(sum(m.quantity), 0) as quantity, coalesce(sum(m.cost_cents), 0) as cost_cents
          from stock_movements m where m.business_id = $1 and m.product_id = l.product_id) moved
        where l.business_id = $1 and (l.on_hand <> moved.quantity or l.value_cents <> moved.cost_cents)""",
    "layers are the level": """
        select l.product_id from stock_levels l, lateral (
          select coalesce(sum(b.remaining_quantity), 0) as quantity, coalesce(sum(b.remaining_cost_cents), 0) as cost_cents
          from stock_batches b where b.business_id = $1 and b.product_id = l.product_id) here, lateral (
          select coalesce(sum(o.remaining_quantity), 0) as quantity, coalesce(sum(o.remaining_cost_cents), 0) as cost_cents
          from stock_owed o where o.business_id = $1 and o.product_id = l.product_id) owed
        where l.business_id = $1
          and (l.on_hand <> here.quantity - owed.quantity or l.value_cents <> here.cost_cents - owed.cost_cents)""",
    "reservations are the reserved": """
        select l.product_id from stock_levels l where l.business_id = $1 and l.reserved is distinct from (
          select coalesce(sum(r.quantity), 0) from stock_reservations r
          where r.business_id = $1 and r.product_id = l.product_id and r.state = 'held')""",
    "nothing is owed beside an open batch": """
        select o.product_id from stock_owed o join stock_batches b on b.business_id = $1 and b.product_id = o.product_id
        where o.business_id = $1 and o.is_open and b.is_open""",
    "an empty layer costs nothing": """
        select id from stock_owed where business_id = $1 and remaining_quantity = 0 and remaining_cost_cents <> 0""",
    "every movement has a level": """
        select m.id from stock_movements m where m.business_id = $1 and not exists (
          select from stock_levels l where l.business_id = $1 and l.product_id = m.product_id)""",
}
INVENTORY_BALANCE = """
    select b.balance from account_balances b join accounts a on a.business_id = b.business_id and a.id = b.account_id
    where a.business_id = $1 and a.code = $2"""


async def make_product(shop: Shop, **facts: Any) -> UUID:
    command = CreateProduct(**{"name": "Chai", "price_cents": 15_000, **facts})

    async def work(uow: UnitOfWork) -> UUID:
        return (await create_product(uow, command)).id

    return await shop.run(work)


async def receive(shop: Shop, product_id: UUID, quantity: str, cost_cents: int, **facts: Any) -> StockChangeView:
    command = ReceiveGoods(product_id=product_id, quantity=Decimal(quantity), total_cost_cents=cost_cents, **facts)
    return await shop.run(lambda uow: receive_goods(uow, command))


async def adjust(
    shop: Shop, product_id: UUID, delta: str, *, proven: Proven | None = None, **facts: Any
) -> StockChangeView:
    command = AdjustStock(product_id=product_id, quantity_delta=Decimal(delta), reason="Counted", **facts)
    return await shop.run(lambda uow: adjust_stock(uow, command, proven=proven))


async def spoil(
    shop: Shop, product_id: UUID, quantity: str, *, proven: Proven | None = None, **facts: Any
) -> StockChangeView:
    command = SpoilStock(**{"product_id": product_id, "quantity": Decimal(quantity), "type": "damage", **facts})
    return await shop.run(lambda uow: spoil_stock(uow, command, proven=proven))


async def sell(shop: Shop, lines: Sequence[tuple[UUID, str]], *, fact: bool = False) -> Plan:
    """Take goods as a sale does: lock, decide, take; nothing is taken when the plan is short."""
    wanted = [Wanted(product_id, Decimal(quantity)) for product_id, quantity in lines]

    async def work(uow: UnitOfWork) -> Plan:
        plan = plan_take(wanted, await lock_stock(uow, [each.product_id for each in wanted]), allow_owed=fact)
        take(uow, new_id(), takes=plan.takes)
        return plan

    return await shop.run(work)


async def level(shop: Shop, product_id: UUID) -> tuple[Any, ...]:
    """Return on hand, reserved, value in cents."""
    rows = await shop.rows(
        "select on_hand, reserved, value_cents from stock_levels where business_id = $1 and product_id = $2", product_id
    )
    return rows[0]


async def balance(shop: Shop, account: str) -> int:
    return await shop.value(INVENTORY_BALANCE, account)


async def check_stock(shop: Shop) -> None:
    """Assert that the equations of stock hold for every product of the shop."""
    for name, sql in FAULTS.items():
        assert await shop.rows(sql) == [], name
