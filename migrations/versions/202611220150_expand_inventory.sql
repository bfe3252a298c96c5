-- What is in the shop, in which batches it came, what it cost, and every movement of it.
-- The stock level of a product is the lock for all of its batches, owed layers and reservations.

create table stock_levels (
  business_id uuid not null,
  product_id uuid not null,
  on_hand numeric(14, 3) not null default 0,
  reserved numeric(14, 3) not null default 0 check (reserved >= 0),
  value_cents bigint not null default 0,
  last_unit_cost_cents bigint not null default 0,
  primary key (business_id, product_id),
  foreign key (business_id, product_id) references products
) with (fillfactor = 60);
comment on column stock_levels.value_cents is 'Remaining cost of the batches less that of the owed layers.';
select tenant_table('stock_levels', 'select, insert, update');

create table stock_batches (
  business_id uuid not null,
  id uuid not null,
  product_id uuid not null,
  received_at timestamptz not null,
  expires_on date,
  received_quantity numeric(14, 3) not null check (received_quantity > 0),
  received_cost_cents bigint not null check (received_cost_cents >= 0),
  remaining_quantity numeric(14, 3) not null,
  remaining_cost_cents bigint not null,
  -- The index reads this and not the quantity, so that an ordinary sale stays a HOT update.
  is_open boolean generated always as (remaining_quantity > 0) stored,
  primary key (business_id, id),
  foreign key (business_id, product_id) references products,
  check (remaining_quantity between 0 and received_quantity),
  check (remaining_cost_cents between 0 and received_cost_cents),
  check (remaining_quantity > 0 or remaining_cost_cents = 0)
) with (fillfactor = 60);
create index stock_batches_open on stock_batches (business_id, product_id, received_at, id) where is_open;
select tenant_table('stock_batches', 'select, insert, update');

create table stock_owed (
  business_id uuid not null,
  id uuid not null,
  product_id uuid not null,
  cause uuid not null,
  owed_at timestamptz not null,
  quantity numeric(14, 3) not null check (quantity > 0),
  cost_cents bigint not null check (cost_cents >= 0),
  remaining_quantity numeric(14, 3) not null,
  remaining_cost_cents bigint not null,
  is_open boolean generated always as (remaining_quantity > 0) stored,
  primary key (business_id, id),
  foreign key (business_id, product_id) references products,
  check (remaining_quantity between 0 and quantity),
  check (remaining_cost_cents between 0 and cost_cents)
);
comment on table stock_owed is 'Layers sold before they were received, at a provisional cost; the next receipt trues them up.';
create index stock_owed_open on stock_owed (business_id, product_id, owed_at, id) where is_open;
select tenant_table('stock_owed', 'select, insert, update');

create table stock_movements (
  business_id uuid not null,
  id uuid not null,
  product_id uuid not null,
  batch_id uuid,
  owed_id uuid,
  kind text not null check (kind in ('purchase', 'sale', 'return_in', 'return_out', 'adjustment', 'spoilage', 'transfer', 'stock_count', 'true_up')),
  spoilage_type text check (spoilage_type in ('expiration', 'damage', 'storage', 'handling', 'theft', 'other')),
  quantity numeric(14, 3) not null,
  cost_cents bigint not null,
  reason text not null default '',
  cause uuid not null,
  actor_id uuid not null,
  occurred_at timestamptz not null,
  recorded_at timestamptz not null default now(),
  primary key (business_id, id),
  foreign key (business_id, product_id) references products,
  foreign key (business_id, batch_id) references stock_batches,
  foreign key (business_id, owed_id) references stock_owed,
  check ((kind = 'spoilage') = (spoilage_type is not null))
);
comment on table stock_movements is 'Signed quantity and cost; the sums over a product are its level and its value.';
create unique index stock_movements_once on stock_movements (business_id, cause, kind, product_id, coalesce(batch_id, owed_id));
create index stock_movements_by_product on stock_movements (business_id, product_id, recorded_at);
select tenant_table('stock_movements', 'select, insert');

create table stock_reservations (
  business_id uuid not null,
  id uuid not null,
  cause uuid not null,
  product_id uuid not null,
  quantity numeric(14, 3) not null check (quantity > 0),
  state text not null default 'held' check (state in ('held', 'consumed', 'released')),
  created_at timestamptz not null,
  ended_at timestamptz,
  primary key (business_id, id),
  foreign key (business_id, product_id) references products,
  check ((state = 'held') = (ended_at is null))
);
create unique index stock_reservations_open on stock_reservations (business_id, cause, product_id) where state = 'held';
select tenant_table('stock_reservations', 'select, insert, update');

create function inventory_lock_stock(p_business uuid, p_products uuid[]) returns json
language plpgsql as $$
declare
  v_locked stock_levels[];
begin
  select array_agg(l) into v_locked from (
    select * from stock_levels where business_id = p_business and product_id = any (p_products) order by product_id for update) l;
  -- A new statement sees the batches that were committed while the lock was awaited.
  return (
    select coalesce(json_agg(json_build_array(l.product_id, l.on_hand::text, l.reserved::text, l.last_unit_cost_cents,
      (select coalesce(json_agg(json_build_array(b.id, b.remaining_quantity::text, b.remaining_cost_cents)
          order by b.expires_on nulls last, b.received_at, b.id), '[]')
        from stock_batches b where b.business_id = p_business and b.product_id = l.product_id and b.is_open))), '[]')
    from unnest(v_locked) l);
end $$;
comment on function inventory_lock_stock is 'Locks levels in product order and returns them with their open batches, first to expire, then first received, first.';

create function inventory_take(
  p_business uuid, p_cause uuid, p_kind text, p_actor uuid, p_occurred_at timestamptz, p_reserved boolean,
  p_movements uuid[], p_products uuid[], p_batches uuid[], p_quantities numeric[], p_costs bigint[],
  p_spoilage_type text default null, p_reason text default ''
) returns void
language plpgsql as $$
begin
  -- One row for each batch; a null batch is a quantity owed, which becomes a layer under the movement's own id.
  if array_position(p_batches, null) is not null then
    insert into stock_owed (business_id, id, product_id, cause, owed_at, quantity, cost_cents, remaining_quantity, remaining_cost_cents)
    select p_business, t.id, t.product_id, p_cause, p_occurred_at, t.quantity, t.cost_cents, t.quantity, t.cost_cents
    from unnest(p_movements, p_products, p_batches, p_quantities, p_costs) t (id, product_id, batch_id, quantity, cost_cents)
    where t.batch_id is null;
  end if;
  update stock_batches b
  set remaining_quantity = b.remaining_quantity - t.quantity, remaining_cost_cents = b.remaining_cost_cents - t.cost_cents
  from unnest(p_batches, p_quantities, p_costs) t (batch_id, quantity, cost_cents)
  where b.business_id = p_business and b.id = t.batch_id;
  update stock_levels l
  set on_hand = l.on_hand - t.quantity, value_cents = l.value_cents - t.cost_cents,
      reserved = l.reserved - case when p_reserved then t.quantity else 0 end
  from (select u.product_id, sum(u.quantity) as quantity, sum(u.cost_cents)::bigint as cost_cents
        from unnest(p_products, p_quantities, p_costs) u (product_id, quantity, cost_cents) group by u.product_id) t
  where l.business_id = p_business and l.product_id = t.product_id;
  if p_reserved then
    update stock_reservations r set state = 'consumed', ended_at = p_occurred_at
    where r.business_id = p_business and r.cause = p_cause and r.state = 'held';
  end if;
  insert into stock_movements (business_id, id, product_id, batch_id, owed_id, kind, spoilage_type, quantity, cost_cents, reason, cause,
    actor_id, occurred_at)
  select p_business, t.id, t.product_id, t.batch_id, case when t.batch_id is null then t.id end, p_kind, p_spoilage_type, -t.quantity,
    -t.cost_cents, p_reason, p_cause, p_actor, p_occurred_at
  from unnest(p_movements, p_products, p_batches, p_quantities, p_costs) t (id, product_id, batch_id, quantity, cost_cents);
end $$;
comment on function inventory_take is 'Takes what the rules decided out of batches and levels; the caller holds the levels'' locks.';

create function inventory_reserve(p_business uuid, p_cause uuid, p_at timestamptz, p_ids uuid[], p_products uuid[], p_quantities numeric[]) returns void
language plpgsql as $$
begin
  insert into stock_reservations (business_id, id, cause, product_id, quantity, created_at)
  select p_business, t.id, p_cause, t.product_id, t.quantity, p_at from unnest(p_ids, p_products, p_quantities) t (id, product_id, quantity);
  update stock_levels l set reserved = l.reserved + t.quantity
  from unnest(p_products, p_quantities) t (product_id, quantity)
  where l.business_id = p_business and l.product_id = t.product_id;
end $$;
comment on function inventory_reserve is 'Sets stock aside for a cause, one row a product; the caller holds the levels'' locks.';

create function inventory_release(p_business uuid, p_cause uuid, p_at timestamptz) returns integer
language plpgsql as $$
declare
  v_released integer;
begin
  perform 1 from stock_levels l where l.business_id = p_business and l.product_id in (
    select r.product_id from stock_reservations r where r.business_id = p_business and r.cause = p_cause and r.state = 'held')
  order by l.product_id for update;
  with ended as (
    update stock_reservations r set state = 'released', ended_at = p_at
    where r.business_id = p_business and r.cause = p_cause and r.state = 'held' returning r.product_id, r.quantity)
  update stock_levels l set reserved = l.reserved - e.quantity from ended e
  where l.business_id = p_business and l.product_id = e.product_id;
  get diagnostics v_released = row_count;
  return v_released;
end $$;
comment on function inventory_release is 'Gives back what a cause had set aside; nothing held is not an error.';

create function inventory_bring_in(
  p_business uuid, p_cause uuid, p_movement uuid, p_kind text, p_actor uuid, p_occurred_at timestamptz, p_reason text, p_product uuid, p_expires_on date,
  p_quantity numeric, p_cost bigint, p_left_quantity numeric, p_left_cost bigint, p_last_unit_cost bigint, p_settlements jsonb
) returns void
language plpgsql as $$
begin
  -- The batch keeps what arrived and what is left of it; its id is the cause, so that one cause brings goods in once.
  insert into stock_batches (business_id, id, product_id, received_at, expires_on, received_quantity, received_cost_cents,
    remaining_quantity, remaining_cost_cents)
  values (p_business, p_cause, p_product, p_occurred_at, p_expires_on, p_quantity, p_cost, p_left_quantity, p_left_cost);
  insert into stock_movements (business_id, id, product_id, batch_id, kind, quantity, cost_cents, reason, cause, actor_id, occurred_at)
  values (p_business, p_movement, p_product, p_cause, p_kind, p_quantity, p_cost, p_reason, p_cause, p_actor, p_occurred_at);
  -- What was sold before it came: its quantity left with the sale, so only the difference in cost moves.
  with settled as (
    update stock_owed o
    set remaining_quantity = o.remaining_quantity - t.quantity, remaining_cost_cents = o.remaining_cost_cents - t.provisional_cents
    from jsonb_to_recordset(p_settlements) t (id uuid, owed_id uuid, quantity numeric, provisional_cents bigint, actual_cents bigint)
    where o.business_id = p_business and o.id = t.owed_id
    returning t.id, o.id as owed_id, t.provisional_cents - t.actual_cents as variance_cents)
  insert into stock_movements (business_id, id, product_id, owed_id, kind, quantity, cost_cents, cause, actor_id, occurred_at)
  select p_business, s.id, p_product, s.owed_id, 'true_up', 0, s.variance_cents, p_cause, p_actor, p_occurred_at from settled s;
  update stock_levels l
  set on_hand = l.on_hand + p_quantity, last_unit_cost_cents = coalesce(p_last_unit_cost, l.last_unit_cost_cents),
      value_cents = l.value_cents + p_cost + (
        select coalesce(sum(t.provisional_cents - t.actual_cents), 0)
        from jsonb_to_recordset(p_settlements) t (provisional_cents bigint, actual_cents bigint))
  where l.business_id = p_business and l.product_id = p_product;
end $$;
comment on function inventory_bring_in is 'Opens a batch and settles the owed layers that the rules chose; the caller holds the level''s lock.';
