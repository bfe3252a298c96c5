-- Sales and refunds say in which shift they were made, and sales to whom. Empty for those of before.

alter table sales
  add column customer_id uuid,
  add column shift_id uuid,
  add constraint sales_customer_fkey foreign key (business_id, customer_id) references customers not valid,
  add constraint sales_shift_fkey foreign key (business_id, shift_id) references shifts not valid;
alter table refunds
  add column shift_id uuid,
  add constraint refunds_shift_fkey foreign key (business_id, shift_id) references shifts not valid;
comment on column refunds.shift_id is 'From whose drawer the money goes back.';

create function sales_attribute(p_business uuid, p_sale uuid, p_customer uuid, p_shift uuid) returns void
language plpgsql as $$
begin
  update sales set customer_id = p_customer, shift_id = p_shift where business_id = p_business and id = p_sale;
end $$;
comment on function sales_attribute is 'Says of a sale that is being written whose it is.';
