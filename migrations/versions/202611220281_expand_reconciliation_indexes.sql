-- payme: no-transaction
-- squawk-ignore-file ban-concurrent-index-creation-in-transaction
-- What ended on a day is found by when; cash, which ends as it is made, never enters these indexes.

create index concurrently if not exists payments_by_end on payments (business_id, ended_at, id)
  where method not in ('cash', 'card_recorded', 'credit');
create index concurrently if not exists unclaimed_money_by_time on unclaimed_money (business_id, received_at, id);
create index concurrently if not exists payouts_by_end on payouts (business_id, ended_at, id);
