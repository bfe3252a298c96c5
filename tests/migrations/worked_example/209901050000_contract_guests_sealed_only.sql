-- Step 5. New rows have to bring both; old ones were counted, and are tried by the next revision.
-- payme: unused-since 0.4.0
-- payme: after-backfill guest_phones
-- payme: lock-seconds 1

alter table guests add constraint guests_phone_is_sealed
  check (phone_encrypted is not null and phone_index is not null) not valid;
