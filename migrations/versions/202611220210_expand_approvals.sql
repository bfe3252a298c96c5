-- Requests to do something above a limit, and what somebody else decided about them.

create table approvals (
  business_id uuid not null references businesses,
  id uuid not null,
  kind text not null check (kind in ('refund', 'void', 'discount', 'write_off', 'payout', 'variance')),
  subject_id uuid not null,
  amount_cents bigint not null check (amount_cents >= 0),
  reason text not null default '',
  document jsonb not null,
  state text not null default 'requested' check (state in ('requested', 'approved', 'rejected', 'expired')),
  requested_by uuid not null,
  requested_at timestamptz not null,
  expires_at timestamptz not null,
  decided_by uuid,
  decided_at timestamptz,
  note text not null default '',
  rev bigint not null default 1,
  primary key (business_id, id),
  check ((state = 'requested') = (decided_at is null)),
  check ((state in ('approved', 'rejected')) = (decided_by is not null)),
  -- Four eyes, whatever the services believe.
  constraint approvals_by_another check (decided_by <> requested_by)
);
comment on column approvals.subject_id is 'What is to be done: the refund, the payout; a row of the feature that asked.';
comment on column approvals.requested_by is 'A person: who called, or who made the key that did.';
create index approvals_by_state on approvals (business_id, state, id);
select tenant_table('approvals', 'select, insert, update');
