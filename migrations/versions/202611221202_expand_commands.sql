-- What tills did and sent: one row a command, with its verdict; and how far each device has come.

create function businesses_last_receipt(p_business uuid, p_till uuid) returns bigint
language sql stable as $$
  select coalesce((select last_receipt from till_counters where business_id = p_business and till_id = p_till), 0)
$$;
comment on function businesses_last_receipt is 'The highest receipt number that a till is known to have used.';

create table sync_devices (
  business_id uuid not null,
  device_id uuid not null,
  highest_sequence bigint not null default 0,
  contiguous_sequence bigint not null default 0,
  gap_since timestamptz,
  skew_milliseconds bigint not null default 0,
  pending integer,
  oldest_pending_at timestamptz,
  app_version text not null default '',
  last_push_at timestamptz,
  last_pull_at timestamptz,
  primary key (business_id, device_id),
  foreign key (business_id, device_id) references devices,
  check (contiguous_sequence <= highest_sequence),
  check ((gap_since is null) = (contiguous_sequence = highest_sequence))
) with (fillfactor = 50);
comment on column sync_devices.gap_since is 'Since when numbers between the contiguous and the highest are missing.';
select tenant_table('sync_devices', 'select, insert, update');

create table sync_commands (
  business_id uuid not null,
  id uuid not null,
  device_id uuid not null,
  device_sequence bigint not null check (device_sequence > 0),
  holds_sequence boolean not null,
  name text not null,
  schema_version integer not null,
  args jsonb not null,
  depends_on uuid[] not null default '{}',
  handed_over boolean not null,
  occurred_at timestamptz not null,
  corrected_at timestamptz not null,
  hlc text not null default '',
  staff_id uuid,
  shift_id uuid,
  approved_by uuid,
  handed_in_by uuid,
  body_hash bytea not null,
  status text not null check (status in ('applied', 'rejected', 'waiting', 'needs_review')),
  reasons text[] not null default '{}',
  result jsonb,
  error jsonb,
  received_at timestamptz not null,
  applied_at timestamptz,
  settled_at timestamptz,
  settled_by uuid,
  settled_note text not null default '',
  rev bigint not null default 1,
  primary key (business_id, id),
  foreign key (business_id, device_id) references devices,
  check ((status = 'needs_review') = (cardinality(reasons) > 0)),
  check ((status = 'rejected') <= (error is not null)),
  check ((status = 'applied') <= (applied_at is not null)),
  check ((settled_at is null) = (settled_by is null))
);
comment on column sync_commands.corrected_at is 'When it happened, by the server''s clock: what the device says, corrected by the skew measured as it was sent.';
comment on column sync_commands.holds_sequence is 'False where the number was another command''s already.';
create unique index sync_commands_by_sequence on sync_commands (business_id, device_id, device_sequence) where holds_sequence;
create index sync_commands_waiting on sync_commands (business_id, received_at, id) where status = 'waiting';
create index sync_commands_to_review on sync_commands (business_id, received_at, id) where status = 'needs_review' and settled_at is null;
select tenant_table('sync_commands', 'select, insert, update');

create function sync_admit(p_business uuid, p_device uuid, p_id uuid, p_sequence bigint, p_depends uuid[], p_staff uuid, p_at timestamptz)
returns json
language plpgsql as $$
declare
  v_device json := identity_lock_device(p_business, p_device);
begin
  -- A new statement sees what was committed while the device's lock was awaited.
  return json_build_object('device', v_device,
    'known', (select json_build_object('body_hash', encode(c.body_hash, 'hex'), 'status', c.status) from sync_commands c
      where c.business_id = p_business and c.id = p_id),
    'holder', (select c.id from sync_commands c where c.business_id = p_business and c.device_id = p_device
      and c.device_sequence = p_sequence and c.holds_sequence and c.id <> p_id),
    'unmet', coalesce((select json_agg(d) from unnest(p_depends) d where not exists (
      select from sync_commands c where c.business_id = p_business and c.id = d and c.status <> 'waiting')), '[]'),
    'staff', identity_staff_at(p_business, p_staff, p_at));
end $$;
comment on function sync_admit is 'Locks the device and returns what decides about a command: is it known, is its number taken, what is missing, who did it.';

create function sync_store_command(p_business uuid, p_command json, p_expected_receipt text, p_patch jsonb) returns text
language plpgsql as $$
declare
  v_result jsonb := (p_command -> 'result')::jsonb;
  v_status text := p_command ->> 'status';
  v_reasons text[] := array(select json_array_elements_text(p_command -> 'reasons'));
  v_contiguous bigint;
  v_highest bigint;
begin
  if jsonb_typeof(v_result) = 'object' then
    v_result := v_result || p_patch;
    if p_expected_receipt is not null and v_result ->> 'receipt_number' is distinct from p_expected_receipt then
      v_reasons := array_append(v_reasons, 'receipt_number_used');
    end if;
    if v_result -> 'tokens' ? 'beyond' then
      v_reasons := array_append(v_reasons, 'tokens_beyond_overdraft');
    end if;
    if v_status = 'applied' and cardinality(v_reasons) > 0 then
      v_status := 'needs_review';
    end if;
  else
    v_result := null;
  end if;
  insert into sync_commands as kept (business_id, id, device_id, device_sequence, holds_sequence, name, schema_version, args, depends_on,
    handed_over, occurred_at, corrected_at, hlc, staff_id, shift_id, approved_by, handed_in_by, body_hash, status, reasons, result, error,
    received_at, applied_at)
  select p_business, c.id, c.device_id, c.device_sequence, c.holds_sequence, c.name, c.schema_version, c.args, c.depends_on,
    c.handed_over, c.occurred_at, c.corrected_at, c.hlc, c.staff_id, c.shift_id, c.approved_by, c.handed_in_by, decode(c.body_hash, 'hex'),
    v_status, v_reasons, v_result, nullif(c.error, 'null'::jsonb), c.received_at, c.applied_at
  from json_to_record(p_command) c (id uuid, device_id uuid, device_sequence bigint, holds_sequence boolean, name text,
    schema_version integer, args jsonb, depends_on uuid[], handed_over boolean, occurred_at timestamptz, corrected_at timestamptz, hlc text,
    staff_id uuid, shift_id uuid, approved_by uuid, handed_in_by uuid, body_hash text, error jsonb, received_at timestamptz,
    applied_at timestamptz)
  on conflict (business_id, id) do update set status = excluded.status, reasons = excluded.reasons, result = excluded.result,
    error = excluded.error, applied_at = excluded.applied_at, rev = kept.rev + 1;
  select d.contiguous_sequence, d.highest_sequence into v_contiguous, v_highest from sync_devices d
  where d.business_id = p_business and d.device_id = (p_command ->> 'device_id')::uuid;
  v_highest := greatest(v_highest, (p_command ->> 'device_sequence')::bigint);
  while exists (select from sync_commands c where c.business_id = p_business and c.device_id = (p_command ->> 'device_id')::uuid
      and c.device_sequence = v_contiguous + 1 and c.holds_sequence) loop
    v_contiguous := v_contiguous + 1;
  end loop;
  update sync_devices d set contiguous_sequence = v_contiguous, highest_sequence = v_highest,
    gap_since = case when v_contiguous = v_highest then null
      when v_contiguous = d.contiguous_sequence and d.gap_since is not null then d.gap_since
      else (p_command ->> 'received_at')::timestamptz end
  where d.business_id = p_business and d.device_id = (p_command ->> 'device_id')::uuid;
  return json_build_object('status', v_status, 'reasons', v_reasons, 'result', v_result)::text;
end $$;
comment on function sync_store_command is 'Keeps a command with its verdict and moves its device''s sequence on; the caller holds the device''s lock.';

create function sync_missing(p_business uuid, p_device uuid, p_most integer) returns bigint[]
language sql stable as $$
  select coalesce(array_agg(n order by n), '{}') from (
    select n from sync_devices d, generate_series(d.contiguous_sequence + 1, d.highest_sequence) n
    where d.business_id = p_business and d.device_id = p_device and not exists (
      select from sync_commands c where c.business_id = p_business and c.device_id = p_device and c.device_sequence = n and c.holds_sequence)
    order by n limit p_most) missing
$$;
comment on function sync_missing is 'The first sequence numbers of a device that have not come although higher ones have.';
