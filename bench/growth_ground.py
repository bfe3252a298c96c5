"""The ground of growth: one server with a database for each number of sales, all copies of one town, loaded once.

With a folder of one's own the databases stay, and the next run finds them loaded. Invariant: a kept database is used only while
its tables are those of the migrations at hand; its functions are replaced by theirs.
"""

import asyncio
import json
import shutil
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import asyncpg

from bench import growth_load, growth_schema, town
from bench.ground import ENVIRONMENT, OUT, VERSIONS, Ground, open_database, write_script
from bench.growth_load import Advance, document_of, model_of
from bench.pgbench_script import places_sql
from bench.recording import record
from bench.town import Town
from payme.runtime.database.embedded import EmbeddedServer, ServerAddress
from payme.runtime.database.migrations import Migrator

TEMPLATE: Final = "payme"
FRESH: Final = "growth_fresh"
PROBE: Final = 100_000
"""The size whose bytes a sale decide whether a larger one fits on the disk."""
SPARE_BYTES: Final = 12_000_000_000
# Everything is loaded once into empty tables, so nothing needs a log; all of it is reset before anything is measured.
_LOADING: Final = {
    "wal_level": "minimal", "max_wal_senders": "0", "fsync": "off", "full_page_writes": "off", "max_wal_size": "4GB",
    "checkpoint_timeout": "1h", "autovacuum": "off",
}  # fmt: skip


@dataclass(slots=True)
class Estate:
    """The server of all sizes; `base` is the town without sales, with the statements of today."""

    server: EmbeddedServer
    address: ServerAddress
    base: Ground

    def ground(self, database: str) -> Ground:
        """Return a database as pgbench and the checks want it."""
        environment = {**ENVIRONMENT, "DATABASE_URL": self.address.dsn(database)}
        return replace(self.base, database=database, environment=environment, postmaster=_postmaster(self.server))

    async def connect(self, database: str = "postgres") -> asyncpg.Connection:
        """Return a superuser's connection."""
        return await asyncpg.connect(self.address.dsn(database, user="postgres"))

    async def restart(self, settings: dict[str, str] | None = None) -> None:
        """Restart the server with settings of the load, or with its own again."""
        connection = await self.connect()
        try:
            await connection.execute("alter system reset all")
            for name, value in (settings or {}).items():
                await connection.execute(f"alter system set {name} = '{value}'")
        finally:
            await connection.close()
        await asyncio.to_thread(self.server.stop)
        self.address = await asyncio.to_thread(self.server.start)
        self.base = replace(self.base, address=self.address)


def name_of(size: int) -> str:
    """Return the database of a size."""
    return f"growth_{size}"


async def load_sizes(
    estate: Estate, folder: Path, sizes: Sequence[int], *, say: Advance
) -> tuple[list[int], str | None]:
    """Load every size that is missing and fits on the disk, from the smallest; return those that are there, and why one is not."""
    there: list[int] = []
    lacking: str | None = None
    probe: list[int] = [PROBE] if max(sizes) > PROBE else []
    wanted = sorted({*sizes, *probe})
    for size in wanted:
        if not await _is_loaded(estate, size):
            if size > PROBE and (reason := await _lack_of_room(estate, folder, size, known=max([PROBE, *there]))):
                lacking = reason
                continue
            await _load(estate, size, say=say)
        if size in sizes:
            there.append(size)
    return there, lacking


async def _load(estate: Estate, size: int, *, say: Advance) -> None:
    database = name_of(size)
    await estate.restart(_LOADING)
    connection = await estate.connect()
    try:
        await connection.execute(f"drop database if exists {database}")
        await connection.execute(f"create database {database} template {TEMPLATE} strategy file_copy")
    finally:
        await connection.close()
    ground = estate.ground(database)
    dsn = estate.address.dsn(database, user="postgres")
    await growth_load.load(dsn, ground.town.model, shops=ground.town.shops, sales=size, advance=say)
    connection = await estate.connect(database)
    try:
        await connection.execute("create table bench.growth_loaded as select now() as at")
    finally:
        await connection.close()
    await estate.restart()


async def _is_loaded(estate: Estate, size: int) -> bool:
    try:
        connection = await estate.connect(name_of(size))
    except asyncpg.InvalidCatalogNameError:
        return False
    try:
        return await connection.fetchval("select to_regclass('bench.growth_loaded') is not null")
    finally:
        await connection.close()


async def _lack_of_room(estate: Estate, folder: Path, size: int, *, known: int) -> str | None:
    """Say what lacks for so many sales, judged by a database that is there; small ones have many pages that are half empty."""
    a_sale = (await bytes_of(estate, name_of(known)) - await bytes_of(estate, TEMPLATE)) / known
    free = shutil.disk_usage(folder).free
    needed = a_sale * size + SPARE_BYTES
    if needed <= free:
        return None
    return f"{size:,} sales take {needed / 1e9:.0f} GB ({a_sale:.0f} bytes a sale, and room to sort), {free / 1e9:.0f} GB are free"


async def bytes_of(estate: Estate, database: str) -> int:
    """Return what a database takes on the disk."""
    connection = await estate.connect()
    try:
        return await connection.fetchval("select pg_database_size($1::text::name)", database)
    finally:
        await connection.close()


@asynccontextmanager
async def open_estate(folder: Path, *, town_size: tuple[int, int], say: Advance) -> AsyncGenerator[Estate]:
    """Start the server of a folder, with its town of (shops, products) made or found, and the statements of today."""
    server = EmbeddedServer(folder / "data", durable=True, tied=True)
    about = folder / "town.json"
    async with server as address:
        say("a town for growth", 0)
        environment = {**ENVIRONMENT, "DATABASE_URL": address.dsn(TEMPLATE)}
        settled = await _settled(about, address, environment, town_size=town_size)
        base = await _recorded(address, environment, settled, server=server)
        estate = Estate(server, address, base)
        # A load that was interrupted has left its settings behind.
        await estate.restart()
        await _renew(estate)
        yield estate


async def _settled(
    about: Path, address: ServerAddress, environment: dict[str, str], *, town_size: tuple[int, int]
) -> Town:
    kept = await asyncio.to_thread(_read, about)
    if kept is not None:
        return kept
    await Migrator(address.dsn(TEMPLATE), VERSIONS, say=lambda _: None).up()
    database = await open_database(environment, connections=1).open()
    try:
        shops, products = town_size
        made = await town.build(database, address.dsn(TEMPLATE, user="postgres"), shops=shops, products=products)
    finally:
        await database.close()
    await asyncio.to_thread(about.write_text, json.dumps({**document_of(made.model), "shops": made.shops}))
    return made


def _read(about: Path) -> Town | None:
    if not about.exists():
        return None
    document = json.loads(about.read_text())
    return Town(model_of(document), document["shops"], ())


async def _recorded(
    address: ServerAddress, environment: dict[str, str], settled: Town, *, server: EmbeddedServer
) -> Ground:
    await _renew_functions(address, [TEMPLATE])
    database = await open_database(environment, connections=1).open()
    try:
        recording = await record(database, settled.model)
    finally:
        await database.close()
    script = await write_script(recording, address, settled, path=OUT / "growth.pgbench.sql")
    return Ground(address, _postmaster(server), settled, recording, script, environment)


async def _renew(estate: Estate) -> None:
    """Bring the functions of today into every kept database, and the places of the script."""
    connection = await estate.connect()
    try:
        rows = await connection.fetch("select datname from pg_database where datname ~ '^growth_[0-9]+$'")
    finally:
        await connection.close()
    kept = [row["datname"] for row in rows]
    await _renew_functions(estate.address, kept)
    for each in kept:
        connection = await estate.connect(each)
        try:
            await connection.execute(places_sql(estate.base.town.model))
        finally:
            await connection.close()


async def _renew_functions(address: ServerAddress, databases: Sequence[str]) -> None:
    server = await asyncpg.connect(address.dsn("postgres", user="postgres"))
    try:
        await server.execute(f"drop database if exists {FRESH}")
        await server.execute(f"create database {FRESH} owner payme_owner")
        await Migrator(address.dsn(FRESH), VERSIONS, say=lambda _: None).up()
        fresh = await asyncpg.connect(address.dsn(FRESH, user="postgres"))
        try:
            for each in databases:
                await growth_schema.renew(fresh, address.dsn(each, user="postgres"))
        finally:
            await fresh.close()
        await server.execute(f"drop database if exists {FRESH}")
    finally:
        await server.close()


def _postmaster(server: EmbeddedServer) -> int:
    pid = server.status().pid
    assert pid is not None, "the server runs"
    return pid
