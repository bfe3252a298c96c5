-- Money asked for and money that arrived, with the evidence of it.

create table payment_methods (
  business_id uuid not null references businesses,
  kind text not null check (kind in ('paybill', 'till', 'pochi', 'send_money')),
  shortcode text check (shortcode ~ '^[0-9]{5,7}$'),
  till_number text check (till_number ~ '^[0-9]{5,7}$'),
  account_reference text check (account_reference ~ '^[A-Za-z0-9-]{1,12}$'),
  environment text not null check (environment in ('sandbox', 'production')),
  consumer_key_encrypted bytea,
  consumer_secret_encrypted bytea,
  passkey_encrypted bytea,
  active boolean not null default true,
  rev bigint not null default 1,
  changed_at timestamptz not null,
  primary key (business_id, kind)
);
select tenant_table('payment_methods', 'select, insert, update');

create table daraja_apps (
  business_id uuid not null references businesses,
  app_key text not null,
  access_token_encrypted bytea,
  token_issued_at timestamptz,
  token_expires_at timestamptz,
  lease_holder uuid,
  lease_until timestamptz,
  query_allowed_at timestamptz,
  primary key (business_id, app_key)
);
comment on table daraja_apps is 'The one access token and the query limiter of a Daraja app, shared by every process.';
select tenant_table('daraja_apps', 'select, insert, update');

create table payments (
  business_id uuid not null references businesses,
  id uuid not null,
  purpose text not null check (purpose in ('sale', 'token_purchase')),
  purpose_id uuid not null,
  method text not null check (method in ('cash', 'mpesa_stk', 'mpesa_claim', 'card_recorded', 'credit')),
  status text not null check (status in ('created', 'sending', 'pending', 'unknown', 'succeeded', 'failed', 'expired')),
  assurance text not null check (assurance in ('none', 'counted', 'confirmed', 'claimed', 'declared')),
  amount_cents bigint not null check (amount_cents > 0),
  received_cents bigint check (received_cents >= amount_cents),
  paid_cents bigint check (paid_cents > 0),
  claimed_cents bigint check (claimed_cents > 0),
  payee text not null default 'business' check (payee in ('business', 'platform')),
  shortcode text,
  phone_encrypted bytea,
  phone_masked text,
  reference text not null default '',
  checkout_request_id text,
  merchant_request_id text,
  mpesa_receipt_number text check (mpesa_receipt_number ~ '^[A-Z0-9]{10}$'),
  reason_code text,
  reason_text text,
  late boolean not null default false,
  settlement text check (settlement in ('applied', 'returned', 'unclaimed')),
  excess_cents bigint not null default 0 check (excess_cents >= 0),
  checks integer not null default 0,
  sent_at timestamptz,
  ended_at timestamptz,
  created_at timestamptz not null,
  created_by uuid not null,
  rev bigint not null default 1,
  primary key (business_id, id),
  check (method <> 'mpesa_stk' or amount_cents % 100 = 0),
  check (settlement is null or status = 'succeeded'),
  check (claimed_cents is null or status <> 'succeeded'),
  check ((assurance = 'none') = (status <> 'succeeded')),
  check ((status in ('succeeded', 'failed', 'expired')) = (ended_at is not null))
);
comment on column payments.settlement is 'Where succeeded money went: into its purpose, back to the customer, or to the unclaimed tray; null until its purpose has heard of it.';
comment on column payments.claimed_cents is 'What a callback named and M-Pesa has not confirmed yet; null when there is no such claim.';
comment on column payments.excess_cents is 'What of an applied payment its purpose had no more need of; it stands among the unclaimed.';
create index payments_by_purpose on payments (business_id, purpose, purpose_id);
create index payments_by_time on payments (business_id, created_at, id);
create unique index payments_one_open_prompt on payments (business_id, purpose, purpose_id)
  where method = 'mpesa_stk' and status in ('created', 'sending', 'pending', 'unknown');
create index payments_unsettled on payments (business_id, created_at) where status in ('created', 'sending', 'pending', 'unknown') or claimed_cents is not null
    or (status = 'succeeded' and settlement is null);
select tenant_table('payments', 'select, insert, update');

create function payments_record_counted(
  p_business uuid, p_id uuid, p_purpose text, p_purpose_id uuid, p_method text, p_amount bigint, p_received bigint, p_reference text,
  p_at timestamptz, p_actor uuid
) returns void
language sql as $$
  insert into payments (business_id, id, purpose, purpose_id, method, status, assurance, amount_cents, received_cents, paid_cents,
    reference, settlement, ended_at, created_at, created_by)
  values (p_business, p_id, p_purpose, p_purpose_id, p_method, 'succeeded', 'counted', p_amount, p_received, p_amount,
    p_reference, 'applied', p_at, p_at, p_actor)
$$;

create table payment_evidence (
  business_id uuid not null,
  id uuid not null,
  payment_id uuid,
  source text not null check (source in ('acceptance', 'callback', 'query', 'status', 'pull', 'c2b', 'statement', 'person')),
  outcome text not null check (outcome in ('paid', 'failed', 'pending', 'unknown', 'accepted', 'refused')),
  shortcode text,
  amount_cents bigint check (amount_cents > 0),
  mpesa_receipt_number text,
  result_code text,
  result_text text,
  inbox_id uuid,
  effect text not null,
  received_at timestamptz not null,
  primary key (business_id, id),
  foreign key (business_id, payment_id) references payments
);
comment on column payment_evidence.effect is 'What the decision made of it: noted, succeeded, late_success, duplicate, amount_differs and so on.';
create unique index payment_evidence_once on payment_evidence (business_id, inbox_id) where inbox_id is not null;
create index payment_evidence_by_payment on payment_evidence (business_id, payment_id, received_at);
select tenant_table('payment_evidence', 'select, insert');

create table mpesa_receipts (
  mpesa_receipt_number text not null,
  business_id uuid not null,
  shortcode text not null,
  applied_to text not null check (applied_to in ('payment', 'unclaimed')),
  applied_id uuid not null,
  recorded_at timestamptz not null,
  constraint mpesa_receipts_pkey primary key (mpesa_receipt_number)
);
comment on table mpesa_receipts is 'Each receipt of M-Pesa is applied at most once, over all channels and all businesses.';
select shared_table('mpesa_receipts', 'select, insert');

create table unclaimed_money (
  business_id uuid not null references businesses,
  id uuid not null,
  source text not null check (source in ('callback', 'query', 'status', 'pull', 'c2b', 'statement', 'sale')),
  reason text not null check (reason in ('amount_differs', 'sale_not_open', 'no_match', 'overpaid')),
  amount_cents bigint not null check (amount_cents > 0),
  shortcode text not null,
  mpesa_receipt_number text,
  payment_id uuid,
  state text not null default 'unclaimed' check (state in ('unclaimed', 'claimed', 'returned')),
  received_at timestamptz not null,
  ended_at timestamptz,
  ended_by uuid,
  rev bigint not null default 1,
  primary key (business_id, id),
  check ((state = 'unclaimed') = (ended_at is null))
);
create unique index unclaimed_money_once on unclaimed_money (business_id, payment_id, reason, coalesce(mpesa_receipt_number, ''))
  where payment_id is not null;
select tenant_table('unclaimed_money', 'select, insert, update');

create table callback_routes (
  token_hash bytea primary key,
  business_id uuid not null,
  kind text not null check (kind in ('stk', 'c2b', 'result')),
  subject_id uuid not null,
  created_at timestamptz not null
);
comment on table callback_routes is 'The secret in the path of a callback leads to the business and the thing it is about.';
select shared_table('callback_routes', 'select, insert');

create table callback_inbox (
  id uuid primary key,
  business_id uuid not null,
  kind text not null,
  subject_id uuid not null,
  headers jsonb not null,
  body bytea not null,
  remote_address text not null,
  state text not null default 'received' check (state in ('received', 'handled', 'malformed', 'ignored')),
  note text not null default '',
  received_at timestamptz not null,
  handled_at timestamptz
);
create index callback_inbox_open on callback_inbox (received_at) where state = 'received';
select shared_table('callback_inbox', 'select, insert, update');
