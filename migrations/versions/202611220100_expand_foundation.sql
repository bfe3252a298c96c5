-- The ground that every feature stands on: tenant protection, the sync counter, events, idempotent replies.
-- A tenant table has business_id first in its key, forced row-level security, and no trigger.

create function tenant_table(p_table regclass, p_privileges text) returns void
language plpgsql as $$
declare
  v_role text;
begin
  execute format('alter table %s enable row level security', p_table);
  execute format('alter table %s force row level security', p_table);
  execute format(
    'create policy tenant on %s using (business_id = (select nullif(current_setting(''payme.business_id'', true), '''')::uuid))'
    ' with check (business_id = (select nullif(current_setting(''payme.business_id'', true), '''')::uuid))', p_table);
  foreach v_role in array array['payme_app', 'payme_worker'] loop
    if exists (select 1 from pg_roles where rolname = v_role) then
      execute format('grant %s on %s to %I', p_privileges, p_table, v_role);
    end if;
  end loop;
end $$;
comment on function tenant_table is 'Binds a table to the tenant of the transaction and grants the app and the worker what is named, nothing more.';

create function shared_table(p_table regclass, p_privileges text) returns void
language plpgsql as $$
declare
  v_role text;
begin
  foreach v_role in array array['payme_app', 'payme_worker'] loop
    if exists (select 1 from pg_roles where rolname = v_role) then
      execute format('grant %s on %s to %I', p_privileges, p_table, v_role);
    end if;
  end loop;
end $$;
comment on function shared_table is 'Grants on a table without a tenant; the closed list of those is held by a test.';

create table businesses (
  business_id uuid primary key,
  name text not null check (length(name) between 1 and 120),
  currency text not null default 'KES' check (currency = 'KES'),
  is_platform boolean not null default false,
  status text not null default 'active' check (status in ('active', 'suspended', 'closed')),
  cash_rounding_cents bigint not null default 0 check (cash_rounding_cents in (0, 50, 100, 500, 1000)),
  day_starts_at time not null default '00:00',
  discount_limit_basis_points integer not null default 1000 check (discount_limit_basis_points between 0 and 10000),
  refund_limit_cents bigint not null default 100000 check (refund_limit_cents >= 0),
  write_off_limit_cents bigint not null default 200000 check (write_off_limit_cents >= 0),
  payout_limit_cents bigint not null default 1000000 check (payout_limit_cents >= 0),
  payout_day_limit_cents bigint not null default 5000000 check (payout_day_limit_cents >= 0),
  verify_above_cents bigint not null default 1000000 check (verify_above_cents >= 0),
  claim_limit_cents bigint not null default 500000 check (claim_limit_cents >= 0),
  rev bigint not null default 1,
  created_at timestamptz not null
);
select tenant_table('businesses', 'select, insert, update');
-- The operator's list of tenants: commands and the worker walk it and bind each business in turn.
create policy directory on businesses for select using (current_setting('payme.directory', true) = 'on' and current_user <> 'payme_app');

create table branches (
  business_id uuid not null references businesses,
  id uuid not null,
  name text not null check (length(name) between 1 and 80),
  rev bigint not null default 1,
  created_at timestamptz not null,
  primary key (business_id, id)
);
select tenant_table('branches', 'select, insert, update');

create table tills (
  business_id uuid not null references businesses,
  id uuid not null,
  branch_id uuid not null,
  name text not null check (length(name) between 1 and 80),
  receipt_prefix text not null check (receipt_prefix ~ '^[A-Z0-9]{1,6}$'),
  created_at timestamptz not null,
  primary key (business_id, id),
  constraint tills_receipt_prefix_key unique (business_id, receipt_prefix),
  foreign key (business_id, branch_id) references branches
);
select tenant_table('tills', 'select, insert, update');

create table till_counters (
  business_id uuid not null,
  till_id uuid not null,
  last_receipt bigint not null default 0,
  primary key (business_id, till_id),
  foreign key (business_id, till_id) references tills
) with (fillfactor = 30);
select tenant_table('till_counters', 'select, insert, update');

create function businesses_sale_facts(p_business uuid, p_till uuid, p_branch uuid) returns json
language sql stable as $$
  select json_build_object(
    'status', b.status, 'cash_rounding_cents', b.cash_rounding_cents, 'discount_limit_basis_points', b.discount_limit_basis_points,
    'till_id', t.id, 'branch_id', t.branch_id, 'receipt_prefix', t.receipt_prefix)
  from businesses b
  left join lateral (
    select id, branch_id, receipt_prefix from tills
    where business_id = b.business_id and (p_till is null or id = p_till) and (p_branch is null or branch_id = p_branch)
    order by created_at, id limit 1) t on true
  where b.business_id = p_business
$$;
comment on function businesses_sale_facts is 'What a sale must know of its business and till; without a till named, the first one of the branch, or of all.';

create table sync_counters (
  business_id uuid primary key references businesses,
  epoch integer not null default 1,
  seq bigint not null default 0
) with (fillfactor = 30);
select tenant_table('sync_counters', 'select, insert, update');

create table sync_changes (
  business_id uuid not null,
  collection text not null,
  document_id uuid not null,
  seq bigint not null,
  rev bigint not null default 1,
  deleted boolean not null default false,
  branch_id uuid,
  primary key (business_id, collection, document_id)
) with (fillfactor = 70);
create index sync_changes_page on sync_changes (business_id, collection, seq, document_id);
select tenant_table('sync_changes', 'select, insert, update');

create table events (
  business_id uuid not null references businesses,
  seq bigint not null,
  id uuid not null,
  name text not null,
  subject_id uuid not null,
  payload jsonb not null,
  recorded_at timestamptz not null default now(),
  primary key (business_id, seq, id)
);
select tenant_table('events', 'select, insert');

create function sync_record(p_business uuid, p_changes json, p_events json) returns bigint
language plpgsql as $$
declare
  v_seq bigint;
begin
  update sync_counters set seq = seq + 1 where business_id = p_business returning seq into v_seq;
  if not found then
    insert into sync_counters (business_id, seq) values (p_business, 1)
    on conflict (business_id) do update set seq = sync_counters.seq + 1 returning seq into v_seq;
  end if;
  insert into sync_changes as kept (business_id, collection, document_id, seq, deleted, branch_id)
  select p_business, t.collection, t.document_id, v_seq, t.deleted, t.branch_id
  from json_to_recordset(p_changes) t (collection text, document_id uuid, branch_id uuid, deleted boolean)
  on conflict (business_id, collection, document_id)
  do update set seq = excluded.seq, rev = kept.rev + 1, deleted = excluded.deleted, branch_id = coalesce(excluded.branch_id, kept.branch_id);
  if json_array_length(p_events) > 0 then
    insert into events (business_id, seq, id, name, subject_id, payload)
    select p_business, v_seq, e.id, e.name, e.subject_id, e.payload
    from json_to_recordset(p_events) e (id uuid, name text, subject_id uuid, payload jsonb);
  end if;
  return v_seq;
end $$;
comment on function sync_record is 'Takes the counter of the business once, last, and stamps every touched document and event with it.';

create table idempotency_keys (
  business_id uuid not null,
  scope text not null,
  key text not null,
  fingerprint bytea not null,
  status integer not null,
  response text not null,
  recorded_at timestamptz not null default now(),
  constraint idempotency_keys_pkey primary key (business_id, scope, key)
);
create index idempotency_keys_by_age on idempotency_keys (business_id, recorded_at);
select tenant_table('idempotency_keys', 'select, insert, delete');

create function idempotency_store(
  p_business uuid, p_scope text, p_key text, p_fingerprint bytea, p_status integer, p_body text, p_patch jsonb
) returns text
language plpgsql as $$
declare
  v_body text := (p_body::jsonb || p_patch)::text;
begin
  insert into idempotency_keys (business_id, scope, key, fingerprint, status, response)
  values (p_business, p_scope, p_key, p_fingerprint, p_status, v_body);
  return v_body;
end $$;
comment on function idempotency_store is 'Keeps the reply in the transaction of its effect and returns it byte for byte as it will be replayed.';

create table platform_settings (
  name text primary key,
  value text not null,
  changed_at timestamptz not null default now()
);
select shared_table('platform_settings', 'select');
