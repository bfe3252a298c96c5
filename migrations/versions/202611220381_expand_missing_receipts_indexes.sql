-- payme: no-transaction
-- squawk-ignore-file ban-concurrent-index-creation-in-transaction
-- What a query credited and no receipt came for is looked for among all payments of a shop; there are few.

create index concurrently if not exists payments_never_seen on payments (business_id, created_at)
  where method = 'mpesa_stk' and status = 'succeeded' and mpesa_receipt_number is null;
