-- People, their sessions, and what they may do in which business.

create table users (
  id uuid primary key,
  name text not null check (length(name) between 1 and 120),
  phone_encrypted bytea,
  phone_index bytea,
  email_encrypted bytea,
  email_index bytea,
  password_hash text not null,
  session_version integer not null default 1,
  platform_role text check (platform_role in ('platform_admin', 'support')),
  business_ids uuid[] not null default '{}',
  status text not null default 'active' check (status in ('active', 'disabled')),
  created_at timestamptz not null,
  constraint users_phone_index_key unique (phone_index),
  constraint users_email_index_key unique (email_index),
  check (phone_index is not null or email_index is not null)
);
comment on column users.business_ids is 'A directory: where to look for memberships without a statement that spans tenants.';
select shared_table('users', 'select, insert, update');

create table sessions (
  id uuid primary key,
  user_id uuid not null references users,
  generation integer not null default 1,
  refreshed_at timestamptz not null,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  last_seen_at timestamptz not null,
  revoked_at timestamptz,
  revoked_reason text check (revoked_reason in ('logout', 'ended', 'refresh_reused', 'password_changed', 'disabled')),
  label text not null default ''
);
create index sessions_by_user on sessions (user_id, created_at);
select shared_table('sessions', 'select, insert, update');

create table members (
  business_id uuid not null references businesses,
  user_id uuid not null references users,
  display_name text not null check (length(display_name) between 1 and 80),
  roles text[] not null check (cardinality(roles) > 0 and roles <@ array['owner', 'manager', 'cashier', 'accountant', 'auditor']),
  pin_hash text,
  status text not null default 'active' check (status in ('active', 'removed')),
  rev bigint not null default 1,
  created_at timestamptz not null,
  primary key (business_id, user_id)
);
select tenant_table('members', 'select, insert, update');

create table invitations (
  business_id uuid not null references businesses,
  id uuid not null,
  token_hash bytea not null,
  roles text[] not null check (cardinality(roles) > 0 and roles <@ array['owner', 'manager', 'cashier', 'accountant', 'auditor']),
  label text not null default '',
  invited_by uuid not null,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  accepted_by uuid,
  accepted_at timestamptz,
  revoked_at timestamptz,
  primary key (business_id, id),
  unique (business_id, token_hash)
);
select tenant_table('invitations', 'select, insert, update');

create table api_keys (
  business_id uuid not null references businesses,
  id uuid not null,
  name text not null check (length(name) between 1 and 80),
  key_hash bytea not null,
  hint text not null,
  mode text not null check (mode in ('test', 'live')),
  scopes text[] not null check (cardinality(scopes) > 0),
  created_by uuid not null,
  created_at timestamptz not null,
  last_used_at timestamptz,
  revoked_at timestamptz,
  primary key (business_id, id),
  unique (business_id, key_hash)
);
select tenant_table('api_keys', 'select, insert, update');
