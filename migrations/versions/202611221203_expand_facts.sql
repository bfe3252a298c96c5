-- Sales that a till made before the server heard of them: their number, their moment, and a token also beyond the overdraft.

create function sales_place(p_business uuid, p_sale uuid, p_till uuid, p_receipt text, p_occurred timestamptz, p_strict boolean)
returns text
language plpgsql as $$
declare
  v_receipt text;
begin
  -- The counter of the till is locked by the sale that was written a moment ago, so nobody takes the number meanwhile.
  if p_receipt is not null and exists (
    select from sales where business_id = p_business and till_id = p_till and receipt_number = p_receipt and id <> p_sale) then
    if p_strict then
      raise exception using errcode = 'PM001', message = 'sales.receipt_number_used';
    end if;
    p_receipt := null;
  end if;
  if p_receipt is not null then
    update till_counters set last_receipt = greatest(last_receipt, split_part(p_receipt, '-', 2)::bigint)
    where business_id = p_business and till_id = p_till;
  end if;
  update sales set receipt_number = coalesce(p_receipt, receipt_number), occurred_at = p_occurred
  where business_id = p_business and id = p_sale returning receipt_number into v_receipt;
  return v_receipt;
end $$;
comment on function sales_place is 'Gives a sale of this transaction the number and the moment that its till gave it; where the number is taken, the server''s own stays.';

alter table token_wallets add column widened bigint not null default 0;
comment on column token_wallets.widened is 'By how much the overdraft gave way to sales that were handed over; the next tokens bring it back.';

create function tokens_charge_gone(p_business uuid, p_quantity bigint) returns jsonb
language plpgsql as $$
declare
  v_balance bigint;
  v_reserved bigint;
  v_beyond bigint;
begin
  select greatest(0, w.reserved + p_quantity - w.balance - w.overdraft_limit) into v_beyond from token_wallets w
  where w.business_id = p_business for update;
  update token_wallets w set balance = w.balance - p_quantity, overdraft_limit = w.overdraft_limit + v_beyond, widened = w.widened + v_beyond
  where w.business_id = p_business returning w.balance, w.reserved into v_balance, v_reserved;
  return jsonb_build_object('charged', p_quantity, 'balance', v_balance, 'available', v_balance - v_reserved)
    || case when v_beyond > 0 then jsonb_build_object('beyond', true) else '{}' end;
end $$;
comment on function tokens_charge_gone is 'Takes tokens for what is gone already; where the overdraft is used up it gives way, and the answer says so.';

create or replace function tokens_credit(p_business uuid, p_quantity bigint) returns jsonb
language sql as $$
  update token_wallets w set balance = w.balance + p_quantity,
    overdraft_limit = w.overdraft_limit - least(w.widened, greatest(0, w.balance + p_quantity - w.reserved + w.overdraft_limit)),
    widened = w.widened - least(w.widened, greatest(0, w.balance + p_quantity - w.reserved + w.overdraft_limit))
  where w.business_id = p_business
  returning jsonb_build_object('credited', p_quantity, 'balance', w.balance, 'available', w.balance - w.reserved)
$$;
