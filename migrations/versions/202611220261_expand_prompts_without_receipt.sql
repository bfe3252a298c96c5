-- payme: no-transaction
-- A notice of money looks for the prompts of its amount whose receipt is not known; cash never enters this index.

create index concurrently if not exists payments_without_receipt on payments (business_id, amount_cents, created_at)
  where method = 'mpesa_stk' and mpesa_receipt_number is null;
