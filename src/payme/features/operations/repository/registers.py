"""What holds across businesses, asked of the registers that have no tenant; the transaction is bound to no business."""

from typing import Final

from payme.features.operations.repository.invariant import Rows, invariant
from payme.runtime.database import UnitOfWork


@invariant(5)
async def receipt_applied_once(uow: UnitOfWork) -> Rows:
    """A receipt of M-Pesa is applied once across all businesses."""
    return await uow.fetch(
        """-- operations.receipt_applied_once
        select mpesa_receipt_number from mpesa_receipts group by 1 having count(*) > 1"""
    )


@invariant(8)
async def callback_kept_its_way(uow: UnitOfWork) -> Rows:
    """Each stored callback is about the thing, of the business, that its address led to."""
    return await uow.fetch(
        """-- operations.callback_kept_its_way
        select i.id from callback_inbox i where not exists (
          select from callback_routes r where r.business_id = i.business_id and r.kind = i.kind and r.subject_id = i.subject_id)
        union all
        select subject_id from callback_routes group by subject_id having count(distinct business_id) > 1"""
    )


REGISTERS: Final = (receipt_applied_once, callback_kept_its_way)


async def sum_credited_cents(uow: UnitOfWork) -> int:
    """Return what the business has paid for tokens that were credited."""
    return await uow.fetchval(
        """-- operations.sum_credited_cents
        select coalesce(sum(least(p.amount_cents, p.paid_cents)), 0)::bigint
          + (select coalesce(sum(amount), 0)::bigint from postings where business_id = $1 and kind = 'token.excess_paid')
        from token_purchases t join payments p on p.business_id = t.business_id and p.id = t.payment_id
        where t.business_id = $1 and t.state = 'credited'""",
        uow.tenant,
    )


async def sum_token_sales_cents(uow: UnitOfWork) -> int:
    """Return what the platform, at hand, has booked as sold tokens."""
    return await uow.fetchval(
        """-- operations.sum_token_sales_cents
        select coalesce(sum(p.amount), 0)::bigint from postings p
        join accounts a on a.business_id = p.business_id and a.id = p.from_account and a.code = 'token_sales'
        where p.business_id = $1""",
        uow.tenant,
    )
