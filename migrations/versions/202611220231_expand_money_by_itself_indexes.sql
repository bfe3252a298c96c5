-- payme: no-transaction
-- squawk-ignore-file ban-concurrent-index-creation-in-transaction
-- What a receipt, a reference, a tray and an unpaid sale are found by; tables that grow are not locked for it.

create unique index concurrently if not exists payments_receipt on payments (business_id, mpesa_receipt_number) where mpesa_receipt_number is not null;
create index concurrently if not exists payments_account_reference on payments (business_id, account_reference) where account_reference is not null;
create index concurrently if not exists payment_evidence_by_effect on payment_evidence (business_id, payment_id) where effect = 'claimed_elsewhere';
create unique index concurrently if not exists unclaimed_money_receipt on unclaimed_money (business_id, mpesa_receipt_number) where payment_id is null;
create index concurrently if not exists unclaimed_money_open on unclaimed_money (business_id, received_at, id) where state = 'unclaimed';
create index concurrently if not exists sales_unpaid on sales (business_id, recorded_at) where status in ('awaiting_payment', 'payment_failed', 'expired');
