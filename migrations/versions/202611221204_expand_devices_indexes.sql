-- payme: no-transaction
-- squawk-ignore-file ban-concurrent-index-creation-in-transaction
-- A device that is revoked ends the sessions that were opened at it: few among all.

create index concurrently if not exists sessions_by_device on sessions (device_id) where device_id is not null and revoked_at is null;
