-- Debts are repaid by M-Pesa: each credit account has a code to be typed as account, and what was repaid can be taken back.

alter table credit_accounts add column code text;
comment on column credit_accounts.code is 'What a customer types as account at the shop''s paybill: digits, for phones without letters.';

create function credit_draw_code() returns text
language sql volatile as $$
  -- A code is drawn and not counted up: a wrong digit shall lead to nobody.
  select (1000000 + floor(random() * 9000000))::bigint::text
$$;

-- Accounts that exist get theirs, each business bound in turn.
do $$
declare
  v_business uuid;
  v_account uuid;
  v_code text;
begin
  perform set_config('payme.directory', 'on', true);
  foreach v_business in array array(select business_id from businesses order by business_id) loop
    perform set_config('payme.business_id', v_business::text, true);
    for v_account in select id from credit_accounts where business_id = v_business loop
      loop
        v_code := credit_draw_code();
        exit when not exists (select from credit_accounts where business_id = v_business and code = v_code);
      end loop;
      update credit_accounts set code = v_code where business_id = v_business and id = v_account;
    end loop;
  end loop;
  perform set_config('payme.directory', '', true);
  perform set_config('payme.business_id', '', true);
end $$;

-- The release before opens accounts without naming one.
alter table credit_accounts alter column code set default credit_draw_code();
alter table credit_accounts add constraint credit_accounts_code_check check (code ~ '^[1-9][0-9]{6}$') not valid;

-- Dropped and put back wider in one transaction: no row of the release before breaks it.
-- squawk-ignore ban-drop-constraint
alter table payments drop constraint payments_purpose_check;
alter table payments
  add constraint payments_purpose_check check (purpose in ('sale', 'token_purchase', 'credit_account')) not valid;
-- squawk-ignore ban-drop-constraint
alter table credit_entries drop constraint credit_entries_kind_check;
-- squawk-ignore ban-drop-constraint
alter table credit_entries drop constraint credit_entries_check;
-- squawk-ignore ban-drop-constraint
alter table credit_entries drop constraint credit_entries_check2;
-- squawk-ignore ban-drop-constraint
alter table credit_entries drop constraint credit_entries_check3;
alter table credit_entries
  add constraint credit_entries_kind_check check (kind in ('charge', 'returned', 'refund', 'repayment', 'taken_back')) not valid,
  add constraint credit_entries_check check ((kind in ('charge', 'taken_back')) = (amount_cents > 0)) not valid,
  add constraint credit_entries_check2 check ((kind in ('repayment', 'taken_back')) = (sale_id is null)) not valid,
  add constraint credit_entries_check3 check ((kind in ('repayment', 'taken_back')) = (method <> '')) not valid;
