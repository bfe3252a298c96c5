-- What goods cost at an instant of the past, because a sale made offline is held against the price of its moment.

create table product_prices (
  business_id uuid not null,
  product_id uuid not null,
  since timestamptz not null,
  price_cents bigint not null check (price_cents >= 0),
  primary key (business_id, product_id, since),
  foreign key (business_id, product_id) references products
);
comment on table product_prices is 'The price of a product from an instant on, until the next row.';
select tenant_table('product_prices', 'select, insert');
insert into product_prices (business_id, product_id, since, price_cents) select business_id, id, created_at, price_cents from products;

create function catalog_prices_at(p_business uuid, p_products uuid[], p_at timestamptz) returns json
language sql stable as $$
  select coalesce(json_object_agg(p.product_id, p.price_cents), '{}') from (
    select distinct on (product_id) product_id, price_cents from product_prices
    where business_id = p_business and product_id = any (p_products) and since <= p_at order by product_id, since desc) p
$$;
comment on function catalog_prices_at is 'The price of each product at an instant; a product that was not there yet is absent.';
