-- Shifts: who had which drawer, what lay in it, what moved through it, and what was counted at the end.

create table shifts (
  business_id uuid not null references businesses,
  id uuid not null,
  till_id uuid not null,
  opened_by uuid not null,
  float_cents bigint not null check (float_cents >= 0),
  state text not null default 'open' check (state in ('open', 'closed')),
  is_alone boolean not null default true,
  occurred_at timestamptz not null,
  opened_at timestamptz not null,
  closed_at timestamptz,
  counted_cents bigint check (counted_cents >= 0),
  counted_by uuid,
  note text not null default '',
  expected_cents bigint,
  difference_cents bigint,
  posted_cents bigint not null default 0,
  variance text not null default 'none' check (variance in ('none', 'booked', 'awaiting_approval', 'rejected')),
  approval_id uuid,
  late_movements integer not null default 0,
  review text[] not null default '{}',
  rev bigint not null default 1,
  constraint shifts_pkey primary key (business_id, id),
  foreign key (business_id, till_id) references tills,
  foreign key (business_id, approval_id) references approvals,
  check ((state = 'closed') = (closed_at is not null)),
  check ((state = 'closed') = (counted_cents is not null)),
  check ((counted_cents is null) = (counted_by is null)),
  check (difference_cents is not distinct from counted_cents - expected_cents),
  check (variance <> 'awaiting_approval' or approval_id is not null)
) with (fillfactor = 80);
comment on column shifts.is_alone is 'False where a till tells afterwards of a shift that began while another was open; such a one is looked at, and not refused.';
comment on column shifts.posted_cents is 'What of the difference stands in the books: all of it, or nothing while a second person has to agree.';
comment on column shifts.review is 'What would have been refused had it not been a fact already.';
create unique index shifts_one_of_till on shifts (business_id, till_id) where state = 'open' and is_alone;
create unique index shifts_one_of_person on shifts (business_id, opened_by) where state = 'open' and is_alone;
create index shifts_by_time on shifts (business_id, opened_at, id);
select tenant_table('shifts', 'select, insert, update');

create table shift_movements (
  business_id uuid not null,
  cause uuid not null,
  kind text not null,
  shift_id uuid not null,
  amount_cents bigint not null check (amount_cents <> 0),
  reason text not null default '',
  is_late boolean not null default false,
  moved_by uuid not null,
  recorded_at timestamptz not null,
  constraint shift_movements_pkey primary key (business_id, cause, kind),
  foreign key (business_id, shift_id) references shifts
);
comment on table shift_movements is 'Cash through a drawer: which posting of the ledger it is, by cause and kind; above zero where it came in.';
create index shift_movements_by_shift on shift_movements (business_id, shift_id);
select tenant_table('shift_movements', 'select, insert');

create table shift_variances (
  business_id uuid not null,
  id uuid not null,
  shift_id uuid not null,
  amount_cents bigint not null check (amount_cents <> 0),
  recorded_at timestamptz not null,
  primary key (business_id, id),
  foreign key (business_id, shift_id) references shifts
);
comment on table shift_variances is 'What was booked as over or short, and taken back when a late sale explained it; above zero where cash was over.';
create index shift_variances_by_shift on shift_variances (business_id, shift_id);
select tenant_table('shift_variances', 'select, insert');

create function shifts_record(p_business uuid, p_at timestamptz, p_by uuid, p_moves json) returns void
language plpgsql as $$
begin
  insert into shift_movements (business_id, cause, kind, shift_id, amount_cents, reason, is_late, moved_by, recorded_at)
  select p_business, t.cause, t.kind, t.shift, t.amount, t.reason, t.late, p_by, p_at
  from json_to_recordset(p_moves) t (cause uuid, kind text, shift uuid, amount bigint, reason text, late boolean);
end $$;
comment on function shifts_record is 'Writes what moved through drawers; each posting is in one drawer.';
