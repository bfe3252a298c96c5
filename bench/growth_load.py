"""Years of sales in minutes: one recorded sale, multiplied over the town's shops by COPY, in every table in which it left new rows.

What a row of the copy holds is read off the recorded sale's own rows, so nothing here knows a table of the sale. Rows are
computed by one connection and taken by another as frozen ones, without their indexes, which are built afterwards; rows that
sales share (levels, batches, balances, counters) are set to the sums. Invariant: a loaded database holds to every invariant.
"""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import asyncpg
from pydantic import TypeAdapter

from bench.pgbench_script import UUID_TEXT
from bench.recording import LINES
from bench.town import Model, copied

CHUNK: Final = 50_000
YEAR_SECONDS: Final = 365 * 24 * 3600
KEPT_SECONDS: Final = 24 * 3600
_SHARED_SQL: Final = Path(__file__).with_name("growth.sql")
_BUILD_MEMORY: Final = "1GB"
FIRST_SHOP: Final = 1
_PRIMES: Final = (7919, 104_729, 1_299_709)
_ID: Final = re.compile(r"\bd\.id(\d+)\b")
_INSTANTS: Final = ("timestamp with time zone", "date")

Advance = Callable[[str, int], None]


@dataclass(frozen=True, slots=True)
class Pattern:
    """A table with the SQL of the rows that one sale adds to it; of a `recent` one those of the last day only are kept."""

    table: str
    columns: Sequence[str]
    kinds: Sequence[str]
    rows: Sequence[Sequence[str]]
    recent: bool

    def select(self, span: "Span") -> str:
        """Return the query of the rows of some sales."""
        columns = ", ".join(
            f"({_choice(values)})::{kind}"
            for values, kind in zip(zip(*self.rows, strict=True), self.kinds, strict=True)
        )
        # A list of values that names other tables would be prepared anew for each sale; a number to choose by is not.
        places = ", ".join(f"({place})" for place in range(len(self.rows)))
        ids = sorted({int(each) for each in _ID.findall(columns)})
        return f"""select {columns} from {span.source(ids)}
            join bench.growth_shops s on s.number = d.shop cross join (values {places}) r (place)"""  # noqa: S608 -- words of our own only


def _choice(values: Sequence[str]) -> str:
    """Return the SQL of a column that may hold something else in each row."""
    if len(set(values)) == 1:
        return values[0]
    return f"case r.place {' '.join(f'when {place} then {each}' for place, each in enumerate(values))} end"


@dataclass(frozen=True, slots=True)
class Span:
    """The sales from `first` to `last` out of `sales`, one after the other over `shops` and over the year that ends `until`."""

    first: int
    last: int
    sales: int
    shops: int
    products: int
    until: float

    def source(self, ids: Sequence[int]) -> str:
        """Return the FROM item `d`: each sale's number, its shop, its place there, its instant, its three products and some ids."""
        third, step = self.products // LINES, YEAR_SECONDS / self.sales
        places = ", ".join(
            f"1 + {line * third} + (x.nth * {prime} + x.shop) % {third}" for line, prime in enumerate(_PRIMES)
        )
        made = "".join(f", bench.growth_id(x.n, x.at, {place}) as id{place}" for place in ids)
        return f"""(select x.*, array[{places}]::integer[] as places{made} from
            (select n, (1 + (n - 1) % {self.shops})::integer as shop, 1 + (n - 1) / {self.shops} as nth,
             to_timestamp({self.until!r} - ({self.sales} - n) * {step!r}) as at
             from generate_series({self.first}::bigint, {self.last}) n offset 0) x offset 0) d"""  # noqa: S608 -- numbers and words of our own


async def load(dsn: str, model: Model, *, shops: int, sales: int, advance: Advance) -> None:
    """Fill a copy of the town with sales. `dsn` is a superuser's; the model shop has one recorded sale, its newest."""
    taking, making = await asyncpg.connect(dsn), await asyncpg.connect(dsn)
    try:
        await _prepare(taking, model, shops)
        patterns = await find_patterns(taking, model)
        await _copy(taking, making, patterns, town=(shops, len(model.products)), sales=sales, advance=advance)
        for number, pattern in enumerate(patterns):
            advance(f"indexes of {pattern.table}", sales * number // len(patterns))
            await taking.execute(f'reindex table "{pattern.table}"', timeout=7200)
        advance("shared rows", 0)
        await taking.execute("select bench.sum_up_shared()", timeout=7200)
        advance("vacuum analyze", 0)
        await taking.execute("vacuum analyze", timeout=7200)
        await taking.execute("checkpoint", timeout=7200)
        advance("done", sales)
    finally:
        await making.close()
        await taking.close()


async def find_patterns(connection: asyncpg.Connection, model: Model) -> list[Pattern]:
    """Read off the newest sale of the model shop what one sale adds to which table."""
    accounts = await _accounts(connection, model)
    xid = await connection.fetchval(
        "select xmin::text from sales where business_id = $1 order by id desc limit 1", model.business_id
    )
    # The copies' counters stand where the model's stood when they were made.
    base = await connection.fetchval(
        "select seq from sync_counters where business_id = $1", copied(model.business_id, FIRST_SHOP)
    )
    writer = _Writer(model, accounts, base=base)
    tables = await connection.fetch(
        """select c.relname from pg_class c
        where c.relkind = 'r' and c.relrowsecurity and c.relnamespace = 'public'::regnamespace order by 1"""
    )
    found = [await _pattern(connection, each["relname"], xid, writer=writer) for each in tables]
    return [each for each in found if each.rows]


async def _pattern(connection: asyncpg.Connection, table: str, xid: str, *, writer: "_Writer") -> Pattern:
    columns = await connection.fetch(
        """select attname as name, format_type(atttypid, atttypmod) as kind from pg_attribute
        where attrelid = $1::text::regclass and attnum > 0 and not attisdropped and attgenerated = ''
          and atttypid <> 'xid8'::regtype order by attnum""",
        table,
    )
    texts = ", ".join(f'"{each["name"]}"::text' for each in columns)
    rows = await connection.fetch(f'select {texts} from "{table}" where xmin::text = $1 order by ctid', xid)  # noqa: S608 -- a name of the catalogue
    kinds = {each["name"]: each["kind"] for each in columns}
    # A row without a new id is one that sales share; it was updated and not added.
    added = [row for row in rows if any(writer.is_new(value) for value in row)]
    written = [
        [writer.write(name, kinds[name], value) for name, value in zip(kinds, row, strict=True)] for row in added
    ]
    return Pattern(table, list(kinds), list(kinds.values()), written, recent=table == "idempotency_keys")


async def _accounts(connection: asyncpg.Connection, model: Model) -> list[UUID]:
    rows = await connection.fetch("select id from accounts where business_id = $1 order by code", model.business_id)
    return [row["id"] for row in rows]


async def _prepare(connection: asyncpg.Connection, model: Model, shops: int) -> None:
    await connection.execute(await asyncio.to_thread(_SHARED_SQL.read_text))
    accounts = await _accounts(connection, model)
    rows: list[tuple[Any, ...]] = []
    for number in range(1, shops + 1):
        here = model.in_shop(number)
        ids = (here.business_id, here.branch_id, here.till_id, here.key_id)
        rows.append((number, *ids, here.products, here.batches, [copied(each, number) for each in accounts]))
    await connection.executemany("insert into bench.growth_shops values ($1, $2, $3, $4, $5, $6, $7, $8)", rows)
    await connection.execute("analyze bench.growth_shops")
    await connection.execute(f"set maintenance_work_mem = '{_BUILD_MEMORY}'")


async def _copy(
    taking: asyncpg.Connection,
    making: asyncpg.Connection,
    patterns: Sequence[Pattern],
    *,
    town: tuple[int, int],
    sales: int,
    advance: Advance,
) -> None:
    """Fill all tables in one transaction that has emptied them, so that rows can come frozen and without a log."""
    shops, products = town
    # One instant for all tables: ids and times of one sale are computed anew in each.
    until = float(int(time.time()))
    names = [each.table for each in patterns]
    for name in names:
        await taking.execute(f'create table bench."kept_{name}" as select * from "{name}"')  # noqa: S608 -- a name of the catalogue
    async with taking.transaction():
        await taking.execute(f"truncate {', '.join(names)} cascade")
        await taking.execute("update pg_index set indisready = false where indrelid = any ($1::regclass[])", names)
        await taking.execute("set local session_replication_role = replica")
        for pattern in patterns:
            await taking.execute(f'insert into "{pattern.table}" select * from bench."kept_{pattern.table}"')  # noqa: S608 -- a name of the catalogue
            await taking.execute(f'drop table bench."kept_{pattern.table}"')
            oldest = 1 + sales - max(1, sales * KEPT_SECONDS // YEAR_SECONDS) if pattern.recent else 1
            for first in range(oldest, sales + 1, CHUNK):
                advance(f"rows of {pattern.table}", first - 1)
                span = Span(first, min(first + CHUNK - 1, sales), sales, shops, products, until)
                await _pipe(making, taking, pattern, query=pattern.select(span))
    advance("rows", sales)


async def _pipe(making: asyncpg.Connection, taking: asyncpg.Connection, pattern: Pattern, *, query: str) -> None:
    queue: asyncio.Queue[bytes | None] = asyncio.Queue(maxsize=32)

    async def make() -> None:
        try:
            await making.copy_from_query(query, output=queue.put, format="binary", timeout=3600)
        finally:
            await queue.put(None)

    async def chunks() -> AsyncIterator[bytes]:
        while (data := await queue.get()) is not None:
            yield data

    made = asyncio.create_task(make())
    try:
        await taking.copy_to_table(
            pattern.table, source=chunks(), columns=list(pattern.columns), format="binary", freeze=True, timeout=3600
        )
    finally:
        if not made.done():
            made.cancel()
        await asyncio.gather(made, return_exceptions=True)
    await made


class _Writer:
    """Writes a recorded value as SQL over `d`, the sale that is being made, and `s`, its shop."""

    def __init__(self, model: Model, accounts: Sequence[UUID], *, base: int) -> None:
        self._base = base
        self._known: dict[str, str] = {
            str(model.business_id): "s.business", str(model.branch_id): "s.branch", str(model.till_id): "s.till",
            str(model.key_id): "s.key", str(model.person_id): f"'{model.person_id}'::uuid",
            **{str(each): f"s.accounts[{place}]" for place, each in enumerate(accounts, start=1)},
            **{str(model.products[line]): f"s.products[d.places[{line + 1}]]" for line in range(LINES)},
            **{str(model.batches[line]): f"s.batches[d.places[{line + 1}]]" for line in range(LINES)},
        }  # fmt: skip
        self._made: dict[str, str] = {}

    def is_new(self, value: str | None) -> bool:
        """Say whether a value names something that was not there before the sale."""
        return value is not None and any(each not in self._known for each in UUID_TEXT.findall(value))

    def write(self, name: str, kind: str, value: str | None) -> str:
        """Return the SQL of a value of a column."""
        if value is None:
            return f"null::{kind}"
        if kind in _INSTANTS:
            return f"d.at::{kind}"
        if name == "receipt_number":
            prefix = value.rsplit("-", 1)[0]
            return f"{_quoted(prefix + '-')} || lpad(d.nth::text, greatest(6, length(d.nth::text)), '0')"
        if name == "seq":
            return f"{self._base} + d.nth"
        if kind == "uuid":
            return self._id(value)
        return f"({self._text(value)})::{kind}"

    def _id(self, value: str) -> str:
        return self._known.get(value) or self._made.setdefault(value, f"d.id{len(self._made)}")

    def _text(self, value: str) -> str:
        parts: list[str] = []
        last = 0
        for match in UUID_TEXT.finditer(value):
            parts += [_quoted(value[last : match.start()]), f"({self._id(match[0])})::text"]
            last = match.end()
        return " || ".join([*parts, _quoted(value[last:])])


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


_MODEL: Final = TypeAdapter(Model)


def model_of(document: Mapping[str, Any]) -> Model:
    """Return the model shop as `document_of` wrote it."""
    return _MODEL.validate_python(document)


def document_of(model: Model) -> dict[str, Any]:
    """Return a model shop as JSON values."""
    return _MODEL.dump_python(model, mode="json")
