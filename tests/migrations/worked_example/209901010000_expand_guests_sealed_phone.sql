-- Step 1. Columns beside the old one; each takes a moment, for none of them has a default.
-- payme: lock-seconds 1
-- payme: statement-seconds 10

alter table guests
  add column phone_encrypted bytea,
  add column phone_index bytea;
