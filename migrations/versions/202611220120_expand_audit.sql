-- What was done, by whom; append-only, and sealed into a hash chain per business by a job.

create table audit_log (
  business_id uuid not null references businesses,
  id uuid not null,
  actor_kind text not null,
  actor_id uuid not null,
  action text not null,
  subject_id uuid not null,
  facts jsonb not null,
  recorded_at timestamptz not null,
  transaction_id xid8 not null default pg_current_xact_id(),
  primary key (business_id, id)
);
create index audit_log_by_subject on audit_log (business_id, subject_id);
-- The order of the chain: rows of finished transactions, each transaction's rows in the order they were made.
create index audit_log_by_transaction on audit_log (business_id, transaction_id, id);
select tenant_table('audit_log', 'select, insert');

create table audit_chain (
  business_id uuid not null,
  position bigint not null check (position > 0),
  audit_id uuid not null,
  hash bytea not null check (length(hash) = 32),
  sealed_at timestamptz not null,
  primary key (business_id, position),
  unique (business_id, audit_id),
  foreign key (business_id, audit_id) references audit_log
);
select tenant_table('audit_chain', 'select, insert');

create function audit_record(
  p_business uuid, p_id uuid, p_actor_kind text, p_actor uuid, p_action text, p_subject uuid, p_facts text, p_at timestamptz
) returns void
language sql as $$
  insert into audit_log (business_id, id, actor_kind, actor_id, action, subject_id, facts, recorded_at)
  values (p_business, p_id, p_actor_kind, p_actor, p_action, p_subject, p_facts::jsonb, p_at)
$$;
