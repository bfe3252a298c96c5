-- Pull: the payments of a short code, asked for instead of waited for.

alter table payment_methods
  add column pull_number_encrypted bytea,
  add column initiator_name text,
  add column initiator_password_encrypted bytea;
comment on column payment_methods.pull_number_encrypted is 'The phone in the short code''s papers, which opens Pull; without it nothing is pulled.';
comment on column payment_methods.initiator_name is 'The API operator who may order payouts and reversals and ask for status and balance.';

create table pull_windows (
  business_id uuid not null references businesses,
  shortcode text not null check (shortcode ~ '^[0-9]{5,7}$'),
  covered_from timestamptz not null,
  covered_until timestamptz not null,
  registered_at timestamptz,
  asked_at timestamptz not null,
  note text not null default '',
  primary key (business_id, shortcode),
  check (covered_from <= covered_until)
);
comment on table pull_windows is 'The stretch of time, without a gap, in which every payment to a short code has been pulled.';
select tenant_table('pull_windows', 'select, insert, update');
