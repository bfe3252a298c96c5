-- The daily proof that every shilling is accounted for: runs, their lines and totals, differences, counted cash, statements.

alter table businesses
  add column cash_variance_basis_points integer not null default 200,
  add column mpesa_variance_basis_points integer not null default 50,
  add constraint businesses_cash_variance_check check (cash_variance_basis_points between 0 and 10000) not valid,
  add constraint businesses_mpesa_variance_check check (mpesa_variance_basis_points between 0 and 10000) not valid;

create table cash_counts (
  business_id uuid not null references businesses,
  day date not null,
  id uuid not null,
  counted_cents bigint not null check (counted_cents >= 0),
  float_cents bigint not null default 0 check (float_cents >= 0),
  note text not null default '',
  counted_by uuid not null,
  counted_at timestamptz not null,
  rev bigint not null default 1,
  primary key (business_id, day)
);
comment on column cash_counts.id is 'New with each count, so that a difference is about one of them.';
comment on column cash_counts.float_cents is 'What lay in the drawers before the first sale of the day.';
select tenant_table('cash_counts', 'select, insert, update');

create table reconciliations (
  business_id uuid not null references businesses,
  id uuid not null,
  day date not null,
  starts_at timestamptz not null,
  ends_at timestamptz not null,
  run integer not null default 0,
  requested_by uuid not null,
  finished_at timestamptz not null,
  rev bigint not null default 1,
  primary key (business_id, id),
  constraint reconciliations_day_key unique (business_id, day),
  check (starts_at < ends_at)
);
comment on column reconciliations.run is 'How often the day was reconciled; lines and totals of the last run count.';
select tenant_table('reconciliations', 'select, insert, update');

create table reconciliation_totals (
  business_id uuid not null,
  reconciliation_id uuid not null,
  run integer not null,
  account text not null,
  sales_cents bigint not null,
  documents_cents bigint not null,
  ledger_cents bigint not null,
  statement_cents bigint,
  counted_cents bigint,
  lines integer not null,
  primary key (business_id, reconciliation_id, run, account),
  foreign key (business_id, reconciliation_id) references reconciliations
);
select tenant_table('reconciliation_totals', 'select, insert');

create table reconciliation_lines (
  business_id uuid not null,
  reconciliation_id uuid not null,
  run integer not null,
  position integer not null check (position > 0),
  account text not null,
  kind text not null,
  subject_id uuid not null,
  occurred_at timestamptz not null,
  receipt text,
  sales_cents bigint,
  documents_cents bigint,
  ledger_cents bigint,
  statement_cents bigint,
  primary key (business_id, reconciliation_id, run, position),
  foreign key (business_id, reconciliation_id) references reconciliations
);
comment on column reconciliation_lines.documents_cents is 'What payments, payouts and the tray say of it; null where a source says nothing.';
select tenant_table('reconciliation_lines', 'select, insert');

create table reconciliation_sums (
  business_id uuid not null,
  reconciliation_id uuid not null,
  run integer not null,
  shortcode text not null,
  received_cents bigint not null,
  applied_cents bigint not null,
  unclaimed_cents bigint not null,
  returned_cents bigint not null,
  primary key (business_id, reconciliation_id, run, shortcode),
  foreign key (business_id, reconciliation_id) references reconciliations
);
comment on table reconciliation_sums is 'Per short code, all evidence ever received against where it went, as of the run.';
select tenant_table('reconciliation_sums', 'select, insert');

create table differences (
  business_id uuid not null,
  id uuid not null,
  reconciliation_id uuid not null,
  kind text not null check (kind in ('sale_differs', 'not_booked', 'books_differ', 'posting_unexplained', 'cash_short', 'cash_over',
    'cash_not_counted', 'claim_waiting', 'claim_declared', 'claim_not_found', 'claim_differs', 'claim_used', 'outcome_unknown',
    'unclaimed', 'missing_with_us', 'missing_at_mpesa', 'amount_differs', 'moved_elsewhere')),
  account text not null,
  subject_id uuid not null,
  amount_cents bigint not null,
  receipt text,
  state text not null check (state in ('within_threshold', 'needs_closing', 'closed', 'resolved')),
  made_by uuid not null,
  found_at timestamptz not null,
  reason text check (reason in ('miscounted', 'wrong_change', 'taken_out', 'lost', 'seen_elsewhere', 'entered_twice', 'late_at_mpesa',
    'own_transfer', 'written_off', 'other', 'brought_in', 'settled')),
  note text not null default '',
  closed_by uuid,
  ended_at timestamptz,
  rev bigint not null default 1,
  primary key (business_id, id),
  constraint differences_key unique (business_id, reconciliation_id, kind, subject_id, amount_cents),
  foreign key (business_id, reconciliation_id) references reconciliations,
  check ((state in ('closed', 'resolved')) = (ended_at is not null)),
  check ((state = 'closed') = (closed_by is not null)),
  check ((ended_at is null) = (reason is null)),
  -- Four eyes, whatever the services believe.
  constraint differences_by_another check (closed_by <> made_by)
);
comment on column differences.state is 'closed: by a person; resolved: it went away by itself.';
comment on column differences.made_by is 'Whose doing it is: who counted, claimed, sold, uploaded, or asked for the run; nobody else may not close it.';
select tenant_table('differences', 'select, insert, update');

create table statement_uploads (
  business_id uuid not null references businesses,
  id uuid not null,
  shortcode text not null check (shortcode ~ '^[0-9]{5,7}$'),
  first_at timestamptz not null,
  last_at timestamptz not null,
  rows_read integer not null,
  rows_new integer not null,
  rows_faulty integer not null,
  faults jsonb not null,
  content_hash bytea not null,
  uploaded_by uuid not null,
  uploaded_at timestamptz not null,
  taken_in_at timestamptz,
  primary key (business_id, id),
  constraint statement_uploads_content_key unique (business_id, content_hash),
  check (first_at <= last_at)
);
comment on table statement_uploads is 'Each statement that somebody uploaded, and the stretch of time that it covers.';
select tenant_table('statement_uploads', 'select, insert, update');

create table statement_rows (
  business_id uuid not null,
  id uuid not null,
  upload_id uuid not null,
  line integer not null,
  shortcode text not null,
  receipt text not null,
  kind text not null check (kind in ('payment', 'payout', 'reversal', 'fee', 'transfer', 'other')),
  completed_at timestamptz not null,
  amount_cents bigint not null check (amount_cents <> 0),
  raw jsonb not null,
  state text not null default 'waiting' check (state in ('waiting', 'known', 'brought_in', 'booked', 'kept')),
  primary key (business_id, id),
  constraint statement_rows_once unique (business_id, receipt, kind),
  foreign key (business_id, upload_id) references statement_uploads
);
comment on column statement_rows.amount_cents is 'Paid in is above zero, withdrawn below.';
comment on column statement_rows.raw is 'The row as it was read, with phone numbers hidden.';
create index statement_rows_by_time on statement_rows (business_id, completed_at, id);
create index statement_rows_by_upload on statement_rows (business_id, upload_id, id);
select tenant_table('statement_rows', 'select, insert, update');

create table claim_write_offs (
  business_id uuid not null,
  id uuid not null,
  payment_id uuid not null,
  amount_cents bigint not null check (amount_cents > 0),
  state text not null default 'standing' check (state in ('standing', 'undone')),
  claimed_by uuid not null,
  written_off_by uuid not null,
  written_off_at timestamptz not null,
  undone_at timestamptz,
  primary key (business_id, id),
  foreign key (business_id, payment_id) references payments,
  check ((state = 'undone') = (undone_at is not null)),
  constraint claim_write_offs_by_another check (written_off_by <> claimed_by)
);
comment on table claim_write_offs is 'Claims that were not borne out, taken out of the money to confirm; undone where the money is found after all.';
create unique index claim_write_offs_standing on claim_write_offs (business_id, payment_id) where state = 'standing';
select tenant_table('claim_write_offs', 'select, insert, update');
