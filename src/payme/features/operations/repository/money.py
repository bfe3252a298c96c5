"""5–7. Receipts, payments, and that money never vanishes."""

from typing import Final

from payme.features.operations.repository.invariant import Rows, invariant
from payme.runtime.database import UnitOfWork


@invariant(5)
async def receipt_once(uow: UnitOfWork) -> Rows:
    """No receipt of M-Pesa stands on two payments."""
    return await uow.fetch(
        """-- operations.receipt_once
        select mpesa_receipt_number from payments where business_id = $1 and mpesa_receipt_number is not null
        group by 1 having count(*) > 1""",
        uow.tenant,
    )


@invariant(5)
async def receipt_registered(uow: UnitOfWork) -> Rows:
    """Each receipt on a payment or in the tray is registered to it, or to the row of the tray that it came out of, and each registered receipt stands on one of them."""
    return await uow.fetch(
        """-- operations.receipt_registered
        with held as (
          select mpesa_receipt_number as receipt, id as holder_id from payments
          where business_id = $1 and mpesa_receipt_number is not null and (method <> 'mpesa_c2b' or payee = 'platform')
            and not (method = 'mpesa_claim' and confirmed_cents is null)
          union
          select mpesa_receipt_number, coalesce(payment_id, id) from unclaimed_money
          where business_id = $1 and mpesa_receipt_number is not null and state <> 'matched' and reason <> 'sale_not_open'),
        registered as (
          select r.mpesa_receipt_number, coalesce(p.id, r.applied_id) as holder_id from mpesa_receipts r
          left join unclaimed_money u on u.business_id = r.business_id and u.id = r.applied_id and u.state = 'matched'
          left join payments p on p.business_id = u.business_id and p.mpesa_receipt_number = u.mpesa_receipt_number
          where r.business_id = $1)
        select coalesce(h.receipt, r.mpesa_receipt_number) from held h
        full join registered r on r.mpesa_receipt_number = h.receipt and r.holder_id = h.holder_id
        where h.receipt is null or r.mpesa_receipt_number is null""",
        uow.tenant,
    )


@invariant(6)
async def confirmed_by_evidence(uow: UnitOfWork) -> Rows:
    """No M-Pesa payment has succeeded without evidence that it was paid, of that very amount."""
    return await uow.fetch(
        """-- operations.confirmed_by_evidence
        select p.id from payments p
        where p.business_id = $1 and (p.assurance = 'confirmed' or (p.method = 'mpesa_stk' and p.status = 'succeeded'))
          and not exists (
            select from payment_evidence e where e.business_id = p.business_id and e.payment_id = p.id and e.outcome = 'paid'
              and (e.effect in ('succeeded', 'late_success') and coalesce(e.amount_cents, p.paid_cents) = p.paid_cents
                or e.effect = 'verified' and e.amount_cents >= p.paid_cents))""",
        uow.tenant,
    )


@invariant(6)
async def late_by_evidence(uow: UnitOfWork) -> Rows:
    """A payment that succeeded after it had failed says so, and the evidence of it is kept."""
    return await uow.fetch(
        """-- operations.late_by_evidence
        select p.id from payments p
        left join (
          select payment_id, count(*) filter (where effect = 'late_success') as late, count(*) as times
          from payment_evidence where business_id = $1 and effect in ('succeeded', 'late_success') group by 1) e on e.payment_id = p.id
        where p.business_id = $1 and p.method = 'mpesa_stk'
          and (coalesce(e.times, 0) <> case when p.status = 'succeeded' then 1 else 0 end or p.late <> (coalesce(e.late, 0) > 0))""",
        uow.tenant,
    )


@invariant(6)
async def counted_is_settled(uow: UnitOfWork) -> Rows:
    """Money that a person counted, and what a credit note paid, is applied or was given back, whole."""
    return await uow.fetch(
        """-- operations.counted_is_settled
        select id from payments where business_id = $1 and method in ('cash', 'card_recorded', 'credit_note')
          and (status <> 'succeeded' or assurance <> 'counted' or paid_cents is distinct from amount_cents
            or settlement is null or settlement not in ('applied', 'returned'))""",
        uow.tenant,
    )


@invariant(7)
async def evidence_is_placed(uow: UnitOfWork) -> Rows:
    """Each receipt that M-Pesa gave us credit for stands on a payment or in the tray."""
    return await uow.fetch(
        """-- operations.evidence_is_placed
        select e.id from payment_evidence e
        where e.business_id = $1 and e.outcome = 'paid' and e.mpesa_receipt_number is not null
          and e.effect in ('succeeded', 'late_success', 'receipt_added', 'amount_differs', 'second_payment', 'unclaimed', 'verified',
            'claim_differs')
          and not exists (
            select from payments p where p.business_id = $1 and p.mpesa_receipt_number = e.mpesa_receipt_number)
          and not exists (
            select from unclaimed_money u where u.business_id = $1 and u.mpesa_receipt_number = e.mpesa_receipt_number)""",
        uow.tenant,
    )


@invariant(7)
async def mpesa_conserved(uow: UnitOfWork) -> Rows:
    """M-Pesa money that arrived is applied or in the tray: the excess, the disputed, and what its sale could not take."""
    return await uow.fetch(
        """-- operations.mpesa_conserved
        select p.id from payments p
        left join (
          select payment_id, sum(amount_cents) filter (where reason = 'amount_differs' and state = 'unclaimed') as disputed,
            sum(amount_cents) filter (where reason = 'overpaid') as excess,
            sum(amount_cents) filter (where reason = 'sale_not_open') as refused
          from unclaimed_money where business_id = $1 group by 1) u on u.payment_id = p.id
        where p.business_id = $1 and p.method in ('mpesa_stk', 'mpesa_c2b') and (
          (p.status = 'succeeded' and (
            p.paid_cents is null or coalesce(u.disputed, 0) <> 0 or coalesce(u.excess, 0) <> greatest(p.paid_cents - p.amount_cents, 0)))
          or p.settlement = 'returned'
          or coalesce(u.refused, 0) <> case when p.settlement = 'unclaimed' then least(p.amount_cents, p.paid_cents) else p.excess_cents end)""",
        uow.tenant,
    )


@invariant(7)
async def mpesa_account(uow: UnitOfWork) -> Rows:
    """The M-Pesa account is every shilling that arrived for the business, less what refunds sent back and M-Pesa kept as its fees."""
    return await uow.fetch(
        """-- operations.mpesa_account
        select a.code from accounts a join ledger_balances b on b.business_id = a.business_id and b.account_id = a.id
        where a.business_id = $1 and a.code = 'mpesa' and not (select is_platform from businesses where business_id = $1)
          and b.balance <> (
            select coalesce(sum(least(amount_cents, paid_cents)), 0) from payments
            where business_id = $1 and method = 'mpesa_stk' and payee = 'business' and status = 'succeeded')
          + (select coalesce(sum(u.amount_cents), 0) from unclaimed_money u
             left join payments p on p.business_id = u.business_id and p.id = u.payment_id
             where u.business_id = $1 and u.state <> 'matched' and coalesce(p.payee, 'business') = 'business'
               and (u.reason in ('overpaid', 'no_match') or (u.reason = 'amount_differs' and u.state = 'unclaimed')))
          + (select coalesce(sum(confirmed_cents), 0) from payments where business_id = $1 and method = 'mpesa_claim')
          - (select coalesce(sum(amount), 0) from postings where business_id = $1 and kind = 'payment.missing')
          - (select coalesce(sum(amount_cents), 0) from refunds
             where business_id = $1 and method = 'mpesa' and state = 'completed')
          - (select coalesce(sum(amount_cents), 0) from payouts
             where business_id = $1 and (purpose <> 'refund' or is_displaced) and state = 'succeeded')
          - (select coalesce(sum(amount), 0) from postings where business_id = $1 and kind = 'statement.fee')""",
        uow.tenant,
    )


@invariant(7)
async def to_confirm_account(uow: UnitOfWork) -> Rows:
    """The account of M-Pesa to confirm is what cashiers claimed and nothing has confirmed or written off, and what a query had credited too much."""
    return await uow.fetch(
        """-- operations.to_confirm_account
        select a.code from accounts a join ledger_balances b on b.business_id = a.business_id and b.account_id = a.id
        where a.business_id = $1 and a.code = 'mpesa_to_confirm' and b.balance <> (
            select coalesce(sum(amount_cents - coalesce(confirmed_cents, 0)), 0) from payments
            where business_id = $1 and method = 'mpesa_claim')
          + (select coalesce(sum(amount), 0) from postings where business_id = $1 and kind = 'payment.missing')
          - (select coalesce(sum(amount_cents), 0) from claim_write_offs where business_id = $1 and state = 'standing')""",
        uow.tenant,
    )


@invariant(7)
async def claim_takes_what_is_there(uow: UnitOfWork) -> Rows:
    """Money claimed out of the tray is the payment that was made of it, whole; a row ends once."""
    return await uow.fetch(
        """-- operations.claim_takes_what_is_there
        select coalesce(u.id, p.id) from (
          select id, claimed_as, amount_cents, purpose, purpose_id from unclaimed_money where business_id = $1 and claimed_as is not null) u
        full join (select id, amount_cents, purpose, purpose_id from payments
          where business_id = $1 and method = 'mpesa_c2b' and payee = 'business') p
        on p.id = u.claimed_as and p.amount_cents = u.amount_cents and p.purpose = u.purpose and p.purpose_id = u.purpose_id
        where u.id is null or p.id is null""",
        uow.tenant,
    )


@invariant(7)
async def payout_leaves_once(uow: UnitOfWork) -> Rows:
    """A payout that succeeded is booked once, unless its refund books it; money in the tray is returned by one that did, and held by one on its way. One that came too late does neither, and completes no refund."""
    return await uow.fetch(
        """-- operations.payout_leaves_once
        select o.id from payouts o
        left join postings q on q.business_id = o.business_id and q.cause = o.id and q.kind = 'payout.sent'
        where o.business_id = $1 and (q.amount is not null and q.amount <> o.amount_cents
          or (q.cause is not null) <> (o.state = 'succeeded' and (o.purpose <> 'refund' or o.is_displaced)))
        union all
        select o.id from payouts o join refunds f on f.business_id = o.business_id and f.id = o.purpose_id
        where o.business_id = $1 and o.purpose = 'refund' and o.is_displaced and f.state = 'completed'
        union all
        select u.id from unclaimed_money u
        left join payouts o on o.business_id = u.business_id and o.purpose = 'unclaimed' and o.purpose_id = u.id
          and o.state not in ('rejected', 'failed') and not o.is_displaced
        where u.business_id = $1 and case u.state when 'returned' then o.state is distinct from 'succeeded'
          when 'returning' then o.state is null or o.state = 'succeeded' else o.state is not null end""",
        uow.tenant,
    )


@invariant(7)
async def overpaid_account(uow: UnitOfWork) -> Rows:
    """The account of what is overpaid is the payouts that left for nothing."""
    return await uow.fetch(
        """-- operations.overpaid_account
        select a.code from accounts a join ledger_balances b on b.business_id = a.business_id and b.account_id = a.id
        where a.business_id = $1 and a.code = 'mpesa_overpaid' and b.balance <> (
          select coalesce(sum(amount_cents), 0) from payouts where business_id = $1 and is_displaced)""",
        uow.tenant,
    )


@invariant(7)
async def counted_accounts(uow: UnitOfWork) -> Rows:
    """The drawers hold the cash, and the card account the card slips, that were taken and not given back or refunded, what counting found more or less, and what was put in, taken out, spent, or repaid of a debt."""
    return await uow.fetch(
        """-- operations.counted_accounts
        select a.code from accounts a join ledger_balances b on b.business_id = a.business_id and b.account_id = a.id
        where a.business_id = $1 and a.code in ('cash', 'card') and b.balance <> (
          select coalesce(sum(amount_cents), 0) from payments
          where business_id = $1 and status = 'succeeded' and settlement = 'applied'
            and method = case a.code when 'cash' then 'cash' else 'card_recorded' end)
        - (select coalesce(sum(amount), 0) from postings where business_id = $1 and kind = 'refund.' || a.code)
        + (select coalesce(sum(case when v.to_account = a.id then v.amount else -v.amount end), 0) from postings v
           where v.business_id = $1 and v.kind = 'cash.variance' and a.id in (v.from_account, v.to_account))
        + case a.code when 'cash' then (
            select coalesce(sum(d.amount), 0) from (
              select amount_cents as amount from shift_movements where business_id = $1 and kind in ('drawer.in', 'drawer.out')
              union all
              select amount_cents from shift_variances where business_id = $1
              union all
              select -amount_cents from expenses where business_id = $1 and method = 'cash'
                and (state = 'paid' or (is_from_drawer and state <> 'cancelled'))) d) else 0 end
        + (select coalesce(-sum(amount_cents), 0) from credit_entries where business_id = $1 and kind = 'repayment'
             and method = case a.code when 'cash' then 'cash' else 'card_recorded' end)""",
        uow.tenant,
    )


@invariant(7)
async def payments_held(uow: UnitOfWork) -> Rows:
    """Money held is what was paid for sales that are not complete, and what a sale or a debt has not heard of yet."""
    return await uow.fetch(
        """-- operations.payments_held
        select a.code from accounts a join ledger_balances b on b.business_id = a.business_id and b.account_id = a.id
        where a.business_id = $1 and a.code = 'payments_held' and -b.balance <>
          (select coalesce(sum(least(p.amount_cents, p.paid_cents)), 0) from payments p
           left join sales s on s.business_id = p.business_id and s.id = p.purpose_id and p.purpose = 'sale'
           where p.business_id = $1 and p.payee = 'business' and p.status = 'succeeded' and (p.settlement is null
             or (p.settlement = 'applied' and p.purpose = 'sale' and s.completed_at is null)))""",
        uow.tenant,
    )


@invariant(7)
async def unclaimed_account(uow: UnitOfWork) -> Rows:
    """The unclaimed account is what lies in the tray."""
    return await uow.fetch(
        """-- operations.unclaimed_account
        select a.code from accounts a join ledger_balances b on b.business_id = a.business_id and b.account_id = a.id
        where a.business_id = $1 and a.code = 'mpesa_unclaimed' and -b.balance <>
          (select coalesce(sum(u.amount_cents), 0) from unclaimed_money u
           left join payments p on p.business_id = u.business_id and p.id = u.payment_id
           where u.business_id = $1 and u.state in ('unclaimed', 'returning') and coalesce(p.payee, 'business') = 'business')""",
        uow.tenant,
    )


MONEY: Final = (
    receipt_once,
    receipt_registered,
    confirmed_by_evidence,
    late_by_evidence,
    counted_is_settled,
    evidence_is_placed,
    mpesa_conserved,
    mpesa_account,
    to_confirm_account,
    claim_takes_what_is_there,
    payout_leaves_once,
    overpaid_account,
    counted_accounts,
    payments_held,
    unclaimed_account,
)
