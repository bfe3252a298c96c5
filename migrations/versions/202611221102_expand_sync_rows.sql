-- Rows that devices write: what belongs to no other feature, who won where two changed the same, and what was exchanged.

create table sync_documents (
  business_id uuid not null references businesses,
  collection text not null check (collection in ('notes', 'counts', 'till_layouts', 'device_preferences')),
  id uuid not null,
  content jsonb not null,
  branch_id uuid,
  hlc text,
  deleted boolean not null default false,
  rev bigint not null default 1,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  constraint sync_documents_pkey primary key (business_id, collection, id)
) with (fillfactor = 90);
comment on table sync_documents is 'Small documents that only devices read and write; a deleted one keeps its row for ever.';
comment on column sync_documents.hlc is 'When and where it was written, by a clock that the server has bounded.';
select tenant_table('sync_documents', 'select, insert, update');

create table sync_strategies (
  business_id uuid not null references businesses,
  collection text not null,
  strategy text not null check (strategy in ('server_wins', 'client_wins', 'last_write_wins', 'merge')),
  changed_by uuid not null,
  changed_at timestamptz not null,
  primary key (business_id, collection)
);
select tenant_table('sync_strategies', 'select, insert, update');

create table sync_conflicts (
  business_id uuid not null references businesses,
  id uuid not null,
  collection text not null,
  document_id uuid not null,
  kind text not null check (kind in ('duplicate', 'version_mismatch', 'deleted', 'modified', 'refused')),
  strategy text not null check (strategy in ('server_wins', 'client_wins', 'last_write_wins', 'merge', 'manual')),
  outcome text not null check (outcome in ('server', 'client', 'merged', 'open')),
  fields text[] not null,
  base jsonb,
  client jsonb not null,
  server jsonb,
  reason jsonb,
  body_hash bytea not null,
  server_rev bigint not null,
  device_id uuid,
  actor_id uuid not null,
  recorded_at timestamptz not null,
  choice text check (choice in ('server', 'client', 'merged')),
  resolved_by uuid,
  resolved_at timestamptz,
  constraint sync_conflicts_pkey primary key (business_id, id),
  constraint sync_conflicts_once unique (business_id, collection, document_id, body_hash, server_rev),
  constraint sync_conflicts_resolved check ((choice is null) = (resolved_at is null) and (choice is null) = (resolved_by is null)),
  constraint sync_conflicts_waiting check (choice is null or outcome = 'open')
) with (fillfactor = 90);
comment on table sync_conflicts is 'Who lost what: a row for each clash, also where a strategy settled it. Open ones wait for a person.';
create index sync_conflicts_open on sync_conflicts (business_id, id) where outcome = 'open' and choice is null;
select tenant_table('sync_conflicts', 'select, insert, update');

create table sync_audit (
  business_id uuid not null references businesses,
  id uuid not null,
  kind text not null check (kind in ('pull', 'push', 'commands', 'conflict', 'reconcile')),
  collection text not null,
  device_id uuid,
  actor_id uuid not null,
  rows integer not null check (rows >= 0),
  applied integer not null check (applied >= 0),
  rejected integer not null check (rejected >= 0),
  duplicates integer not null check (duplicates >= 0),
  conflicts integer not null check (conflicts >= 0),
  body_bytes bigint not null check (body_bytes >= 0),
  duration_ms bigint not null check (duration_ms >= 0),
  protocol integer not null,
  app_version text not null,
  recorded_at timestamptz not null,
  primary key (business_id, id)
);
comment on table sync_audit is 'What a device and the server exchanged, a row for each exchange.';
create index sync_audit_by_device on sync_audit (business_id, device_id, kind, recorded_at);
create index sync_audit_by_time on sync_audit (business_id, recorded_at);
select tenant_table('sync_audit', 'select, insert, delete');

create function sync_latest(p_business uuid, p_collections text[]) returns table (collection text, seq bigint)
language sql stable as $$
  select t.name, coalesce((select max(c.seq) from sync_changes c where c.business_id = p_business and c.collection = t.name), 0)
  from unnest(p_collections) t (name)
$$;
comment on function sync_latest is 'The newest change of each of these collections.';
