-- payme: no-transaction
-- squawk-ignore-file ban-concurrent-index-creation-in-transaction
-- Notices that changed nothing are looked through by people: few among very many.

create index concurrently if not exists callback_inbox_ignored on callback_inbox (business_id, received_at) where state = 'ignored';
