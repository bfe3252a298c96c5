"""3. Stock. What sales set aside and took is among the lines of sales."""

from typing import Final

from payme.features.operations.repository.invariant import Rows, invariant
from payme.runtime.database import UnitOfWork


@invariant(3)
async def stock_quantity(uow: UnitOfWork) -> Rows:
    """Stock on hand is its batches less what is owed, and the sum of its movements."""
    return await uow.fetch(
        """-- operations.stock_quantity
        select coalesce(l.product_id, m.product_id) from (select * from stock_levels where business_id = $1) l
        full join (
          select product_id, sum(quantity) as q from stock_movements where business_id = $1 group by 1) m using (product_id)
        left join (
          select product_id, sum(remaining_quantity) as q from stock_batches where business_id = $1 group by 1) b using (product_id)
        left join (
          select product_id, sum(remaining_quantity) as q from stock_owed where business_id = $1 group by 1) o using (product_id)
        where l.on_hand is distinct from coalesce(b.q, 0) - coalesce(o.q, 0) or l.on_hand is distinct from coalesce(m.q, 0)""",
        uow.tenant,
    )


@invariant(3)
async def stock_value(uow: UnitOfWork) -> Rows:
    """The value of stock is its remaining cost, and the sum of its movements' cost."""
    return await uow.fetch(
        """-- operations.stock_value
        select l.product_id from stock_levels l
        left join (
          select product_id, sum(remaining_cost_cents) as c from stock_batches where business_id = $1 group by 1) b using (product_id)
        left join (
          select product_id, sum(remaining_cost_cents) as c from stock_owed where business_id = $1 group by 1) o using (product_id)
        left join (
          select product_id, sum(cost_cents) as c from stock_movements where business_id = $1 group by 1) m using (product_id)
        where l.business_id = $1
          and (l.value_cents <> coalesce(b.c, 0) - coalesce(o.c, 0) or l.value_cents <> coalesce(m.c, 0))""",
        uow.tenant,
    )


@invariant(3)
async def batch_is_its_movements(uow: UnitOfWork) -> Rows:
    """What is left of a batch is what moved in less what moved out, and what it settled of stock sold before it came."""
    return await uow.fetch(
        """-- operations.batch_is_its_movements
        select b.id from stock_batches b
        left join (
          select batch_id, sum(quantity) as q, sum(cost_cents) as c, max(quantity) as arrived
          from stock_movements where business_id = $1 and batch_id is not null group by 1) m on m.batch_id = b.id
        left join (
          select distinct cause from stock_movements where business_id = $1 and kind = 'true_up') t on t.cause = b.id
        where b.business_id = $1 and (
          m.arrived is distinct from b.received_quantity
          or m.q < b.remaining_quantity
          or m.c < b.remaining_cost_cents
          or (t.cause is null and (m.q <> b.remaining_quantity or m.c <> b.remaining_cost_cents)))""",
        uow.tenant,
    )


@invariant(3)
async def owed_is_its_movement(uow: UnitOfWork) -> Rows:
    """Each layer of stock sold before it came is one movement out."""
    return await uow.fetch(
        """-- operations.owed_is_its_movement
        select o.id from stock_owed o
        left join (
          select owed_id, sum(quantity) as q, sum(cost_cents) as c from stock_movements
          where business_id = $1 and owed_id is not null and kind <> 'true_up' group by 1) m on m.owed_id = o.id
        where o.business_id = $1 and (m.q is distinct from -o.quantity or m.c is distinct from -o.cost_cents)""",
        uow.tenant,
    )


@invariant(3)
async def inventory_account(uow: UnitOfWork) -> Rows:
    """The inventory account is the value of all stock."""
    return await uow.fetch(
        """-- operations.inventory_account
        select a.code from accounts a join ledger_balances b on b.business_id = a.business_id and b.account_id = a.id
        where a.business_id = $1 and a.code = 'inventory' and b.balance <>
          (select coalesce(sum(value_cents), 0) from stock_levels where business_id = $1)""",
        uow.tenant,
    )


@invariant(3)
async def batch_bounds(uow: UnitOfWork) -> Rows:
    """No batch and no owed layer is below zero or above what it began with, and an empty one costs nothing."""
    return await uow.fetch(
        """-- operations.batch_bounds
        select id from stock_batches where business_id = $1
          and (remaining_quantity not between 0 and received_quantity or remaining_cost_cents not between 0 and received_cost_cents
            or (remaining_quantity = 0 and remaining_cost_cents <> 0))
        union all
        select id from stock_owed where business_id = $1
          and (remaining_quantity not between 0 and quantity or remaining_cost_cents not between 0 and cost_cents
            or (remaining_quantity = 0 and remaining_cost_cents <> 0))""",
        uow.tenant,
    )


@invariant(3)
async def stock_reserved(uow: UnitOfWork) -> Rows:
    """Reserved stock is what sales awaiting payment have set aside."""
    return await uow.fetch(
        """-- operations.stock_reserved
        select coalesce(l.product_id, h.product_id) from (select * from stock_levels where business_id = $1) l
        full join (
          select r.product_id, sum(r.quantity) as q from stock_reservations r
          join sales s on s.business_id = r.business_id and s.id = r.cause and s.status = 'awaiting_payment'
          where r.business_id = $1 and r.state = 'held' group by 1) h using (product_id)
        where l.reserved is distinct from coalesce(h.q, 0)""",
        uow.tenant,
    )


STOCK: Final = (
    stock_quantity,
    stock_value,
    batch_is_its_movements,
    owed_is_its_movement,
    inventory_account,
    batch_bounds,
    stock_reserved,
)
