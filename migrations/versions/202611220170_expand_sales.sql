-- Sales and their lines. The payments of a sale are rows of payments, by purpose.

create table sales (
  business_id uuid not null references businesses,
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
