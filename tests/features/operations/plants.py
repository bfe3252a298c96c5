"""One violation for each invariant, as SQL that nobody but the owner of a database without constraints could run.

`$$` stands for the business. A plant breaks its own line and no other, save those named in `also`, which follow from it.
"""

from dataclasses import dataclass

POST = """
    insert into postings (business_id, transaction_id, kind, from_account, to_account, amount, unit, cause, occurred_at)
    select f.business_id, gen_random_uuid(), '{kind}', f.id, t.id, {amount}, f.unit, '{cause}', now()
    from accounts f, accounts t
    where f.business_id = $$ and t.business_id = $$ and f.code = '{source}' and t.code = '{target}';"""
MOVE = """
    update account_balances b set balance = b.balance - {amount} from accounts a
    where a.business_id = $$ and b.business_id = $$ and a.id = b.account_id and a.code = '{source}';
    update account_balances b set balance = b.balance + {amount} from accounts a
    where a.business_id = $$ and b.business_id = $$ and a.id = b.account_id and a.code = '{target}';"""
NOBODY = "00000000-0000-7000-8000-000000000001"


def post(source: str, target: str, kind: str, *, amount: int = 5, cause: str = NOBODY) -> str:
    """Return a posting without its effect on the balances."""
    return POST.format(source=source, target=target, kind=kind, amount=amount, cause=cause)


def move(source: str, target: str, *, amount: int = 5) -> str:
    """Return the effect of a posting on the balances."""
    return MOVE.format(source=source, target=target, amount=amount)


def booked(source: str, target: str) -> str:
    """Return a posting that the books agree with, and nothing else does."""
    return post(source, target, "test.booked") + move(source, target)


@dataclass(frozen=True)
class Plant:
    """What to run, and the invariant that must notice."""

    code: str
    sql: str
    also: tuple[str, ...] = ()


PLANTS = (
    Plant("posting_is_sound", post("cash", "cash", "test.round")),
    Plant("posted_once", post("owner_equity", "cash", "test.twice") + post("cash", "owner_equity", "test.twice")),
    Plant(
        "reversal_mirrors", post("owner_equity", "cash", "test.reversed") + post("cash", "owner_equity", "test.undone")
    ),
    Plant("balance_is_sum", move("owner_equity", "goods_received")),
    Plant(
        "unit_sums_to_zero",
        """update account_balances b set balance = balance + 1 from accounts a
           where b.business_id = $$ and a.business_id = $$ and a.id = b.account_id and a.code = 'owner_equity'""",
        also=("balance_is_sum",),
    ),
    Plant("tokens_reserved", "update token_wallets set reserved = reserved + 1 where business_id = $$"),
    Plant("tokens_bound", "update token_wallets set overdraft_limit = -1000 where business_id = $$"),
    Plant(
        "reservation_ends_once",
        f"""insert into token_reservations (business_id, cause, operation, state, created_at, ended_at)
            values ($$, '{NOBODY}', 'sms', 'charged', now(), now())""",
    ),
    Plant(
        "tokens_charged_once", post("tokens", "tokens_used", "token.sale") + post("tokens_used", "tokens", "token.t")
    ),
    Plant(
        "purchase_credited_once",
        "update token_purchases set credited_quantity = credited_quantity - 1 where business_id = $$ and state = 'credited'",
    ),
    Plant(
        "purchase_is_paid",
        """insert into token_purchases (business_id, id, quantity, price_cents, payment_id, state, created_by, created_at)
           select business_id, gen_random_uuid(), quantity, price_cents, payment_id, 'failed', created_by, created_at
           from token_purchases where business_id = $$""",
    ),
    Plant(
        "stock_quantity",
        """update stock_levels set on_hand = on_hand + 1 where business_id = $$ and product_id =
           (select product_id from stock_levels where business_id = $$ limit 1)""",
    ),
    Plant(
        "stock_value",
        """update stock_levels l set value_cents = value_cents + case place when 1 then 1 else -1 end
           from (select product_id, row_number() over () as place from stock_levels where business_id = $$ limit 2) t
           where l.business_id = $$ and l.product_id = t.product_id""",
    ),
    Plant(
        "batch_is_its_movements",
        """update stock_batches b set remaining_quantity = remaining_quantity + case place when 1 then 1 else -1 end
           from (select id, row_number() over (order by received_at) as place from stock_batches where business_id = $$
                 and product_id = (select id from products where business_id = $$ and name = 'Chai') limit 2) t
           where b.business_id = $$ and b.id = t.id""",
    ),
    Plant("owed_is_its_movement", "update stock_owed set quantity = quantity + 1 where business_id = $$"),
    Plant("inventory_account", booked("owner_equity", "inventory")),
    Plant(
        "batch_bounds",
        "update stock_batches set received_cost_cents = remaining_cost_cents - 1 where business_id = $$ and is_open",
    ),
    Plant(
        "stock_reserved",
        """update stock_levels set reserved = reserved + 1 where business_id = $$ and product_id =
           (select id from products where business_id = $$ and name = 'Chai')""",
    ),
    Plant("sale_total", "update sales set discount_cents = discount_cents + 1 where business_id = $$"),
    Plant("line_total", "update sale_lines set unit_price_cents = unit_price_cents + 1 where business_id = $$"),
    Plant("sale_paid", "update sales set paid_cents = 1 where business_id = $$ and status = 'awaiting_payment'"),
    Plant(
        "applied_to_a_sale_that_takes_it",
        """update payments set settlement = 'applied' where business_id = $$ and settlement = 'returned' and method = 'cash';
           update sales s set paid_cents = p.amount_cents from payments p
           where s.business_id = $$ and p.business_id = $$ and p.purpose_id = s.id and p.settlement = 'applied'
             and s.status = 'cancelled';"""
        + post("payments_held", "cash", "test.held", amount=10_000)
        + move("payments_held", "cash", amount=10_000),
    ),
    Plant("sale_booked", "update postings set kind = 'sale.tax' where business_id = $$ and kind = 'sale.vat'"),
    Plant(
        "sale_took_its_goods",
        f"update stock_movements set cause = '{NOBODY}' where business_id = $$ and kind = 'sale' and owed_id is null",
    ),
    Plant(
        "waiting_sale_holds_its_token",
        "update token_reservations set operation = 'sms' where business_id = $$ and state = 'held'",
    ),
    Plant(
        "waiting_sale_holds_its_goods",
        """update stock_reservations r set cause = t.other
           from (select id, lead(cause, 1, first_cause) over (order by id) as other
                 from (select id, cause, first_value(cause) over (order by id) as first_cause from stock_reservations
                       where business_id = $$ and state = 'held') h) t
           where r.business_id = $$ and r.id = t.id""",
    ),
    Plant("receipt_numbers_run", "update till_counters set last_receipt = last_receipt + 1 where business_id = $$"),
    Plant(
        "refunds_within_paid",
        """update refunds set amount_cents = amount_cents + 1000000, rounding_cents = rounding_cents + 1000000
           where business_id = $$ and state = 'pending'""",
    ),
    Plant(
        "refunds_within_sold",
        """update refund_lines r set quantity = 5 from refunds f
           where r.business_id = $$ and f.business_id = $$ and f.id = r.refund_id and f.state = 'pending'""",
    ),
    Plant(
        "refund_total",
        "update refunds set vat_cents = vat_cents + 1 where business_id = $$ and state = 'awaiting_approval'",
    ),
    Plant(
        "refund_shows_on_its_sale",
        """update sales s set status = 'partly_refunded' where business_id = $$ and status = 'refunded' and exists (
             select from audit_log a where a.business_id = $$ and a.subject_id = s.id and a.action = 'sale.partly_refunded')""",
    ),
    Plant("refund_booked", "update postings set kind = 'test.vat' where business_id = $$ and kind = 'refund.vat'"),
    Plant(
        "refund_returned_its_goods",
        f"update stock_movements set cause = '{NOBODY}' where business_id = $$ and kind = 'return_in' and reason = 'Mistake'",
    ),
    Plant(
        "credit_note_adds_up",
        """update credit_notes n set balance_cents = balance_cents + case place when 1 then 1 else -1 end
           from (select id, row_number() over () as place from credit_notes where business_id = $$ limit 2) t
           where n.business_id = $$ and n.id = t.id""",
    ),
    Plant(
        "credit_note_pays_once",
        f"""update credit_note_movements set payment_id = '{NOBODY}'
            where business_id = $$ and kind = 'returned' and payment_id in (
              select id from payments where business_id = $$ and settlement = 'returned')""",
    ),
    Plant("credit_notes_account", booked("owner_equity", "credit_notes")),
    Plant(
        "receipt_once",
        """with two as (
             select min(mpesa_receipt_number) as kept, max(mpesa_receipt_number) as lost from payments
             where business_id = $$ and settlement = 'applied' and mpesa_receipt_number is not null),
           a as (update payments set mpesa_receipt_number = kept from two
                 where business_id = $$ and mpesa_receipt_number = lost),
           b as (update mpesa_receipts set mpesa_receipt_number = kept from two where mpesa_receipt_number = lost)
           update payment_evidence set mpesa_receipt_number = kept from two
           where business_id = $$ and mpesa_receipt_number = lost""",
    ),
    Plant(
        "receipt_registered",
        "delete from mpesa_receipts where mpesa_receipt_number = (select min(mpesa_receipt_number) from mpesa_receipts)",
    ),
    Plant(
        "confirmed_by_evidence",
        "update payment_evidence set amount_cents = amount_cents + 1 where business_id = $$ and effect = 'late_success'",
    ),
    Plant("late_by_evidence", "update payments set late = not late where business_id = $$ and method = 'mpesa_stk'"),
    Plant(
        "counted_is_settled", "update payments set assurance = 'declared' where business_id = $$ and method = 'cash'"
    ),
    Plant(
        "evidence_is_placed",
        """insert into payment_evidence (business_id, id, payment_id, source, outcome, amount_cents, mpesa_receipt_number,
             effect, received_at)
           select business_id, gen_random_uuid(), payment_id, source, outcome, amount_cents, 'UKM9999999', 'receipt_added', now()
           from payment_evidence where business_id = $$ and effect = 'succeeded' limit 1""",
    ),
    Plant(
        "mpesa_conserved",
        "update unclaimed_money set reason = 'no_match' where business_id = $$ and reason = 'overpaid'",
    ),
    Plant("mpesa_account", booked("owner_equity", "mpesa")),
    Plant("to_confirm_account", booked("owner_equity", "mpesa_to_confirm")),
    Plant(
        "claim_takes_what_is_there",
        f"""insert into unclaimed_money (business_id, id, source, reason, amount_cents, shortcode, state, received_at, ended_at, claimed_as)
            values ($$, '{NOBODY}', 'c2b', 'sale_not_open', 5, '174379', 'claimed', now(), now(), '{NOBODY}')""",
    ),
    Plant(
        "payout_leaves_once",
        f"""insert into payouts (business_id, id, kind, purpose, purpose_id, state, amount_cents, reason, shortcode, phone_encrypted,
              originator_conversation_id, requested_by, created_at, ended_at)
            values ($$, '{NOBODY}', 'b2c', 'other', '{NOBODY}', 'succeeded', 500, 'planted', '174379', 'x', 'planted', '{NOBODY}',
              now(), now())""",
        also=("mpesa_account",),
    ),
    Plant(
        "payout_leaves_once",
        f"""insert into payouts (business_id, id, kind, purpose, purpose_id, state, amount_cents, reason, shortcode, phone_encrypted,
              originator_conversation_id, requested_by, created_at, ended_at, is_displaced)
            values ($$, '{NOBODY}', 'b2c', 'refund', '{NOBODY}', 'succeeded', 500, 'planted', '174379', 'x', 'planted', '{NOBODY}',
              now(), now(), true)""",
        also=("mpesa_account", "overpaid_account"),
    ),
    Plant("overpaid_account", booked("owner_equity", "mpesa_overpaid")),
    Plant("counted_accounts", booked("owner_equity", "cash")),
    Plant(
        "variance_is_its_difference",
        post("cash_over_short", "cash", "cash.variance") + move("cash_over_short", "cash"),
    ),
    Plant(
        "write_off_is_booked",
        f"""insert into claim_write_offs (business_id, id, payment_id, amount_cents, state, claimed_by, written_off_by,
              written_off_at, undone_at)
            values ($$, '{NOBODY}', '{NOBODY}', 5, 'undone', gen_random_uuid(), '{NOBODY}', now(), now())""",
    ),
    Plant("fee_is_its_row", post("mpesa", "mpesa_fees", "statement.fee") + move("mpesa", "mpesa_fees")),
    Plant(
        "closed_by_another",
        f"""insert into differences (business_id, id, reconciliation_id, kind, account, subject_id, amount_cents, state, made_by,
              found_at, reason, closed_by, ended_at)
            values ($$, '{NOBODY}', '{NOBODY}', 'unclaimed', 'mpesa_unclaimed', '{NOBODY}', 5, 'closed', '{NOBODY}', now(), 'other',
              '{NOBODY}', now())""",
    ),
    Plant("payments_held", booked("owner_equity", "payments_held")),
    Plant("unclaimed_account", booked("owner_equity", "mpesa_unclaimed")),
    Plant(
        "refers_to_its_own",
        f"""insert into token_reservations (business_id, cause, operation, state, created_at, ended_at)
            values ($$, '{NOBODY}', 'sale', 'released', now(), now())""",
    ),
    Plant(
        "expense_booked",
        post("cash", "operating_expenses", "expense.twice") + post("operating_expenses", "cash", "test.undone"),
    ),
    Plant("expenses_payable_account", booked("owner_equity", "expenses_payable")),
    Plant(
        "expense_charged_once",
        post("tokens", "tokens_used", "token.expense") + post("tokens_used", "tokens", "token.t"),
    ),
    Plant(
        "debt_is_its_entries",
        "update credit_accounts set balance_cents = balance_cents + 1 where business_id = $$",
        also=("receivables_account",),
    ),
    Plant("receivables_account", booked("owner_equity", "receivables")),
    Plant(
        "debt_has_its_reason",
        "update credit_entries set cause = gen_random_uuid() where business_id = $$ and kind = 'refund'",
    ),
    Plant(
        "excess_bought_tokens",
        post("owner_equity", "platform_fees", "token.excess_paid")
        + post("platform_fees", "owner_equity", "test.undone"),
    ),
    Plant(
        "mpesa_repays_once",
        """update payments set excess_cents = 100 where business_id = $$ and purpose = 'credit_account' and settlement = 'applied'""",
        also=("mpesa_conserved",),
    ),
    Plant(
        "repayment_charged_once",
        post("tokens", "tokens_used", "token.credit_repayment") + post("tokens_used", "tokens", "token.t"),
    ),
    Plant(
        "drawer_is_booked",
        "update shift_movements set kind = 'sale.gone' where business_id = $$ and kind = 'sale.payment'",
    ),
    Plant("shift_adds_up", "update shifts set late_movements = late_movements + 1 where business_id = $$"),
    Plant("shift_variance_booked", "update shift_variances set id = gen_random_uuid() where business_id = $$"),
    Plant(
        "change_is_audited",
        """delete from audit_log l where business_id = $$ and action = 'payment.failed' and not exists (
             select from audit_chain c where c.business_id = $$ and c.audit_id = l.id)""",
    ),
    Plant(
        "approved_by_another",
        "update approvals set decided_by = requested_by where business_id = $$ and state = 'rejected'",
    ),
    Plant(
        "audit_chain",
        """update audit_log set facts = facts || '{"total_cents": 1}' where business_id = $$ and id =
           (select audit_id from audit_chain where business_id = $$ and position = 3)""",
    ),
    Plant(
        "change_is_counted",
        "update sync_changes set seq = seq + 1000000 where business_id = $$ and collection = 'sales'",
    ),
    Plant(
        "document_is_in_the_changes",
        "update sync_changes set deleted = true where business_id = $$ and collection = 'products'",
    ),
)

ACROSS = (
    Plant("receipt_applied_once", "insert into mpesa_receipts select * from mpesa_receipts limit 1"),
    Plant(
        "callback_kept_its_way",
        f"""insert into callback_inbox (id, business_id, kind, subject_id, headers, body, remote_address, received_at)
            values (gen_random_uuid(), $$, 'stk', '{NOBODY}', '{{}}', '', '127.0.0.1', now())""",
    ),
    Plant(
        "platform_sold_what_was_credited",
        (post("token_sales", "mpesa", "test.sold") + post("mpesa", "token_sales", "test.undone")).replace(
            "$$", "'00000000-0000-7000-8000-00000000a71e'"
        ),
    ),
)
UNFETTER = """
do $unfetter$
declare
  each record;
begin
  for each in
    select conrelid::regclass as of_table, conname from pg_constraint
    where connamespace = 'public'::regnamespace and contype in ('c', 'f', 'u', 'p') order by contype = 'f' desc
  loop
    execute format('alter table %s drop constraint %I', each.of_table, each.conname);
  end loop;
  for each in select indexrelid::regclass as name from pg_index i join pg_class c on c.oid = i.indrelid
    where c.relnamespace = 'public'::regnamespace and indisunique
  loop
    execute format('drop index %s', each.name);
  end loop;
  for each in select oid::regclass as name from pg_class where relnamespace = 'public'::regnamespace and relrowsecurity
  loop
    execute format('alter table %s no force row level security', each.name);
  end loop;
end $unfetter$"""
