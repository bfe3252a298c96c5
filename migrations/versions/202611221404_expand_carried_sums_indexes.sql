-- payme: no-transaction
-- squawk-ignore-file ban-concurrent-index-creation-in-transaction
-- A day's evidence is found by the day, and what has changed since by when it did.

create index concurrently if not exists payments_moved on payments (business_id, moved_at) where moved_at is not null;
create index concurrently if not exists unclaimed_money_moved on unclaimed_money (business_id, moved_at) where moved_at is not null;
create index concurrently if not exists unclaimed_money_claimed_as on unclaimed_money (business_id, claimed_as) where claimed_as is not null;
create index concurrently if not exists mpesa_receipts_by_time on mpesa_receipts (business_id, recorded_at);
create index concurrently if not exists payment_evidence_by_receipt on payment_evidence (business_id, mpesa_receipt_number)
  where outcome = 'paid' and mpesa_receipt_number is not null and amount_cents is not null;
create index concurrently if not exists payment_evidence_by_time on payment_evidence (business_id, received_at)
  where outcome = 'paid' and mpesa_receipt_number is not null and amount_cents is not null;
