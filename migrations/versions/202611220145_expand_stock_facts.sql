-- What the stock room must know from the ground and from the catalogue.

create function sync_collection_seq(p_business uuid, p_collection text) returns bigint
language sql stable as $$
  select coalesce(max(seq), 0) from sync_changes where business_id = p_business and collection = p_collection
$$;
comment on function sync_collection_seq is 'The newest change of a collection: a list of it is as old as this number says.';

create function catalog_reorder_points(p_business uuid) returns table (product_id uuid, name text, reorder_point numeric)
language sql stable as $$
  select p.id, p.name, p.reorder_point from products p
  where p.business_id = p_business and p.active and p.track_stock and p.reorder_point is not null
$$;
comment on function catalog_reorder_points is 'Active products whose stock is counted and that say when to order more.';
