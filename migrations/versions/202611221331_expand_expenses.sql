-- Expenses: what the shop spends that is not stock, and how far each has come.

create table expenses (
  business_id uuid not null references businesses,
  id uuid not null,
  category text not null check (category in ('rent', 'utilities', 'salaries', 'supplies', 'transportation', 'marketing', 'maintenance',
    'insurance', 'licences', 'other')),
  amount_cents bigint not null check (amount_cents > 0),
  method text not null check (method in ('cash', 'mpesa', 'bank', 'cheque')),
  payee text not null default '',
  note text not null default '',
  spent_on date not null,
  shift_id uuid,
  is_from_drawer boolean not null,
  state text not null default 'recorded' check (state in ('recorded', 'verified', 'approved', 'paid', 'cancelled')),
  recorded_by uuid not null,
  recorded_at timestamptz not null,
  verified_by uuid,
  verified_at timestamptz,
  approved_by uuid,
  approved_at timestamptz,
  paid_by uuid,
  paid_at timestamptz,
  paid_reference text not null default '',
  cancelled_by uuid,
  cancelled_at timestamptz,
  cancel_reason text not null default '',
  review text[] not null default '{}',
  rev bigint not null default 1,
  constraint expenses_pkey primary key (business_id, id),
  foreign key (business_id, shift_id) references shifts,
  check (not is_from_drawer or (method = 'cash' and shift_id is not null)),
  check ((state = 'cancelled') = (cancelled_at is not null)),
  check ((state = 'paid') = (paid_at is not null)),
  check (state not in ('approved', 'paid') or approved_at is not null),
  check (approved_at is null or verified_at is not null)
) with (fillfactor = 80);
comment on column expenses.is_from_drawer is 'The cash was taken out of the drawer before anybody agreed; nothing is left to be paid.';
comment on column expenses.review is 'What would have been refused had it not been a fact already.';
create index expenses_by_time on expenses (business_id, recorded_at, id);
select tenant_table('expenses', 'select, insert, update');

-- Businesses that exist get the accounts that new ones begin with, each bound in turn.
do $$
declare
  v_business uuid;
begin
  perform set_config('payme.directory', 'on', true);
  foreach v_business in array array(select business_id from businesses order by business_id) loop
    perform set_config('payme.business_id', v_business::text, true);
    with account as (
      insert into accounts (business_id, id, code, name, kind, unit)
      select v_business, gen_random_uuid(), t.code, t.name, t.kind, 'KES'
      from (values ('bank', 'Bank', 'asset'), ('expenses_payable', 'Expenses not yet paid', 'liability'),
        ('operating_expenses', 'Expenses', 'expense')) t (code, name, kind)
      on conflict on constraint accounts_code_key do nothing returning id)
    insert into account_balances (business_id, account_id) select v_business, id from account;
  end loop;
  perform set_config('payme.directory', '', true);
  perform set_config('payme.business_id', '', true);
end $$;
