-- The town of the benchmark: what lives in its database only, so that load generators can name rows by integers.
create schema bench;
grant usage on schema bench to payme_app;

create function bench.copied(p_model uuid, p_copy integer) returns uuid
language sql immutable parallel safe as $$
  select overlay(p_model::text placing lpad(to_hex(p_copy), 8, '0') from 29)::uuid
$$;
comment on function bench.copied is 'The id that a row of the model shop has in a copy: its last 32 bits are the number of the copy.';

create function bench.new(p_random bigint, p_place integer) returns uuid
language sql stable parallel safe as $$
  select encode(int8send((date_part('epoch', now()) * 1000)::bigint << 16 | (28672 + p_place))
    || int8send(p_random | (-9223372036854775808)), 'hex')::uuid
$$;
comment on function bench.new is 'A time-ordered id of version 7 that is the same in every statement of one transaction.';

create function bench.copy_shop(p_model uuid, p_person uuid, p_copies integer) returns void
language plpgsql as $$
declare
  v_table record;
  v_columns text;
  v_values text;
begin
  -- Foreign keys hold in the model, so they hold in its copies.
  perform set_config('session_replication_role', 'replica', true);
  for v_table in
    select c.oid, c.oid::regclass as name from pg_class c
    where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace
      and exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'business_id')
      and c.relrowsecurity
  loop
    select string_agg(quote_ident(a.attname), ', ' order by a.attnum),
      string_agg(
        case when a.atttypid = 'uuid'::regtype
          then format('case when m.%1$I = $2 then $2 else bench.copied(m.%1$I, n) end', a.attname)
          else format('m.%I', a.attname) end, ', ' order by a.attnum)
    into v_columns, v_values
    from pg_attribute a
    where a.attrelid = v_table.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = '';
    execute format('insert into %s (%s) select %s from %s m cross join generate_series(1, $3) n where m.business_id = $1',
      v_table.name, v_columns, v_values, v_table.name) using p_model, p_person, p_copies;
  end loop;
end $$;
comment on function bench.copy_shop is 'Copies every row of the model shop; the person stays, all other ids become those of the copy.';
