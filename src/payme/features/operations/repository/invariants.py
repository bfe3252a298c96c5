"""What must hold, each line as one query that returns the rows that break it: an id, and what is wrong with it.

Reads every table of a business and writes none. `$1` is the business; row-level security shows nothing of another one.
"""

from dataclasses import dataclass
from typing import Final

from payme.runtime.database import UnitOfWork

_EXAMPLES: Final = 3


@dataclass(frozen=True, slots=True)
class Invariant:
    """A line of what must hold. `group` is its number in the list of invariants."""

    group: int
    name: str
    sql: str


@dataclass(frozen=True, slots=True)
class Finding:
    """How many rows break an invariant, with a few of their ids."""

    group: int
    name: str
    violations: int
    examples: tuple[str, ...]


async def find_violations(uow: UnitOfWork, invariant: Invariant) -> Finding:
    """Run one invariant over the business at hand."""
    rows = await uow.fetch(invariant.sql, uow.tenant)
    return Finding(invariant.group, invariant.name, len(rows), tuple(str(row[0]) for row in rows[:_EXAMPLES]))


BUSINESS: Final = (
    Invariant(
        1,
        "each posting moves a positive amount between two accounts of one unit",
        """-- operations.posting_is_sound
        select p.cause from postings p
        join accounts f on f.business_id = p.business_id and f.id = p.from_account
        join accounts t on t.business_id = p.business_id and t.id = p.to_account
        where p.business_id = $1 and (p.amount <= 0 or f.id = t.id or f.unit <> t.unit or p.unit <> f.unit)""",
    ),
    Invariant(
        1,
        "each account's balance is what came in less what went out",
        """-- operations.balance_is_sum
        select a.code from accounts a
        left join ledger_balances b on b.business_id = a.business_id and b.account_id = a.id
        left join lateral (
          select coalesce(sum(p.amount) filter (where p.to_account = a.id), 0)
               - coalesce(sum(p.amount) filter (where p.from_account = a.id), 0) as balance
          from postings p where p.business_id = a.business_id and a.id in (p.from_account, p.to_account)) s on true
        where a.business_id = $1 and b.balance is distinct from s.balance""",
    ),
    Invariant(
        1,
        "the balances of all accounts of a unit sum to zero",
        """-- operations.unit_sums_to_zero
        select a.unit from accounts a join ledger_balances b on b.business_id = a.business_id and b.account_id = a.id
        where a.business_id = $1 group by a.unit having sum(b.balance) <> 0""",
    ),
    Invariant(
        2,
        "reserved tokens are the open reservations",
        """-- operations.tokens_reserved
        select w.business_id from token_wallets w where w.business_id = $1 and w.reserved <>
          (select coalesce(sum(r.quantity), 0) from token_reservations r where r.business_id = $1 and r.state = 'held')""",
    ),
    Invariant(
        2,
        "the wallet stays above its bound",
        """-- operations.tokens_bound
        select business_id from token_wallets where business_id = $1 and balance - reserved < -overdraft_limit""",
    ),
    Invariant(
        2,
        "each completed sale was charged one token, and nothing else was",
        """-- operations.tokens_charged_once
        select coalesce(s.id, p.cause) from (
          select id from sales where business_id = $1 and completed_at is not null) s
        full join (
          select cause, sum(amount) as tokens from postings where business_id = $1 and kind = 'token.sale' and unit = 'TOKEN' group by cause) p
        on p.cause = s.id
        where s.id is null or p.cause is null or p.tokens <> 1""",
    ),
    Invariant(
        2,
        "each paid purchase of tokens was credited once, and nothing else was",
        """-- operations.tokens_bought_once
        select coalesce(t.id, p.cause) from (
          select id, credited_quantity from token_purchases where business_id = $1 and state = 'credited') t
        full join (select cause, amount from postings where business_id = $1 and kind = 'token.purchase') p on p.cause = t.id
        where t.id is null or coalesce(p.amount, 0) <> t.credited_quantity""",
    ),
    Invariant(
        3,
        "stock on hand is its batches less what is owed, and the sum of its movements",
        """-- operations.stock_quantity
        select l.product_id from stock_levels l
        left join (select product_id, sum(remaining_quantity) as q from stock_batches where business_id = $1 group by 1) b using (product_id)
        left join (select product_id, sum(remaining_quantity) as q from stock_owed where business_id = $1 group by 1) o using (product_id)
        left join (select product_id, sum(quantity) as q from stock_movements where business_id = $1 group by 1) m using (product_id)
        where l.business_id = $1
          and (l.on_hand <> coalesce(b.q, 0) - coalesce(o.q, 0) or l.on_hand <> coalesce(m.q, 0))""",
    ),
    Invariant(
        3,
        "the value of stock is its remaining cost, and the sum of its movements' cost",
        """-- operations.stock_value
        select l.product_id from stock_levels l
        left join (select product_id, sum(remaining_cost_cents) as c from stock_batches where business_id = $1 group by 1) b using (product_id)
        left join (select product_id, sum(remaining_cost_cents) as c from stock_owed where business_id = $1 group by 1) o using (product_id)
        left join (select product_id, sum(cost_cents) as c from stock_movements where business_id = $1 group by 1) m using (product_id)
        where l.business_id = $1
          and (l.value_cents <> coalesce(b.c, 0) - coalesce(o.c, 0) or l.value_cents <> coalesce(m.c, 0))""",
    ),
    Invariant(
        3,
        "the inventory account is the value of all stock",
        """-- operations.inventory_account
        select a.code from accounts a join ledger_balances b on b.business_id = a.business_id and b.account_id = a.id
        where a.business_id = $1 and a.code = 'inventory' and b.balance <>
          (select coalesce(sum(value_cents), 0) from stock_levels where business_id = $1)""",
    ),
    Invariant(
        3,
        "no batch is below zero or above what it received",
        """-- operations.batch_bounds
        select id from stock_batches where business_id = $1
          and (remaining_quantity not between 0 and received_quantity or remaining_cost_cents not between 0 and received_cost_cents)""",
    ),
    Invariant(
        3,
        "reserved stock is what sales awaiting payment have set aside",
        """-- operations.stock_reserved
        select l.product_id from stock_levels l
        left join (
          select r.product_id, sum(r.quantity) as q from stock_reservations r
          join sales s on s.business_id = r.business_id and s.id = r.cause and s.status = 'awaiting_payment'
          where r.business_id = $1 and r.state = 'held' group by 1) h using (product_id)
        where l.business_id = $1 and l.reserved <> coalesce(h.q, 0)""",
    ),
    Invariant(
        4,
        "a sale's total is its lines plus rounding, its VAT the sum of theirs",
        """-- operations.sale_total
        select s.id from sales s
        join (select sale_id, sum(total_cents) as total, sum(vat_cents) as vat, sum(cost_cents) as cost
              from sale_lines where business_id = $1 group by 1) l on l.sale_id = s.id
        where s.business_id = $1 and (s.total_cents <> l.total + s.rounding_cents or s.vat_cents <> l.vat
          or (s.completed_at is not null and s.cost_cents is distinct from l.cost))""",
    ),
    Invariant(
        4,
        "a completed sale is paid in full by payments applied to it",
        """-- operations.sale_paid
        select s.id from sales s
        left join (
          select purpose_id, sum(least(amount_cents, coalesce(paid_cents, amount_cents)) - excess_cents) as paid
          from payments where business_id = $1 and purpose = 'sale' and status = 'succeeded' and settlement = 'applied' group by 1) p
        on p.purpose_id = s.id
        where s.business_id = $1 and s.completed_at is not null and (coalesce(p.paid, 0) <> s.total_cents or s.paid_cents <> s.total_cents)""",
    ),
    Invariant(
        4,
        "each completed sale is booked: revenue, VAT and cost",
        """-- operations.sale_booked
        select s.id from sales s
        left join lateral (
          select sum(amount) filter (where kind = 'sale.vat') as vat, sum(amount) filter (where kind = 'sale.cost') as cost
          from postings where business_id = $1 and cause = s.id) p on true
        left join lateral (
          select sum(q.amount) as paid from payments y
          join postings q on q.business_id = y.business_id and q.cause = y.id and q.kind = 'sale.payment'
          where y.business_id = $1 and y.purpose = 'sale' and y.purpose_id = s.id) m on true
        where s.business_id = $1 and s.completed_at is not null
          and (coalesce(p.vat, 0) <> s.vat_cents or coalesce(p.cost, 0) <> s.cost_cents or coalesce(m.paid, 0) <> s.total_cents)""",
    ),
    Invariant(
        5,
        "no receipt of M-Pesa stands on two payments",
        """-- operations.receipt_once
        select mpesa_receipt_number from payments where business_id = $1 and mpesa_receipt_number is not null
        group by 1 having count(*) > 1""",
    ),
    Invariant(
        5,
        "each receipt on a payment is registered to it",
        """-- operations.receipt_registered
        select p.id from payments p
        left join mpesa_receipts r on r.mpesa_receipt_number = p.mpesa_receipt_number and r.business_id = p.business_id and r.applied_id = p.id
        where p.business_id = $1 and p.mpesa_receipt_number is not null and r.applied_id is null""",
    ),
    Invariant(
        6,
        "no M-Pesa payment is confirmed without evidence",
        """-- operations.confirmed_by_evidence
        select p.id from payments p where p.business_id = $1 and p.assurance = 'confirmed' and not exists (
          select from payment_evidence e where e.business_id = p.business_id and e.payment_id = p.id and e.outcome = 'paid'
            and e.effect in ('succeeded', 'late_success'))""",
    ),
    Invariant(
        7,
        "M-Pesa money that arrived is applied or unclaimed",
        """-- operations.mpesa_conserved
        select p.id from payments p
        left join (
          select payment_id, sum(amount_cents) filter (where reason = 'amount_differs' and state = 'unclaimed') as disputed,
            sum(amount_cents) filter (where reason = 'overpaid') as excess,
            sum(amount_cents) filter (where reason = 'sale_not_open') as refused
          from unclaimed_money where business_id = $1 group by 1) u on u.payment_id = p.id
        where p.business_id = $1 and p.method = 'mpesa_stk' and (
          (p.status = 'succeeded' and p.paid_cents is null)
          or (p.status = 'succeeded' and p.paid_cents > p.amount_cents and coalesce(u.excess, 0) <> p.paid_cents - p.amount_cents)
          or (p.status = 'succeeded' and coalesce(u.disputed, 0) <> 0)
          or (p.settlement = 'applied' and coalesce(u.refused, 0) <> p.excess_cents)
          or (p.settlement = 'unclaimed' and coalesce(u.refused, 0) <> least(p.amount_cents, p.paid_cents)))""",
    ),
    Invariant(
        7,
        "the M-Pesa account is every shilling that arrived for the business",
        """-- operations.mpesa_account
        select a.code from accounts a join ledger_balances b on b.business_id = a.business_id and b.account_id = a.id
        where a.business_id = $1 and a.code = 'mpesa' and not (select is_platform from businesses where business_id = $1) and b.balance <>
          (select coalesce(sum(least(amount_cents, paid_cents)), 0) from payments
           where business_id = $1 and method = 'mpesa_stk' and payee = 'business' and status = 'succeeded')
          + (select coalesce(sum(u.amount_cents), 0) from unclaimed_money u
             left join payments p on p.business_id = u.business_id and p.id = u.payment_id
             where u.business_id = $1 and coalesce(p.payee, 'business') = 'business'
               and (u.reason in ('overpaid', 'no_match') or (u.reason = 'amount_differs' and u.state = 'unclaimed')))""",
    ),
    Invariant(
        7,
        "money held is what was paid for sales that are not complete",
        """-- operations.payments_held
        select a.code from accounts a join ledger_balances b on b.business_id = a.business_id and b.account_id = a.id
        where a.business_id = $1 and a.code = 'payments_held' and -b.balance <>
          (select coalesce(sum(least(p.amount_cents, p.paid_cents)), 0) from payments p
           join sales s on s.business_id = p.business_id and s.id = p.purpose_id
           where p.business_id = $1 and p.purpose = 'sale' and p.status = 'succeeded' and coalesce(p.settlement, 'applied') = 'applied'
             and (s.completed_at is null or p.settlement is null))""",
    ),
    Invariant(
        7,
        "the unclaimed account is what lies in the tray",
        """-- operations.unclaimed_account
        select a.code from accounts a join ledger_balances b on b.business_id = a.business_id and b.account_id = a.id
        where a.business_id = $1 and a.code = 'mpesa_unclaimed' and -b.balance <>
          (select coalesce(sum(u.amount_cents), 0) from unclaimed_money u
           left join payments p on p.business_id = u.business_id and p.id = u.payment_id
           where u.business_id = $1 and u.state = 'unclaimed' and coalesce(p.payee, 'business') = 'business')""",
    ),
    Invariant(
        8,
        "what a sale or a payment refers to is of the same business",
        """-- operations.same_business
        select p.id from payments p where p.business_id = $1 and (
          (p.purpose = 'sale' and not exists (select from sales s where s.business_id = $1 and s.id = p.purpose_id))
          or (p.purpose = 'token_purchase' and not exists (select from token_purchases t where t.business_id = $1 and t.id = p.purpose_id)))""",
    ),
    Invariant(
        10,
        "each completed sale and each confirmed payment has its line in the audit log",
        """-- operations.audited
        select s.id from sales s where s.business_id = $1 and s.completed_at is not null and not exists (
          select from audit_log a where a.business_id = $1 and a.subject_id = s.id and a.action = 'sale.completed')
        union all
        select p.id from payments p where p.business_id = $1 and p.assurance = 'confirmed' and not exists (
          select from audit_log a where a.business_id = $1 and a.subject_id = p.id and a.action in ('payment.succeeded', 'payment.late_success'))""",
    ),
)
