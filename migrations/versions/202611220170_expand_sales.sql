-- Sales and their lines. The payments of a sale are rows of payments, by purpose.

create table sales (
  business_id uuid not null,
  id uuid not null,
  branch_id uuid not null,
  till_id uuid not null,
  receipt_number text not null,
  status text not null check (status in
    ('open', 'awaiting_payment', 'completed', 'payment_failed', 'cancelled', 'expired', 'partly_refunded', 'refunded', 'voided')),
  sold_by uuid not null,
  discount_cents bigint not null default 0 check (discount_cents >= 0),
  rounding_cents bigint not null default 0,
  total_cents bigint not null check (total_cents >= 0),
  vat_cents bigint not null check (vat_cents >= 0),
  cost_cents bigint,
  paid_cents bigint not null default 0 check (paid_cents >= 0),
  change_cents bigint not null default 0 check (change_cents >= 0),
  occurred_at timestamptz not null,
  recorded_at timestamptz not null,
  completed_at timestamptz,
  ended_at timestamptz,
  rev bigint not null default 1,
  constraint sales_pkey primary key (business_id, id),
  constraint sales_receipt_number_key unique (business_id, till_id, receipt_number),
  foreign key (business_id, branch_id) references branches,
  foreign key (business_id, till_id) references tills,
  constraint sales_paid_in_full check (status not in ('completed', 'partly_refunded', 'refunded', 'voided') or paid_cents >= total_cents),
  check ((status in ('completed', 'partly_refunded', 'refunded', 'voided')) = (completed_at is not null)),
  check (completed_at is null or cost_cents is not null)
) with (fillfactor = 90);
create index sales_by_time on sales (business_id, recorded_at, id);
select tenant_table('sales', 'select, insert, update');

create table sale_lines (
  business_id uuid not null,
  sale_id uuid not null,
  line_number integer not null check (line_number > 0),
  id uuid not null,
  product_id uuid not null,
  name text not null,
  quantity numeric(14, 3) not null check (quantity > 0),
  unit_price_cents bigint not null check (unit_price_cents >= 0),
  catalogue_price_cents bigint not null,
  discount_cents bigint not null default 0 check (discount_cents >= 0),
  total_cents bigint not null check (total_cents >= 0),
  vat_class text not null,
  vat_basis_points integer not null,
  vat_cents bigint not null,
  cost_cents bigint,
  track_stock boolean not null,
  primary key (business_id, sale_id, line_number),
  foreign key (business_id, sale_id) references sales,
  foreign key (business_id, product_id) references products
);
comment on column sale_lines.discount_cents is 'The line''s own discount and its share of the cart''s.';
select tenant_table('sale_lines', 'select, insert, update');

create function sales_is_known(p_business uuid, p_sale uuid) returns boolean
language plpgsql as $$
begin
  return p_sale is not null and exists (select from sales where business_id = p_business and id = p_sale);
end $$;
comment on function sales_is_known is 'Whether a sale exists, seen afresh after the locks that the same statement has waited for.';

create function sales_record(
  p_business uuid, p_sale uuid, p_branch uuid, p_till uuid, p_prefix text, p_status text, p_sold_by uuid, p_at timestamptz,
  p_discount bigint, p_rounding bigint, p_total bigint, p_vat bigint, p_cost bigint, p_paid bigint, p_change bigint,
  p_lines json
) returns text
language plpgsql as $$
declare
  v_number bigint;
  v_receipt text;
begin
  insert into till_counters as kept (business_id, till_id, last_receipt) values (p_business, p_till, 1)
  on conflict (business_id, till_id) do update set last_receipt = kept.last_receipt + 1 returning last_receipt into v_number;
  v_receipt := p_prefix || '-' || lpad(v_number::text, greatest(6, length(v_number::text)), '0');
  insert into sales (business_id, id, branch_id, till_id, receipt_number, status, sold_by, discount_cents, rounding_cents, total_cents,
    vat_cents, cost_cents, paid_cents, change_cents, occurred_at, recorded_at, completed_at)
  values (p_business, p_sale, p_branch, p_till, v_receipt, p_status, p_sold_by, p_discount, p_rounding, p_total,
    p_vat, p_cost, p_paid, p_change, p_at, p_at, case when p_status = 'completed' then p_at end);
  insert into sale_lines (business_id, sale_id, line_number, id, product_id, name, quantity, unit_price_cents, catalogue_price_cents,
    discount_cents, total_cents, vat_class, vat_basis_points, vat_cents, cost_cents, track_stock)
  select p_business, p_sale, t.n, t.id, t.product_id, t.name, t.quantity, t.price, t.catalogue_price,
    t.discount, t.total, t.vat_class, t.rate, t.vat, t.cost, t.tracked
  from json_to_recordset(p_lines) t (n integer, id uuid, product_id uuid, name text, quantity numeric, price bigint,
    catalogue_price bigint, discount bigint, total bigint, vat_class text, rate integer, vat bigint, cost bigint, tracked boolean);
  return v_receipt;
end $$;
comment on function sales_record is 'Takes the next receipt number of the till and writes the sale with its lines.';
