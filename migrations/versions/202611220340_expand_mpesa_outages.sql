-- What is shared of how M-Pesa may be called: whose turn it is to ask, and which of its products are down.

create table daraja_turns (
  business_id uuid not null references businesses,
  app_key text not null,
  product text not null,
  allowed_at timestamptz not null,
  primary key (business_id, app_key, product)
);
comment on table daraja_turns is 'When an app may ask a product again; one row is one limiter, shared by every process.';
select tenant_table('daraja_turns', 'select, insert, update');

create table mpesa_outages (
  product text primary key,
  since timestamptz not null,
  rests_until timestamptz not null
);
comment on table mpesa_outages is 'Products that gave no answer lately and are left alone; a row counts until a while after rests_until.';
select shared_table('mpesa_outages', 'select, insert, update, delete');
