-- Credit accounts: what a customer may owe, every reason why they do, and what they do owe.

create table credit_accounts (
  business_id uuid not null references businesses,
  id uuid not null,
  customer_id uuid not null,
  limit_cents bigint not null check (limit_cents >= 0),
  terms_days integer not null check (terms_days between 0 and 365),
  state text not null default 'open' check (state in ('open', 'closed')),
  balance_cents bigint not null default 0,
  created_by uuid not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  rev bigint not null default 1,
  constraint credit_accounts_pkey primary key (business_id, id),
  constraint credit_accounts_customer_key unique (business_id, customer_id),
  foreign key (business_id, customer_id) references customers,
  check (state <> 'closed' or balance_cents = 0)
) with (fillfactor = 80);
comment on column credit_accounts.balance_cents is 'What is owed; below zero where more was paid or given back than was owed.';
create index credit_accounts_by_time on credit_accounts (business_id, created_at, id);
select tenant_table('credit_accounts', 'select, insert, update');

create table credit_entries (
  business_id uuid not null,
  cause uuid not null,
  kind text not null check (kind in ('charge', 'returned', 'refund', 'repayment')),
  account_id uuid not null,
  amount_cents bigint not null check (amount_cents <> 0),
  sale_id uuid,
  due_on date,
  method text not null default '',
  note text not null default '',
  is_over_limit boolean not null default false,
  recorded_by uuid not null,
  recorded_at timestamptz not null,
  constraint credit_entries_pkey primary key (business_id, cause, kind),
  foreign key (business_id, account_id) references credit_accounts,
  check ((kind = 'charge') = (amount_cents > 0)),
  check ((kind = 'charge') = (due_on is not null)),
  check ((kind = 'repayment') = (sale_id is null)),
  check ((kind = 'repayment') = (method <> ''))
);
comment on table credit_entries is 'Why the debt is what it is; above zero where it grew.';
create index credit_entries_by_account on credit_entries (business_id, account_id, recorded_at, cause);
create index credit_entries_by_sale on credit_entries (business_id, sale_id);
select tenant_table('credit_entries', 'select, insert');

create function credit_move(p_business uuid, p_at timestamptz, p_by uuid, p_moves json) returns void
language plpgsql as $$
declare
  v_odd json;
begin
  -- Accounts are locked in the order of their ids, each seen fresh after the wait.
  perform 1 from credit_accounts a
  where a.business_id = p_business and a.id in (select t.account from json_to_recordset(p_moves) t (account uuid))
  order by a.id for update;
  select json_build_object('code', case
      when m.charged > 0 and a.state = 'closed' then 'credit.account_closed'
      when m.charged > 0 then 'credit.limit_exceeded' else 'credit.more_than_owed' end,
    'limit_cents', a.limit_cents, 'balance_cents', a.balance_cents, 'wanted_cents', m.charged + m.repaid) into v_odd
  from (
    select t.account, coalesce(sum(t.amount) filter (where t.kind = 'charge'), 0)::bigint as charged,
      coalesce(-sum(t.amount) filter (where t.kind = 'repayment'), 0)::bigint as repaid
    from json_to_recordset(p_moves) t (account uuid, kind text, amount bigint, fact boolean) where not t.fact group by 1) m
  join credit_accounts a on a.business_id = p_business and a.id = m.account
  where (m.charged > 0 and (a.state = 'closed' or a.balance_cents + m.charged > a.limit_cents))
    or (m.repaid > 0 and m.repaid > a.balance_cents)
  order by a.id limit 1;
  if v_odd is not null then
    raise exception using errcode = 'PM001', message = v_odd ->> 'code', detail = v_odd::text;
  end if;
  insert into credit_entries (business_id, cause, kind, account_id, amount_cents, sale_id, due_on, method, note, is_over_limit,
    recorded_by, recorded_at)
  select p_business, t.cause, t.kind, t.account, t.amount, t.sale, t.due, t.method, t.note,
    t.kind = 'charge' and a.balance_cents + t.amount > a.limit_cents, p_by, p_at
  from json_to_recordset(p_moves) t (account uuid, cause uuid, kind text, amount bigint, sale uuid, due date, method text, note text)
  join credit_accounts a on a.business_id = p_business and a.id = t.account;
  update credit_accounts a set balance_cents = a.balance_cents + m.amount, state = 'open', updated_at = p_at, rev = a.rev + 1
  from (select t.account, sum(t.amount)::bigint as amount from json_to_recordset(p_moves) t (account uuid, amount bigint) group by 1) m
  where a.business_id = p_business and a.id = m.account;
end $$;
comment on function credit_move is 'Moves debts under the locks of their accounts; a request is held to the limit and to what is owed, a fact to neither.';

alter table refunds add column debt_cents bigint not null default 0 check (debt_cents >= 0);
comment on column refunds.debt_cents is 'What of the amount lowered the debt of a sale on credit, and was not given back in money.';

-- Businesses that exist get the account that new ones begin with, each bound in turn.
do $$
declare
  v_business uuid;
begin
  perform set_config('payme.directory', 'on', true);
  foreach v_business in array array(select business_id from businesses order by business_id) loop
    perform set_config('payme.business_id', v_business::text, true);
    with account as (
      insert into accounts (business_id, id, code, name, kind, unit)
      values (v_business, gen_random_uuid(), 'receivables', 'Owed by customers', 'asset', 'KES')
      on conflict on constraint accounts_code_key do nothing returning id)
    insert into account_balances (business_id, account_id) select v_business, id from account;
  end loop;
  perform set_config('payme.directory', '', true);
  perform set_config('payme.business_id', '', true);
end $$;
