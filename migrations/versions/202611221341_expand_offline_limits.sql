-- What a till may do without a network is held against what it did; nothing is refused for it, a person looks at it.

alter table sync_devices add column offline_after timestamptz;
alter table sync_devices add column offline_sales integer not null default 0;
alter table sync_devices add column offline_cents bigint not null default 0;
comment on column sync_devices.offline_after is 'The contact after which the sales were made that are counted beside it; what comes with a later contact begins anew.';

create function sync_note_offline_sale(p_business uuid, p_command json, p_total bigint) returns text[]
language plpgsql as $$
declare
  v_limits json := p_command -> 'limits';
  v_at timestamptz := (p_command ->> 'corrected_at')::timestamptz;
  v_age interval := (p_command ->> 'received_at')::timestamptz - v_at;
  v_sales integer;
  v_cents bigint;
  v_hours integer;
begin
  if v_limits is null then
    return '{}';
  end if;
  -- All that a queue holds is older than the contact at which it began to be sent, however many batches it takes.
  update sync_devices d set
    offline_after = case when begins then d.last_push_at else d.offline_after end,
    offline_sales = case when begins then 1 else d.offline_sales + 1 end,
    offline_cents = case when begins then p_total else d.offline_cents + p_total end
  from (select last_push_at is distinct from offline_after and v_at > last_push_at as begins from sync_devices
    where business_id = p_business and device_id = (p_command ->> 'device_id')::uuid) was
  where d.business_id = p_business and d.device_id = (p_command ->> 'device_id')::uuid
  returning d.offline_sales, d.offline_cents into v_sales, v_cents;
  v_hours := floor(extract(epoch from v_age) / 3600);
  return array_remove(array[
    case when p_total > (v_limits ->> 'sale_cents')::bigint
      then 'offline_sale_beyond:' || p_total - (v_limits ->> 'sale_cents')::bigint end,
    case when v_cents > (v_limits ->> 'total_cents')::bigint
      then 'offline_total_beyond:' || v_cents - (v_limits ->> 'total_cents')::bigint end,
    case when v_sales > (v_limits ->> 'sales')::integer then 'offline_sales_beyond:' || v_sales - (v_limits ->> 'sales')::integer end,
    case when v_hours > (v_limits ->> 'hours')::integer then 'offline_hours_beyond:' || v_hours - (v_limits ->> 'hours')::integer end],
    null);
end $$;
comment on function sync_note_offline_sale is 'Counts a sale that was handed over since the last contact of its device, and returns by how much it is beyond which limit; the caller holds the device''s lock.';

create or replace function sync_store_command(p_business uuid, p_command json, p_expected_receipt text, p_patch jsonb) returns text
language plpgsql as $$
declare
  v_result jsonb := (p_command -> 'result')::jsonb;
  v_status text := p_command ->> 'status';
  v_reasons text[] := array(select json_array_elements_text(p_command -> 'reasons'));
  v_contiguous bigint;
  v_highest bigint;
  v_is_sale boolean := p_command ->> 'name' = 'sale.create' and (p_command ->> 'handed_over')::boolean;
begin
  if v_status in ('applied', 'needs_review') and v_is_sale and jsonb_typeof(v_result) = 'object' then
    v_reasons := v_reasons || sync_note_offline_sale(p_business, p_command, (v_result ->> 'total_cents')::bigint);
  end if;
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
comment on function sync_store_command is 'Keeps a command with its verdict, counts it against its device''s limits and moves its sequence on; the caller holds the device''s lock.';
