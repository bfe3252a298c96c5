-- Which releases migrated this database, and how far each backfill is: what a contract revision has to wait for.

create table schema_releases (
  release text primary key check (release ~ '^[0-9]{1,5}[.][0-9]{1,5}[.][0-9]{1,5}$'),
  first_at timestamptz not null default now()
);
comment on table schema_releases is 'Written by the migration runner. A release is in support until some days after its successor''s first_at.';
select shared_table('schema_releases', 'select');

create table backfills (
  name text primary key check (name ~ '^[a-z][a-z0-9_]{2,60}$'),
  at_business_id uuid,
  position text,
  rows_done bigint not null default 0 check (rows_done >= 0),
  started_at timestamptz not null default now(),
  moved_at timestamptz not null default now(),
  walked_at timestamptz,
  left_over bigint check (left_over >= 0),
  verified_at timestamptz,
  check (verified_at is null or left_over = 0)
);
comment on column backfills.position is 'The last key that was seen, in the business at hand; committed with the batch that ends at it.';
comment on column backfills.verified_at is 'When a count found nothing left; a contract that needs the backfill runs after that.';
select shared_table('backfills', 'select, insert, update');
