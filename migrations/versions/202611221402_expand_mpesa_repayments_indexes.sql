-- payme: no-transaction
-- squawk-ignore-file ban-concurrent-index-creation-in-transaction
-- A code names one account of a shop.

create unique index concurrently if not exists credit_accounts_by_code on credit_accounts (business_id, code);
