-- Money that somebody sends by hand to the platform's paybill names a wallet by its code.

create table token_top_up_codes (
  business_id uuid not null,
  code text not null check (code ~ '^[1-9][0-9]{8}$'),
  primary key (code),
  unique (business_id)
);
comment on table token_top_up_codes is 'What a customer types as account at the platform''s paybill: digits, for phones without letters.';
select shared_table('token_top_up_codes', 'select, insert');

create function tokens_give_code(p_business uuid) returns void
language plpgsql as $$
begin
  while not exists (select from token_top_up_codes where business_id = p_business) loop
    -- A code is drawn and not counted up: a wrong digit shall lead to nobody.
    insert into token_top_up_codes (business_id, code)
    values (p_business, (100000000 + floor(random() * 900000000))::bigint::text)
    on conflict do nothing;
  end loop;
end $$;

select tokens_give_code(w.business_id) from token_wallets w;
