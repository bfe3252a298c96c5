-- Postings of one event name their accounts by code; the codes are looked up once, and what follows knows the ids.

create or replace function ledger_post(
  p_business uuid, p_transaction uuid, p_occurred_at timestamptz[],
  p_kinds text[], p_from text[], p_to text[], p_amounts bigint[], p_causes uuid[]
) returns void
language plpgsql as $$
declare
  v_posted bigint;
  v_accounts uuid[];
  v_deltas bigint[];
begin
  with posted as (
    insert into postings (business_id, transaction_id, kind, from_account, to_account, amount, unit, cause, occurred_at)
    select p_business, p_transaction, t.kind, f.id, g.id, t.amount, f.unit, t.cause, t.occurred_at
    from unnest(p_occurred_at, p_kinds, p_from, p_to, p_amounts, p_causes) t (occurred_at, kind, source, target, amount, cause)
    join accounts f on f.business_id = p_business and f.code = t.source
    join accounts g on g.business_id = p_business and g.code = t.target and g.unit = f.unit
    returning from_account, to_account, amount
  ), moved as (
    select m.account_id, sum(m.amount)::bigint as delta
    from (select to_account as account_id, amount from posted union all select from_account, -amount from posted) m
    group by m.account_id
  )
  select (select count(*) from posted), array_agg(d.account_id), array_agg(d.delta)
  into v_posted, v_accounts, v_deltas
  from moved d where d.delta <> 0;
  if v_posted <> cardinality(p_kinds) then
    raise exception using errcode = 'PM001', message = 'ledger.account_missing',
      detail = json_build_object('accounts', to_json(p_from || p_to))::text;
  end if;
  -- Balances are locked in the order of their ids, each seen fresh after the wait. The wallet keeps the balance of its own account.
  perform 1 from account_balances b
  where b.business_id = p_business and b.account_id = any (v_accounts)
  order by b.account_id for update;
  update account_balances b set balance = b.balance + d.delta
  from unnest(v_accounts, v_deltas) d (account_id, delta)
  where b.business_id = p_business and b.account_id = d.account_id;
end $$;
