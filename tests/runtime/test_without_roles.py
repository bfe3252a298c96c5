"""A server that keeps its roles to itself, as some hosts do: processes work as the owner, and the walls stand."""

import os
import secrets
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest

from payme.features.businesses import list_business_ids
from payme.kit.ids import new_id
from payme.runtime.database import Database, DatabaseUnavailable, PoolLimits, UnitOfWork
from payme.runtime.database.direct import LastingConnection
from payme.runtime.database.embedded import EmbeddedServer
from payme.runtime.database.migrations import Migrator
from payme.runtime.security.sealing import new_identity
from tests.features.operations.commands import payme, payme_json
from tests.postgres import VERSIONS, drop_database, with_database
from tests.sound_shop import SoundShop, open_database


@pytest.fixture
async def hosted(base_dsn: str, worker_name: str) -> AsyncIterator[str]:
    """The URL of a database whose owner may create nothing and take on no role, with the schema in it."""
    name, password = f"extra_{worker_name}_hosted", secrets.token_hex(16)
    owner = await asyncpg.connect(base_dsn)
    try:
        await owner.execute(f"drop database if exists {name} with (force)")
        await owner.execute(f"drop role if exists {name}")
        await owner.execute(f"create role {name} login nocreaterole nocreatedb password '{password}'")
        if not await owner.fetchval("select rolsuper from pg_roles where rolname = current_user"):
            await owner.execute(f"grant {name} to current_user")
        await owner.execute(f"create database {name} owner {name} template template0")
        host = urlsplit(base_dsn).netloc.rpartition("@")[2]
        dsn = urlsplit(with_database(base_dsn, name))._replace(netloc=f"{name}:{password}@{host}").geturl()
        said: list[str] = []
        await Migrator(dsn, VERSIONS, say=said.append).up()
        assert any("row-level security is forced and holds without it" in line for line in said)
        yield dsn
    finally:
        await drop_database(base_dsn, name)
        await owner.execute(f"drop role if exists {name}")
        await owner.close()


async def test_shops_trade_and_see_nothing_of_each_other(hosted: str) -> None:
    database = await open_database(hosted)
    try:
        one, other = await SoundShop(database).open(), await SoundShop(database).open()
        product = await one.stock("Unga", 20_000, (10, 12_000))
        sale = await one.sell(product, {"method": "cash", "amount_cents": 20_000})
        seen = partial(count, "select count(*) from sales")
        assert await database.run(seen, business_id=one.business_id) == 1
        assert await database.run(seen, business_id=other.business_id) == 0
        assert await database.run(seen) == 0
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
            await database.run(partial(intrude, sale_id=sale.id, victim=one.business_id), business_id=other.business_id)
    finally:
        await database.close()


async def test_the_worker_walks_the_directory_and_listens(hosted: str) -> None:
    database = await open_database(hosted, "payme_worker")
    try:
        shop = await SoundShop(database).open()
        assert shop.business_id in await database.run(partial(list_business_ids, after=None, limit=10))
    finally:
        await database.close()
    line = LastingConnection(hosted, role="payme_worker")
    try:
        assert (await line.fetch("select current_user::text as name"))[0]["name"] == urlsplit(hosted).username
    finally:
        line.close()


async def test_the_doctor_warns_and_a_backup_says_what_it_lacks(hosted: str, tmp_path: Path) -> None:
    _, diagnoses = await payme_json("doctor", DATABASE_URL=hosted)
    roles = next(each for each in diagnoses if each["subject"] == "Roles")
    assert roles["mark"] == "look"
    assert "payme_app and payme_backup and payme_worker cannot be used" in roles["found"]
    assert next(each for each in diagnoses if each["subject"] == "Row security")["mark"] == "good"
    store = {"BACKUP_STORE": f"folder:{tmp_path}", "BACKUP_RECIPIENTS": new_identity()[1]}
    code, output = await payme("backup", "create", DATABASE_URL=hosted, **store)
    assert (code, "BACKUP_DATABASE_URL" in output) == (1, True), output
    assert os.listdir(tmp_path) == []  # noqa: PTH208 -- a coroutine asks


async def test_a_user_whom_policies_do_not_bind_is_refused(open_folder: Path) -> None:
    async with EmbeddedServer(open_folder / "data", durable=False, tied=True) as address:
        mighty = address.dsn("payme", user="postgres")
        with pytest.raises(DatabaseUnavailable, match="passes row-level security"):
            await Database(mighty, role="payme_app", limits=PoolLimits(connections=1)).open()
        bound = await Database(address.dsn("payme"), role="payme_app", limits=PoolLimits(connections=1)).open()
        await bound.close()


async def count(sql: str, uow: UnitOfWork) -> int:
    return await uow.fetchval(sql)


async def intrude(uow: UnitOfWork, sale_id: object, victim: object) -> None:
    await uow.execute(
        "insert into branches (business_id, id, name, created_at) values ($1, $2, $3, now())",
        victim,
        new_id(),
        str(sale_id),
    )
