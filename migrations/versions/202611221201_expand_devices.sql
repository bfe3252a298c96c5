-- Tills as devices: registered by a code, known by a credential of their own, signed in to by PIN.
-- What somebody was at a moment of the past, because a sale made offline is judged by the day it was made.

create table devices (
  business_id uuid not null references businesses,
  id uuid not null,
  name text not null check (length(name) between 1 and 80),
  till_id uuid not null,
  branch_id uuid not null,
  credential_hash bytea not null,
  next_hash bytea,
  registered_by uuid not null,
  registered_at timestamptz not null,
  last_seen_at timestamptz not null,
  revoked_at timestamptz,
  revoked_by uuid,
  rev bigint not null default 1,
  primary key (business_id, id),
  constraint devices_till_key unique (business_id, till_id),
  unique (business_id, credential_hash),
  foreign key (business_id, till_id) references tills,
  foreign key (business_id, branch_id) references branches,
  check ((revoked_at is null) = (revoked_by is null))
);
comment on column devices.next_hash is 'A new credential that was handed out; the old one is good until this one is first used.';
create unique index devices_by_next_hash on devices (business_id, next_hash) where next_hash is not null;
select tenant_table('devices', 'select, insert, update');

create table device_codes (
  business_id uuid not null references businesses,
  id uuid not null,
  code_hash bytea not null,
  name text not null check (length(name) between 1 and 80),
  branch_id uuid,
  made_by uuid not null,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  used_at timestamptz,
  primary key (business_id, id),
  unique (business_id, code_hash),
  foreign key (business_id, branch_id) references branches
);
select tenant_table('device_codes', 'select, insert, update');

create table device_pin_tries (
  business_id uuid not null,
  device_id uuid not null,
  user_id uuid not null,
  wrong integer not null check (wrong >= 0),
  tried_at timestamptz not null,
  primary key (business_id, device_id, user_id),
  foreign key (business_id, device_id) references devices
);
comment on table device_pin_tries is 'Wrong PINs of a person at a device since the last right one; only a manager sets them back.';
select tenant_table('device_pin_tries', 'select, insert, update');

alter table sessions add column device_id uuid;
alter table sessions add column opened_in uuid;
comment on column sessions.opened_in is 'The business of the device that a session was opened at by PIN; it opens no other.';
alter table sessions add constraint sessions_of_device check ((device_id is null) = (opened_in is null)) not valid;

create table member_terms (
  business_id uuid not null,
  id uuid not null default gen_random_uuid(),
  user_id uuid not null,
  since timestamptz not null,
  roles text[] not null,
  is_active boolean not null,
  primary key (business_id, id),
  foreign key (business_id, user_id) references members
);
comment on table member_terms is 'What a member was from an instant on, until the next row.';
create index member_terms_by_member on member_terms (business_id, user_id, since);
select tenant_table('member_terms', 'select, insert');
insert into member_terms (business_id, user_id, since, roles, is_active)
select business_id, user_id, created_at, roles, status = 'active' from members;

create function identity_lock_device(p_business uuid, p_device uuid) returns json
language plpgsql as $$
declare
  v_device json;
begin
  select json_build_object('id', id, 'name', name, 'till_id', till_id, 'branch_id', branch_id, 'revoked_at', revoked_at)
  into v_device from devices where business_id = p_business and id = p_device for no key update;
  return v_device;
end $$;
comment on function identity_lock_device is 'Locks a device, so that what it sends is taken in one after the other, and returns what it is.';

create function identity_staff_at(p_business uuid, p_user uuid, p_at timestamptz) returns json
language sql stable as $$
  select json_build_object('name', m.display_name, 'roles', coalesce(then_.roles, m.roles), 'was_active', coalesce(then_.is_active, true),
    'is_active', m.status = 'active')
  from members m
  left join lateral (
    select t.roles, t.is_active from member_terms t
    where t.business_id = m.business_id and t.user_id = m.user_id and t.since <= p_at order by t.since desc limit 1) then_ on true
  where m.business_id = p_business and m.user_id = p_user
$$;
comment on function identity_staff_at is 'What somebody was at an instant, and whether they are a member now; before their first day, what they are.';
