-- Money that leaves by M-Pesa, and questions to M-Pesa whose answers come later.

create table payouts (
  business_id uuid not null references businesses,
  id uuid not null,
  kind text not null check (kind in ('b2c', 'b2pochi', 'reversal')),
  purpose text not null check (purpose in ('other', 'refund', 'unclaimed')),
  purpose_id uuid not null,
  state text not null check (state in
    ('awaiting_approval', 'rejected', 'approved', 'sending', 'pending', 'unknown', 'succeeded', 'failed')),
  amount_cents bigint not null check (amount_cents > 0 and amount_cents % 100 = 0),
  reason text not null,
  shortcode text not null,
  phone_encrypted bytea,
  phone_masked text not null default '',
  original_receipt text,
  approval_id uuid,
  originator_conversation_id text not null,
  conversation_id text,
  mpesa_receipt_number text check (mpesa_receipt_number ~ '^[A-Z0-9]{10}$'),
  reason_code text,
  reason_text text,
  questions integer not null default 0,
  requested_by uuid not null,
  decided_by uuid,
  created_at timestamptz not null,
  sent_at timestamptz,
  ended_at timestamptz,
  rev bigint not null default 1,
  primary key (business_id, id),
  constraint payouts_originator_key unique (business_id, originator_conversation_id),
  check ((kind = 'reversal') = (original_receipt is not null)),
  check ((kind = 'reversal') = (phone_encrypted is null)),
  check ((state in ('rejected', 'succeeded', 'failed')) = (ended_at is not null))
);
comment on column payouts.originator_conversation_id is 'Ours, committed before the call: Daraja refuses a second payout under it.';
create index payouts_by_time on payouts (business_id, created_at, id);
create unique index payouts_one_for_a_purpose on payouts (business_id, purpose, purpose_id)
  where purpose <> 'other' and state not in ('rejected', 'failed');
create unique index payouts_receipt on payouts (business_id, mpesa_receipt_number) where mpesa_receipt_number is not null;
select tenant_table('payouts', 'select, insert, update');

create table mpesa_questions (
  business_id uuid not null references businesses,
  id uuid not null,
  subject_kind text not null check (subject_kind in ('payout', 'claim', 'unclaimed')),
  subject_id uuid not null,
  shortcode text not null,
  receipt text,
  conversation_id text,
  state text not null default 'asked' check (state in ('asked', 'answered', 'unanswered')),
  result_code text not null default '',
  created_at timestamptz not null,
  ended_at timestamptz,
  primary key (business_id, id),
  check ((receipt is null) <> (conversation_id is null))
);
comment on table mpesa_questions is 'What M-Pesa was asked about a transaction; the answer comes to an address of its own.';
create index mpesa_questions_by_subject on mpesa_questions (business_id, subject_id, created_at);
select tenant_table('mpesa_questions', 'select, insert, update');

-- squawk-ignore ban-drop-constraint
alter table unclaimed_money drop constraint unclaimed_money_state_check;
alter table unclaimed_money
  add constraint unclaimed_money_state_check
    check (state in ('unclaimed', 'claimed', 'matched', 'returning', 'returned')) not valid;
-- squawk-ignore ban-drop-constraint
alter table unclaimed_money drop constraint unclaimed_money_check;
alter table unclaimed_money
  add constraint unclaimed_money_check check ((state in ('unclaimed', 'returning')) = (ended_at is null)) not valid;
