-- Accounts, postings and balances. A posting moves a positive amount of one unit from one account to another: it balances by construction.

create table accounts (
  business_id uuid not null references businesses,
  id uuid not null,
  code text not null check (code ~ '^[a-z_]+$'),
  name text not null,
  kind text not null check (kind in ('asset', 'liability', 'equity', 'income', 'expense', 'token')),
  unit text not null check (unit in ('KES', 'TOKEN')),
  primary key (business_id, id),
  constraint accounts_code_key unique (business_id, code)
);
select tenant_table('accounts', 'select, insert');

create table account_balances (
  business_id uuid not null,
  account_id uuid not null,
  balance bigint not null default 0,
  primary key (business_id, account_id),
  foreign key (business_id, account_id) references accounts
) with (fillfactor = 30);
select tenant_table('account_balances', 'select, insert, update');

create table postings (
  business_id uuid not null,
  transaction_id uuid not null,
  kind text not null,
  from_account uuid not null,
  to_account uuid not null,
  amount bigint not null check (amount > 0),
  unit text not null check (unit in ('KES', 'TOKEN')),
  cause uuid not null,
  occurred_at timestamptz not null,
  recorded_at timestamptz not null default now(),
  constraint postings_pkey primary key (business_id, cause, kind),
  check (from_account <> to_account),
  foreign key (business_id, from_account) references accounts,
  foreign key (business_id, to_account) references accounts
);
create index postings_by_time on postings (business_id, recorded_at);
select tenant_table('postings', 'select, insert');

create function ledger_post(p_business uuid, p_transaction uuid, p_postings json) returns void
language plpgsql as $$
declare
  v_posted bigint;
  v_accounts uuid[];
  v_deltas bigint[];
begin
  with posted as (
    insert into postings (business_id, transaction_id, kind, from_account, to_account, amount, unit, cause, occurred_at)
    select p_business, p_transaction, t.kind, f.id, g.id, t.amount, f.unit, t.cause, t.occurred_at
    from json_to_recordset(p_postings) t (kind text, source text, target text, amount bigint, cause uuid, occurred_at timestamptz)
    join accounts f on f.business_id = p_business and f.code = t.source
    join accounts g on g.business_id = p_business and g.code = t.target and g.unit = f.unit
    returning from_account, to_account, amount
  ), moved as (
    select m.account_id, sum(m.amount)::bigint as delta
    from (select to_account as account_id, amount from posted union all select from_account, -amount from posted) m
    group by m.account_id
  )
  select (select count(*) from posted), array_agg(d.account_id), array_agg(d.delta)
  into v_posted, v_accounts, v_deltas
  from moved d where d.delta <> 0;
  if v_posted <> json_array_length(p_postings) then
    raise exception using errcode = 'PM001', message = 'ledger.account_missing',
      detail = json_build_object('accounts', (select json_agg(t.source || ' → ' || t.target)
        from json_to_recordset(p_postings) t (source text, target text)))::text;
  end if;
  -- Balances are locked in the order of their ids, each seen fresh after the wait. The wallet keeps the balance of its own account.
  perform 1 from account_balances b
  where b.business_id = p_business and b.account_id = any (v_accounts)
  order by b.account_id for update;
  update account_balances b set balance = b.balance + d.delta
  from unnest(v_accounts, v_deltas) d (account_id, delta)
  where b.business_id = p_business and b.account_id = d.account_id;
end $$;
comment on function ledger_post is 'Writes the postings of one event and moves the balances, locked in the order of account ids.';

create table token_packages (
  quantity bigint primary key check (quantity > 0),
  price_cents bigint not null check (price_cents > 0 and price_cents % 100 = 0),
  active boolean not null default true
);
insert into token_packages (quantity, price_cents) values (30, 5000), (70, 10000), (150, 20000), (400, 50000), (850, 100000);
select shared_table('token_packages', 'select');

create table token_wallets (
  business_id uuid primary key references businesses,
  account_id uuid not null,
  balance bigint not null default 0,
  reserved bigint not null default 0 check (reserved >= 0),
  overdraft_limit bigint not null default 200 check (overdraft_limit >= 0),
  constraint token_wallets_bound check (balance - reserved >= -overdraft_limit),
  foreign key (business_id, account_id) references accounts
) with (fillfactor = 30);
comment on table token_wallets is 'The balance row of the TOKEN account; a fact may use the overdraft, a request may not.';
select tenant_table('token_wallets', 'select, insert, update');

create view ledger_balances with (security_invoker = true) as
select business_id, account_id, balance from account_balances
union all
select business_id, account_id, balance from token_wallets;
comment on view ledger_balances is 'The balance of every account; the wallet keeps that of the TOKEN account, under its bound.';
select shared_table('ledger_balances', 'select');

create table token_reservations (
  business_id uuid not null references businesses,
  id uuid not null default gen_random_uuid(),
  cause uuid not null,
  operation text not null,
  quantity bigint not null default 1 check (quantity > 0),
  state text not null default 'held' check (state in ('held', 'charged', 'released')),
  created_at timestamptz not null,
  ended_at timestamptz,
  primary key (business_id, id),
  check ((state = 'held') = (ended_at is null))
);
create unique index token_reservations_open on token_reservations (business_id, cause) where state = 'held';
select tenant_table('token_reservations', 'select, insert, update');

create table token_purchases (
  business_id uuid not null references businesses,
  id uuid not null,
  quantity bigint not null check (quantity > 0),
  price_cents bigint not null check (price_cents > 0),
  payment_id uuid not null,
  state text not null default 'awaiting_payment' check (state in ('awaiting_payment', 'credited', 'failed')),
  credited_quantity bigint check (credited_quantity between 0 and quantity),
  created_by uuid not null,
  created_at timestamptz not null,
  ended_at timestamptz,
  primary key (business_id, id),
  check ((state = 'credited') = (credited_quantity is not null)),
  unique (business_id, payment_id)
);
select tenant_table('token_purchases', 'select, insert, update');

create function tokens_exhausted(p_business uuid) returns void
language plpgsql as $$
begin
  raise exception using errcode = 'PM001', message = 'tokens.exhausted',
    detail = (select json_build_object('balance', balance, 'available', balance - reserved)::text
              from token_wallets where business_id = p_business);
end $$;

create function tokens_charge(p_business uuid, p_quantity bigint, p_lower_bound bigint) returns jsonb
language plpgsql as $$
declare
  v_balance bigint;
  v_reserved bigint;
begin
  -- p_lower_bound null: a fact, bounded by the wallet's own overdraft.
  update token_wallets w set balance = w.balance - p_quantity
  where w.business_id = p_business and w.balance - w.reserved - p_quantity >= coalesce(p_lower_bound, -w.overdraft_limit)
  returning w.balance, w.reserved into v_balance, v_reserved;
  if not found then
    perform tokens_exhausted(p_business);
  end if;
  return jsonb_build_object('charged', p_quantity, 'balance', v_balance, 'available', v_balance - v_reserved);
end $$;
comment on function tokens_charge is 'Takes tokens from the wallet at once; the posting that books them is the ledger''s.';

create function tokens_reserve(p_business uuid, p_cause uuid, p_operation text, p_at timestamptz, p_lower_bound bigint) returns jsonb
language plpgsql as $$
declare
  v_balance bigint;
  v_reserved bigint;
begin
  update token_wallets w set reserved = w.reserved + 1
  where w.business_id = p_business and w.balance - w.reserved - 1 >= coalesce(p_lower_bound, -w.overdraft_limit)
  returning w.balance, w.reserved into v_balance, v_reserved;
  if not found then
    perform tokens_exhausted(p_business);
  end if;
  insert into token_reservations (business_id, cause, operation, created_at) values (p_business, p_cause, p_operation, p_at);
  return jsonb_build_object('reserved', 1, 'balance', v_balance, 'available', v_balance - v_reserved);
end $$;

create function tokens_settle(p_business uuid, p_cause uuid, p_charge boolean, p_at timestamptz) returns jsonb
language plpgsql as $$
declare
  v_quantity bigint;
  v_balance bigint;
  v_reserved bigint;
begin
  -- The wallet is locked first, so that two ends of one reservation queue up here and the second finds nothing held.
  perform 1 from token_wallets where business_id = p_business for update;
  update token_reservations set state = case when p_charge then 'charged' else 'released' end, ended_at = p_at
  where business_id = p_business and cause = p_cause and state = 'held' returning quantity into v_quantity;
  if not found then
    if p_charge then
      raise exception using errcode = 'PM001', message = 'tokens.reservation_missing',
        detail = json_build_object('cause', p_cause)::text;
    end if;
    v_quantity := 0;
  end if;
  update token_wallets w set reserved = w.reserved - v_quantity, balance = w.balance - case when p_charge then v_quantity else 0 end
  where w.business_id = p_business returning w.balance, w.reserved into v_balance, v_reserved;
  return jsonb_build_object(case when p_charge then 'charged' else 'released' end, v_quantity,
    'balance', v_balance, 'available', v_balance - v_reserved);
end $$;
comment on function tokens_settle is 'Ends the open reservation of a cause by charge or release; releasing nothing is not an error, charging nothing is.';

create function tokens_credit(p_business uuid, p_quantity bigint) returns jsonb
language sql as $$
  update token_wallets w set balance = w.balance + p_quantity where w.business_id = p_business
  returning jsonb_build_object('credited', p_quantity, 'balance', w.balance, 'available', w.balance - w.reserved)
$$;
