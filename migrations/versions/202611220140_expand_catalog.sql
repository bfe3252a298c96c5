-- What is sold, under which codes, and at which VAT.

create table vat_rates (
  vat_class text not null check (vat_class in ('A', 'B', 'C', 'D', 'E')),
  valid_from date not null,
  rate_basis_points integer not null check (rate_basis_points between 0 and 10000),
  name text not null,
  primary key (vat_class, valid_from)
);
-- Source: PayMe's product rules; a change of rate is a new row, so that a past sale keeps the rate of its day.
insert into vat_rates (vat_class, valid_from, rate_basis_points, name) values
  ('A', '2000-01-01', 0, 'Exempt'), ('B', '2000-01-01', 1600, 'Standard'), ('C', '2000-01-01', 0, 'Zero-rated'),
  ('D', '2000-01-01', 0, 'Non-VAT'), ('E', '2000-01-01', 800, 'Reduced');
select shared_table('vat_rates', 'select');

create table products (
  business_id uuid not null references businesses,
  id uuid not null,
  name text not null check (length(name) between 1 and 200),
  sku text check (length(sku) between 1 and 64),
  unit text not null default 'each' check (length(unit) between 1 and 16),
  category text not null default '' check (length(category) <= 80),
  price_cents bigint not null check (price_cents between 0 and 100000000000),
  buying_price_cents bigint check (buying_price_cents between 0 and 100000000000),
  vat_class text not null default 'B' check (vat_class in ('A', 'B', 'C', 'D', 'E')),
  reorder_point numeric(14, 3) check (reorder_point >= 0),
  track_stock boolean not null default true,
  track_expiry boolean not null default false,
  active boolean not null default true,
  rev bigint not null default 1,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  primary key (business_id, id),
  constraint products_sku_key unique (business_id, sku)
);
create index products_by_name on products (business_id, lower(name), id);
select tenant_table('products', 'select, insert, update');

create table product_barcodes (
  business_id uuid not null,
  barcode text not null check (barcode ~ '^[0-9A-Za-z._-]{3,64}$'),
  product_id uuid not null,
  constraint product_barcodes_pkey primary key (business_id, barcode),
  foreign key (business_id, product_id) references products
);
create index product_barcodes_by_product on product_barcodes (business_id, product_id);
select tenant_table('product_barcodes', 'select, insert, delete');

create function catalog_sale_facts(p_business uuid, p_products uuid[], p_on date) returns json
language sql stable as $$
  select coalesce(json_agg(json_build_object(
    'id', p.id, 'name', p.name, 'unit', p.unit, 'price_cents', p.price_cents, 'vat_class', p.vat_class, 'active', p.active,
    'track_stock', p.track_stock, 'rate_basis_points',
    (select r.rate_basis_points from vat_rates r where r.vat_class = p.vat_class and r.valid_from <= p_on
     order by r.valid_from desc limit 1))), '[]')
  from products p where p.business_id = p_business and p.id = any (p_products)
$$;
comment on function catalog_sale_facts is 'What a sale must know of its products, at the VAT rates of a day; unknown products are absent.';
