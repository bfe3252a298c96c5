-- payme: no-transaction
-- Found by fingerprint while shops go on selling.
create index concurrently if not exists guests_by_phone on guests (business_id, phone_index);
