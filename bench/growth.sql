-- What the loader of many sales needs in the database: the shops as arrays of ids, new ids, and the sums of rows that sales share.
create table bench.growth_shops (
  number integer primary key, business uuid, branch uuid, till uuid, key uuid,
  -- As they are: a packed array would be unpacked for every id that is read of it.
  products uuid[] storage plain, batches uuid[] storage plain, accounts uuid[] storage plain);

create function bench.growth_id(p_sale bigint, p_at timestamptz, p_place integer) returns uuid
language sql immutable parallel safe as $$
  select encode(int8send((date_part('epoch', p_at) * 1000)::bigint << 16 | (28672 + p_place))
    || int8send(p_sale | (-9223372036854775808)), 'hex')::uuid
$$;
comment on function bench.growth_id is 'A time-ordered id of version 7, the same wherever the same thing of the same sale is named.';

create function bench.sum_up_shared() returns void
language plpgsql as $$
begin
  update stock_levels l set on_hand = m.quantity, value_cents = m.cost
  from (select business_id, product_id, sum(quantity) as quantity, sum(cost_cents)::bigint as cost from stock_movements group by 1, 2) m
  where l.business_id = m.business_id and l.product_id = m.product_id;
  update stock_batches b set remaining_quantity = m.quantity, remaining_cost_cents = m.cost
  from (select business_id, batch_id, sum(quantity) as quantity, sum(cost_cents)::bigint as cost from stock_movements group by 1, 2) m
  where b.business_id = m.business_id and b.id = m.batch_id;
  create temporary table moved on commit drop as
    select business_id, account, sum(amount)::bigint as balance
    from (select business_id, to_account as account, amount from postings
          union all select business_id, from_account, -amount from postings) p group by 1, 2;
  update account_balances b set balance = m.balance from moved m where b.business_id = m.business_id and b.account_id = m.account;
  update token_wallets w set balance = m.balance from moved m where w.business_id = m.business_id and w.account_id = m.account;
  insert into till_counters (business_id, till_id, last_receipt)
  select business_id, till_id, count(*) from sales group by 1, 2
  on conflict (business_id, till_id) do update set last_receipt = excluded.last_receipt;
  update sync_counters c set seq = greatest(c.seq, e.seq)
  from (select business_id, max(seq) as seq from events group by 1) e where c.business_id = e.business_id;
end $$;
comment on function bench.sum_up_shared is 'Sets what sales share to the sums of what they wrote.';
