#!/bin/sh
# Run once by the postgres image, in a new cluster: the database, and an owner that may make roles but is no superuser, so that
# row-level security binds it too. PAYME_OWNER_PASSWORD is its password.
set -eu
: "${PAYME_OWNER_PASSWORD:?}"

psql --quiet --no-psqlrc --set=ON_ERROR_STOP=1 --username="${POSTGRES_USER:-postgres}" --dbname=postgres <<'SQL'
\getenv password PAYME_OWNER_PASSWORD
create role payme_owner login createrole password :'password';
create database payme owner payme_owner;
SQL
