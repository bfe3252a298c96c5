-- payme: no-transaction
-- squawk-ignore-file ban-concurrent-index-creation-in-transaction
-- Gaps are looked for among the notices of the last two days.

create index concurrently if not exists payment_evidence_balances on payment_evidence (business_id, paid_at) where balance_cents is not null;
create index concurrently if not exists payment_evidence_by_time on payment_evidence (business_id, received_at) where outcome = 'paid';
