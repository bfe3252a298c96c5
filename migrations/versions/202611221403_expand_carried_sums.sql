-- The daily proof adds up what has changed and carries the rest forward, instead of all evidence ever received at each run.

alter table payments add column moved_at timestamptz;
comment on column payments.moved_at is 'When anything changed of it that says where its money is; empty where nothing has since this column is.';
alter table unclaimed_money add column moved_at timestamptz;
comment on column unclaimed_money.moved_at is 'When it last found another place; empty where it has not since this column is.';

create table mpesa_days (
  business_id uuid not null references businesses,
  day date not null,
  shortcode text not null,
  received_cents bigint not null,
  applied_cents bigint not null,
  unclaimed_cents bigint not null,
  returned_cents bigint not null,
  primary key (business_id, day, shortcode)
);
comment on table mpesa_days is 'Where the evidence of a day of UTC that is over stands now, by short code; carried forward from run to run.';
select tenant_table('mpesa_days', 'select, insert, update');

create table mpesa_sum_marks (
  business_id uuid not null references businesses,
  closed_until timestamptz not null,
  summed_at timestamptz not null,
  checked_at timestamptz not null,
  primary key (business_id)
);
comment on table mpesa_sum_marks is 'Until when days are carried, when they were last brought up to date, and when last added up anew.';
select tenant_table('mpesa_sum_marks', 'select, insert, update');
