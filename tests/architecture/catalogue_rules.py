"""What the catalogue of a migrated database must not contain, as queries that return the breaches.

Each rule is a sentence and a query; a query gets the closed list of tables without a tenant as `$1` and returns one
text per breach. `tables` in each query are ours: ordinary and partitioned ones in schema public.
"""

from dataclasses import dataclass

# Exactly these have no tenant: people and their sessions, what is unique over all businesses, the way in for
# callbacks, the job queue, the platform's settings, reference data and the records of migrations, releases and backfills.
WITHOUT_TENANT = frozenset(
    {
        "backfills",
        "callback_inbox",
        "callback_routes",
        "job_attempts",
        "job_dead_letters",
        "mpesa_outages",
        "mpesa_receipts",
        "pgqueuer",
        "pgqueuer_log",
        "pgqueuer_schedules",
        "pgqueuer_statistics",
        "platform_settings",
        "schema_migrations",
        "schema_releases",
        "sessions",
        "token_packages",
        "token_top_up_codes",
        "users",
        "vat_rates",
    }
)

# History: written once, read for ever. A correction is another row.
APPEND_ONLY = frozenset(
    {
        "audit_chain",
        "audit_log",
        "events",
        "member_terms",
        "mpesa_receipts",
        "payment_evidence",
        "postings",
        "stock_movements",
        "sync_epochs",
    }
)

# Rows that may go: replies are kept for a while, a barcode may be taken off its product.
MAY_BE_DELETED = frozenset({"idempotency_keys", "product_barcodes", "sync_audit"})

APPLICATION_ROLES = ("payme_app", "payme_worker")


@dataclass(frozen=True, slots=True)
class CatalogueRule:
    """A rule about tables that have a tenant, unless its query says otherwise."""

    sentence: str
    breaches: str


TABLES = """
with tables as (
    select c.oid as table_oid, c.relname as name, c.relrowsecurity, c.relforcerowsecurity,
           c.relname <> all ($1::text[]) as has_tenant,
           (select a.attnum from pg_attribute a where a.attrelid = c.oid and a.attname = 'business_id') as tenant_column
    from pg_class c
    where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
)
"""

RULES = (
    CatalogueRule(
        "every table has a primary key",
        "select name from tables where not exists (select from pg_index where indrelid = table_oid and indisprimary)",
    ),
    CatalogueRule(
        "every tenant table has a business_id, a uuid that is never null",
        """
        select name from tables where has_tenant and not exists (
            select from pg_attribute a
            where a.attrelid = table_oid and a.attnum = tenant_column and a.attnotnull and a.atttypid = 'uuid'::regtype)
        """,
    ),
    CatalogueRule(
        "business_id comes first in every primary key, unique key and index of a tenant table",
        """
        select name || ': ' || i.indexrelid::regclass from tables join pg_index i on i.indrelid = table_oid
        where has_tenant and i.indkey[0] is distinct from tenant_column
        """,
    ),
    CatalogueRule(
        "a foreign key between tenant tables carries business_id to business_id",
        """
        select t.name || ': ' || k.conname
        from pg_constraint k join tables t on t.table_oid = k.conrelid join tables r on r.table_oid = k.confrelid
        where k.contype = 'f' and t.has_tenant and r.has_tenant and not exists (
            select from unnest(k.conkey, k.confkey) as pair (here, there)
            where pair.here = t.tenant_column and pair.there = r.tenant_column)
        """,
    ),
    CatalogueRule(
        "a table without a tenant refers to no tenant table",
        """
        select t.name || ': ' || k.conname
        from pg_constraint k join tables t on t.table_oid = k.conrelid join tables r on r.table_oid = k.confrelid
        where k.contype = 'f' and not t.has_tenant and r.has_tenant
        """,
    ),
    CatalogueRule(
        "row-level security is on and forced on every tenant table",
        "select name from tables where has_tenant and not (relrowsecurity and relforcerowsecurity)",
    ),
    CatalogueRule(
        "every tenant table has a policy that binds reading and writing to the business of the transaction, read once",
        """
        select name from tables where has_tenant and not exists (
            select from pg_policy p
            where p.polrelid = table_oid and p.polcmd = '*' and p.polroles = '{0}'
              and pg_get_expr(p.polqual, table_oid) ~* 'business_id = \\( SELECT .*current_setting\\(''payme\\.business_id'''
              and (p.polwithcheck is null
                   or pg_get_expr(p.polwithcheck, table_oid) = pg_get_expr(p.polqual, table_oid)))
        """,
    ),
    CatalogueRule(
        "another policy of a tenant table lets nobody write, and the application nothing",
        """
        select name || ': ' || p.polname from tables join pg_policy p on p.polrelid = table_oid
        where has_tenant and p.polpermissive
          and pg_get_expr(p.polqual, table_oid) !~ 'payme\\.business_id'
          and not (p.polcmd = 'r' and pg_get_expr(p.polqual, table_oid) ~ 'CURRENT_USER <> ''payme_app''')
          and not (p.polcmd = 'r' and p.polroles = array['payme_backup'::regrole::oid]
                   and pg_get_expr(p.polqual, table_oid) ~ '^\\(CURRENT_USER = ''payme_backup''[^()]*\\)$')
        """,
    ),
    CatalogueRule(
        "the role of backups reads every table and every row of it, so that nothing is missing in a backup",
        """
        select name from tables where not has_table_privilege('payme_backup', table_oid, 'select')
        union all
        select name from tables where relrowsecurity and not exists (
            select from pg_policy p where p.polrelid = table_oid and p.polname = 'backup' and p.polcmd = 'r')
        """,
    ),
    CatalogueRule(
        "a tenant table has no trigger and no rule",
        """
        select name || ': ' || tgname from tables join pg_trigger on tgrelid = table_oid where has_tenant and not tgisinternal
        union all
        select name || ': ' || rulename from tables join pg_rewrite on ev_class = table_oid where has_tenant
        """,
    ),
    CatalogueRule(
        "no column is a float, a time without a zone, money or json text",
        """
        select name || '.' || a.attname || ': ' || format_type(a.atttypid, a.atttypmod)
        from tables join pg_attribute a on a.attrelid = table_oid
        where a.attnum > 0 and not a.attisdropped
          and a.atttypid in ('real'::regtype, 'double precision'::regtype, 'timestamp'::regtype,
                             'timetz'::regtype, 'money'::regtype, 'json'::regtype)
        """,
    ),
    CatalogueRule(
        "every amount in cents is a bigint",
        """
        select name || '.' || a.attname from tables join pg_attribute a on a.attrelid = table_oid
        where a.attname ~ '_cents$' and a.atttypid <> 'bigint'::regtype and not a.attisdropped
        """,
    ),
    CatalogueRule(
        "no function runs with the rights of its owner",
        """
        select p.oid::regprocedure::text from pg_proc p
        where p.pronamespace = 'public'::regnamespace and p.prosecdef and cardinality($1::text[]) > 0
        """,
    ),
)
