"""Whether a kept database still has the tables of the migrations at hand, and their functions brought into it.

Invariant: a database whose tables, indexes, constraints or policies differ is refused, never measured.
"""

from typing import Final

import asyncpg

_SHAPE: Final = """
select c.relname || '.' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod) || ' ' || a.attnotnull
  || coalesce(' ' || pg_get_expr(d.adbin, d.adrelid), '')
from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace
union all
select conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid) from pg_constraint where connamespace = 'public'::regnamespace
union all
select pg_get_indexdef(i.indexrelid) from pg_index i join pg_class c on c.oid = i.indrelid and c.relnamespace = 'public'::regnamespace
union all
select relname || ' ' || relrowsecurity || relforcerowsecurity || coalesce(reloptions::text, '') from pg_class
where relkind = 'r' and relnamespace = 'public'::regnamespace
union all
select tablename || ' ' || policyname || ' ' || cmd || coalesce(qual, '') || coalesce(with_check, '') from pg_policies where schemaname = 'public'
"""
_FUNCTIONS: Final = """
select p.oid::regprocedure || ' ' || pg_get_function_result(p.oid) as identity, p.oid::regprocedure::text as name,
  pg_get_functiondef(p.oid) as definition
from pg_proc p where p.pronamespace = 'public'::regnamespace and p.prokind = 'f'
"""


async def renew(fresh: asyncpg.Connection, kept_dsn: str) -> None:
    """Give a kept database the functions of a fresh one. Raises: RuntimeError when its tables are others."""
    kept = await asyncpg.connect(kept_dsn)
    try:
        wanted, found = [{row[0] for row in await each.fetch(_SHAPE)} for each in (fresh, kept)]
        if wanted != found:
            differing = sorted(wanted ^ found)
            raise RuntimeError(
                f"the kept ground has other tables than this version ({differing[0]} and {len(differing) - 1} more); "
                "remove its folder, or name another"
            )
        async with kept.transaction():
            functions = {row["identity"]: row["definition"] for row in await fresh.fetch(_FUNCTIONS)}
            for row in await kept.fetch(_FUNCTIONS):
                if row["identity"] not in functions:
                    await kept.execute(f"drop function {row['name']}")
            for definition in functions.values():
                await kept.execute(definition)
    finally:
        await kept.close()
