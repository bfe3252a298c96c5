-- The cursor as devices read it: pages of changes, what left a branch, and the epochs that a restore begins.

alter table sync_changes add column left_branches uuid[] not null default '{}';
comment on column sync_changes.left_branches is 'Where the document was seen before; a device there is told that it is gone.';

create table sync_epochs (
  business_id uuid not null references businesses,
  epoch integer not null check (epoch > 1),
  fork_seq bigint not null check (fork_seq >= 0),
  began_at timestamptz not null,
  primary key (business_id, epoch)
);
comment on table sync_epochs is 'A restore to an earlier instant: numbers above the fork were given out before it, for changes that are gone.';
select tenant_table('sync_epochs', 'select, insert');

create or replace function sync_record(p_business uuid, p_changes json, p_events json) returns bigint
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
  do update set seq = excluded.seq, rev = kept.rev + 1, deleted = excluded.deleted,
    branch_id = coalesce(excluded.branch_id, kept.branch_id),
    left_branches = case when excluded.branch_id <> kept.branch_id
      then array_append(array_remove(kept.left_branches, kept.branch_id), kept.branch_id) else kept.left_branches end;
  if json_array_length(p_events) > 0 then
    insert into events (business_id, seq, id, name, subject_id, payload)
    select p_business, v_seq, e.id, e.name, e.subject_id, e.payload
    from json_to_recordset(p_events) e (id uuid, name text, subject_id uuid, payload jsonb);
  end if;
  return v_seq;
end $$;

create function sync_page(p_business uuid, p_collection text, p_seq bigint, p_id uuid, p_branch uuid)
returns table (document_id uuid, seq bigint, rev bigint, is_deleted boolean)
language sql stable as $$
  select c.document_id, c.seq, c.rev, c.deleted or coalesce(c.branch_id <> p_branch, false)
  from sync_changes c
  where c.business_id = p_business and c.collection = p_collection and (c.seq, c.document_id) > (p_seq, p_id)
    and (p_branch is null or c.branch_id is null or c.branch_id = p_branch or p_branch = any (c.left_branches))
$$;
comment on function sync_page is 'What changed in a collection after a place, as one branch sees it; null sees all. The caller orders by (seq, document_id) and limits.';

create function sync_state(p_business uuid) returns table (epoch integer, seq bigint)
language sql stable as $$
  select c.epoch, c.seq from sync_counters c where c.business_id = p_business
$$;
comment on function sync_state is 'Where the counter of a business stands.';

create function sync_begin_epoch(p_business uuid, p_at timestamptz) returns integer
language plpgsql as $$
declare
  v_epoch integer;
  v_fork bigint;
begin
  select c.epoch + 1, c.seq into v_epoch, v_fork from sync_counters c where c.business_id = p_business for update;
  insert into sync_epochs (business_id, epoch, fork_seq, began_at) values (p_business, v_epoch, v_fork, p_at);
  update sync_counters set epoch = v_epoch, seq = v_fork + 1000000 where business_id = p_business;
  return v_epoch;
end $$;
comment on function sync_begin_epoch is 'After a restore: the counter jumps by a million, so that no number means two things, and the place of the fork is kept.';
