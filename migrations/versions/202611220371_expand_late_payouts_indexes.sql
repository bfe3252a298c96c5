-- payme: no-transaction
-- squawk-ignore-file ban-concurrent-index-creation-in-transaction, renaming-object
-- The new index stands before the old one goes, and takes its name, by which a second payout is refused.

create unique index concurrently if not exists payouts_one_held_for_a_purpose on payouts (business_id, purpose, purpose_id)
  where purpose <> 'other' and state not in ('rejected', 'failed') and not is_displaced;
drop index concurrently if exists payouts_one_for_a_purpose;
alter index payouts_one_held_for_a_purpose rename to payouts_one_for_a_purpose;
