"""8 and 10. Tenancy, where no foreign key says it, and the audit log; that its chain verifies is asked of the feature audit."""

from typing import Final

from payme.features.operations.repository.invariant import Rows, invariant
from payme.runtime.database import UnitOfWork


@invariant(8)
async def refers_to_its_own(uow: UnitOfWork) -> Rows:
    """What a payment, purchase, reservation or unclaimed amount refers to is there, in the same business."""
    return await uow.fetch(
        """-- operations.refers_to_its_own
        select p.id from payments p where p.business_id = $1 and not exists (
          select from sales s where s.business_id = $1 and s.id = p.purpose_id and p.purpose = 'sale') and not exists (
          select from token_purchases t where t.business_id = $1 and t.id = p.purpose_id and p.purpose = 'token_purchase') and not exists (
          select from credit_accounts c where c.business_id = $1 and c.id = p.purpose_id and p.purpose = 'credit_account')
        union all
        select t.id from token_purchases t where t.business_id = $1 and not exists (
          select from payments p where p.business_id = $1 and p.id = t.payment_id)
        union all
        select u.id from unclaimed_money u where u.business_id = $1 and u.payment_id is not null and not exists (
          select from payments p where p.business_id = $1 and p.id = u.payment_id)
        union all
        select r.id from token_reservations r where r.business_id = $1 and r.operation = 'sale' and not exists (
          select from sales s where s.business_id = $1 and s.id = r.cause)
        union all
        select r.id from stock_reservations r where r.business_id = $1 and not exists (
          select from sales s where s.business_id = $1 and s.id = r.cause)""",
        uow.tenant,
    )


@invariant(10)
async def change_is_audited(uow: UnitOfWork) -> Rows:
    """Each state that a sale, a payment, a purchase, a refund, a credit note, an approval, a shift, a debt or an expense is in has its line in the audit log."""
    return await uow.fetch(
        """-- operations.change_is_audited
        with wanted as (
          select id as subject, array['sale.' || status] as actions from sales where business_id = $1
          union all
          select id, array['sale.completed'] from sales where business_id = $1 and completed_at is not null
          union all
          select id, array['payment.succeeded', 'payment.late_success'] from payments
          where business_id = $1 and method = 'mpesa_stk' and status = 'succeeded'
          union all
          select id, array['payment.failed'] from payments
          where business_id = $1 and method = 'mpesa_stk' and status in ('failed', 'expired')
          union all
          select id, array['payment.' || settlement] from payments
          where business_id = $1 and (settlement in ('returned', 'unclaimed') or (settlement = 'applied' and method = 'mpesa_stk'))
          union all
          select id, array['tokens.purchased'] from token_purchases where business_id = $1 and state = 'credited'
          union all
          select id, array['refund.' || state] from refunds where business_id = $1
          union all
          select id, array['credit_note.issued'] from credit_notes where business_id = $1
          union all
          select id, array['approval.' || state] from approvals where business_id = $1
          union all
          select id, array['shift.opened'] from shifts where business_id = $1
          union all
          select id, array['shift.closed'] from shifts where business_id = $1 and state = 'closed'
          union all
          select cause, array['credit.repaid'] from credit_entries where business_id = $1 and kind = 'repayment'
          union all
          select account_id, array['credit.' || kind] from credit_entries where business_id = $1 and kind <> 'repayment'
          union all
          select id, array['expense.recorded'] from expenses where business_id = $1
          union all
          select id, array['expense.' || case when state = 'paid' and is_from_drawer then 'approved' else state end]
          from expenses where business_id = $1)
        select w.subject from wanted w where not exists (
          select from audit_log a where a.business_id = $1 and a.subject_id = w.subject and a.action = any (w.actions))""",
        uow.tenant,
    )


@invariant(10)
async def approved_by_another(uow: UnitOfWork) -> Rows:
    """Nobody decided about what they asked for themselves, and a refund that asked for a second person was approved by that one."""
    return await uow.fetch(
        """-- operations.approved_by_another
        select id from approvals where business_id = $1 and decided_by = requested_by
        union all
        select id from refunds where business_id = $1 and approved_by = requested_by
        union all
        select f.id from refunds f join approvals a on a.business_id = f.business_id and a.id = f.approval_id
        where f.business_id = $1 and f.state in ('pending', 'completed', 'failed')
          and (a.state <> 'approved' or f.approved_by is distinct from a.decided_by)""",
        uow.tenant,
    )


TRAIL: Final = (refers_to_its_own, change_is_audited, approved_by_another)
