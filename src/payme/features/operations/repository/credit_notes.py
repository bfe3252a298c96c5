"""4 and 7. Credit notes: never more is spent than was issued, and what is left of them is what the books owe."""

from typing import Final

from payme.features.operations.repository.invariant import Rows, invariant
from payme.runtime.database import UnitOfWork


@invariant(4)
async def credit_note_adds_up(uow: UnitOfWork) -> Rows:
    """A credit note is what its refund gave back; its balance is that less what was spent and has not come back, and never below zero."""
    return await uow.fetch(
        """-- operations.credit_note_adds_up
        select coalesce(n.id, f.id) from (select * from credit_notes where business_id = $1) n
        full join (
          select id, amount_cents - debt_cents as amount_cents from refunds
          where business_id = $1 and method = 'credit_note' and state = 'completed' and amount_cents > debt_cents) f
        on f.id = n.refund_id
        left join (
          select credit_note_id, coalesce(sum(amount_cents) filter (where kind = 'spent'), 0) as spent,
            coalesce(sum(amount_cents) filter (where kind = 'returned'), 0) as returned
          from credit_note_movements where business_id = $1 group by 1) m on m.credit_note_id = n.id
        where n.amount_cents is distinct from f.amount_cents
          or n.balance_cents is distinct from n.amount_cents - coalesce(m.spent, 0) + coalesce(m.returned, 0)
          or n.balance_cents < 0 or n.balance_cents > n.amount_cents""",
        uow.tenant,
    )


@invariant(4)
async def credit_note_pays_once(uow: UnitOfWork) -> Rows:
    """Each payment by credit note took its amount off one note, and gave it back where its sale came to nothing or was voided."""
    return await uow.fetch(
        """-- operations.credit_note_pays_once
        select coalesce(p.id, m.payment_id) from (
          select p.id, p.amount_cents, case when p.settlement = 'returned' or s.status = 'voided' then p.amount_cents else 0 end as back
          from payments p left join sales s on s.business_id = p.business_id and s.id = p.purpose_id
          where p.business_id = $1 and p.method = 'credit_note') p
        full join (
          select payment_id, coalesce(sum(amount_cents) filter (where kind = 'spent'), 0) as spent,
            coalesce(sum(amount_cents) filter (where kind = 'returned'), 0) as returned, count(distinct credit_note_id) as notes
          from credit_note_movements where business_id = $1 group by 1) m on m.payment_id = p.id
        where m.spent is distinct from p.amount_cents or m.returned is distinct from p.back or m.notes <> 1""",
        uow.tenant,
    )


@invariant(7)
async def credit_notes_account(uow: UnitOfWork) -> Rows:
    """The account of credit notes is what is left on them."""
    return await uow.fetch(
        """-- operations.credit_notes_account
        select a.code from accounts a join ledger_balances b on b.business_id = a.business_id and b.account_id = a.id
        where a.business_id = $1 and a.code = 'credit_notes' and -b.balance <>
          (select coalesce(sum(balance_cents), 0) from credit_notes where business_id = $1)""",
        uow.tenant,
    )


CREDIT_NOTES: Final = (credit_note_adds_up, credit_note_pays_once, credit_notes_account)
