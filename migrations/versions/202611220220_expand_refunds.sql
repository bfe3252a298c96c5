-- Refunds and voids of sales: what goes back, line by line, and how far it has come.

create table refunds (
  business_id uuid not null,
  id uuid not null,
  sale_id uuid not null,
  kind text not null check (kind in ('refund', 'void')),
  method text not null check (method in ('cash', 'mpesa', 'as_paid')),
  state text not null check (state in ('awaiting_approval', 'pending', 'completed', 'failed', 'rejected')),
  amount_cents bigint not null check (amount_cents >= 0),
  rounding_cents bigint not null,
  vat_cents bigint not null check (vat_cents >= 0),
  cost_cents bigint not null check (cost_cents >= 0),
  reason text not null default '',
  requested_by uuid not null,
  requested_at timestamptz not null,
  approval_id uuid,
  approved_by uuid,
  evidence jsonb not null default '{}',
  end_reason text not null default '',
  ended_at timestamptz,
  rev bigint not null default 1,
  constraint refunds_pkey primary key (business_id, id),
  foreign key (business_id, sale_id) references sales,
  foreign key (business_id, approval_id) references approvals,
  check ((kind = 'void') = (method = 'as_paid')),
  check ((state in ('completed', 'failed', 'rejected')) = (ended_at is not null)),
  check (state <> 'awaiting_approval' or approval_id is not null)
);
comment on column refunds.method is 'as_paid: each counted part goes back the way it came.';
comment on column refunds.rounding_cents is 'What the amount is above its lines: the sale''s cash rounding, with the part that completes the return.';
create index refunds_by_sale on refunds (business_id, sale_id, id);
select tenant_table('refunds', 'select, insert, update');

create table refund_lines (
  business_id uuid not null,
  refund_id uuid not null,
  line_number integer not null check (line_number > 0),
  id uuid not null,
  sale_id uuid not null,
  sale_line_number integer not null,
  quantity numeric(14, 3) not null check (quantity > 0),
  amount_cents bigint not null check (amount_cents >= 0),
  vat_cents bigint not null check (vat_cents >= 0),
  cost_cents bigint not null check (cost_cents >= 0),
  restock text not null check (restock in ('shelf', 'spoilage', 'none')),
  primary key (business_id, refund_id, line_number),
  foreign key (business_id, refund_id) references refunds,
  foreign key (business_id, sale_id, sale_line_number) references sale_lines
);
comment on column refund_lines.restock is 'Where the goods went; none: no stock is kept of them.';
create index refund_lines_by_sale on refund_lines (business_id, sale_id, sale_line_number);
select tenant_table('refund_lines', 'select, insert');
