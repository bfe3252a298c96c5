-- What was found when a way to be paid was tried with real calls.

create table payment_probes (
  business_id uuid not null references businesses,
  id uuid not null,
  kind text not null check (kind in ('paybill', 'till', 'pochi', 'send_money')),
  shortcode text,
  created_at timestamptz not null,
  ended_at timestamptz,
  primary key (business_id, id)
);
create index payment_probes_by_kind on payment_probes (business_id, kind, created_at);
select tenant_table('payment_probes', 'select, insert, update');

create table payment_probe_checks (
  business_id uuid not null,
  probe_id uuid not null,
  name text not null check (name in ('address', 'credentials', 'prompts', 'notices', 'operator', 'pull', 'declared')),
  mark text not null check (mark in ('good', 'bad', 'waiting', 'skipped')),
  found text not null,
  found_sw text not null,
  primary key (business_id, probe_id, name),
  foreign key (business_id, probe_id) references payment_probes
);
select tenant_table('payment_probe_checks', 'select, insert, update');
