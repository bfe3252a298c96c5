-- Customers: who buys, what they agreed to, and a phone number that is found without being read.

create table customers (
  business_id uuid not null references businesses,
  id uuid not null,
  name text not null check (length(name) between 1 and 120),
  kind text not null check (kind in ('walk_in', 'regular', 'vip', 'wholesale')),
  phone_encrypted bytea,
  phone_index bytea check (length(phone_index) = 16),
  phone_masked text not null default '',
  note text not null default '',
  consents text[] not null default '{}' check (consents <@ array['receipts', 'marketing', 'credit_checks']),
  active boolean not null default true,
  created_at timestamptz not null,
  created_by uuid not null,
  updated_at timestamptz not null,
  rev bigint not null default 1,
  constraint customers_pkey primary key (business_id, id),
  check ((phone_encrypted is null) = (phone_index is null))
) with (fillfactor = 90);
comment on column customers.phone_index is 'A keyed fingerprint; two customers may have one phone, for two tills may have met the same person offline.';
comment on column customers.consents is 'What the person agrees to now; when and to whom it was said stands in the audit log.';
create index customers_by_name on customers (business_id, lower(name), id);
create index customers_by_phone on customers (business_id, phone_index);
select tenant_table('customers', 'select, insert, update');
