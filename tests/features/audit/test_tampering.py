"""Somebody who owns the tables changes history behind the application's back; the walk along the chain finds it."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
from typer.testing import CliRunner, Result

from payme.features.audit.cli import build_app
from payme.features.audit.rules import genesis, link, sealed_form
from payme.features.businesses import list_business_ids
from payme.kit.ids import new_id
from payme.runtime.database import Database, PoolLimits
from tests.features.audit.test_sealing import note, seal_all, verify
from tests.people import Shop

Tamper = Callable[[Any, Shop], Awaitable[None]]


@pytest_asyncio.fixture
async def owner(owner_dsn: str, shop: Shop) -> AsyncIterator[Any]:
    """The owner of the tables, with every protection that an owner can switch off switched off."""
    connection = await asyncpg.connect(owner_dsn)
    await connection.execute("select set_config('payme.business_id', $1, false)", str(shop.id))
    await connection.execute("alter table audit_chain drop constraint if exists audit_chain_business_id_audit_id_fkey")
    yield connection
    await connection.execute(
        "delete from audit_chain c where not exists (select from audit_log l where l.id = c.audit_id)"
    )
    await connection.execute(
        "alter table audit_chain add constraint audit_chain_business_id_audit_id_fkey"
        " foreign key (business_id, audit_id) references audit_log not valid"
    )
    await connection.close()


async def edit(owner: Any, shop: Shop) -> None:
    await owner.execute(
        "update audit_log set facts = '{\"cents\": 1}' where id = (select audit_id from audit_chain"
        " where business_id = $1 and position = 3)",
        shop.id,
    )


async def delete(owner: Any, shop: Shop) -> None:
    await owner.execute(
        "delete from audit_log where id = (select audit_id from audit_chain where business_id = $1 and position = 3)",
        shop.id,
    )


async def delete_with_its_link(owner: Any, shop: Shop) -> None:
    await delete(owner, shop)
    await owner.execute("delete from audit_chain where business_id = $1 and position = 3", shop.id)
    await owner.execute("update audit_chain set position = -position where business_id = $1 and position > 3", shop.id)


async def insert(owner: Any, shop: Shop) -> None:
    """A row from long ago appears, in the place of a transaction that has been sealed."""
    await owner.execute(
        "insert into audit_log (business_id, id, actor_kind, actor_id, action, subject_id, facts, recorded_at, transaction_id)"
        " select business_id, $2, actor_kind, actor_id, 'sale.cancelled', $3, '{}', recorded_at, transaction_id from audit_log"
        " where id = (select audit_id from audit_chain where business_id = $1 and position = 2)",
        shop.id,
        new_id(),
        new_id(),
    )


async def reorder(owner: Any, shop: Shop) -> None:
    await owner.execute(
        "with pair as (select position, audit_id from audit_chain where business_id = $1 and position in (2, 4)),"
        " gone as (delete from audit_chain c using pair where c.business_id = $1 and c.position = pair.position"
        "   returning c.position, c.hash, c.sealed_at)"
        " select 1 from gone",
        shop.id,
    )
    rows = await owner.fetch("select id from audit_log where business_id = $1 order by transaction_id, id", shop.id)
    for position, other in ((2, 4), (4, 2)):
        await owner.execute(
            "insert into audit_chain (business_id, position, audit_id, hash, sealed_at) values ($1, $2, $3, sha256($4), now())",
            shop.id,
            position,
            rows[other - 1]["id"],
            str(position).encode(),
        )


async def cut_tail(owner: Any, shop: Shop) -> None:
    gone = await owner.fetch(
        "delete from audit_chain where business_id = $1 and position > 4 returning audit_id", shop.id
    )
    await owner.execute("delete from audit_log where id = any($1::uuid[])", [row["audit_id"] for row in gone])


async def rewrite(owner: Any, shop: Shop) -> None:
    """The best of forgeries: a row is edited and every hash from there to the head is computed anew."""
    await edit(owner, shop)
    head = genesis(shop.id)
    rows = await owner.fetch(
        "select c.position, l.* from audit_chain c join audit_log l on l.id = c.audit_id where c.business_id = $1"
        " order by c.position",
        shop.id,
    )
    for row in rows:
        head = link(head, sealed_form({**dict(row), "facts": json.loads(row["facts"])}))
        await owner.execute(
            "update audit_chain set hash = $3 where business_id = $1 and position = $2", shop.id, row["position"], head
        )


@pytest.mark.parametrize(
    ("tamper", "kinds", "needs_anchor"),
    [
        (edit, {"altered"}, False),
        (delete, {"missing"}, False),
        (insert, {"slipped_in"}, False),
        (reorder, {"altered"}, False),
        (cut_tail, {"head_absent"}, True),
        (rewrite, {"head_absent"}, True),
    ],
)
async def test_history_changed_by_the_owner_of_the_tables_is_detected(
    owner: Any, shop: Shop, worker_database: Database, tamper: Tamper, kinds: set[str], needs_anchor: bool
):
    for number in range(4):
        await note(shop, "sale.completed", number=number)
    sealing = await seal_all(worker_database, shop.id)
    assert (await verify(worker_database, shop.id, sealing.head)).intact
    await tamper(owner, shop)
    found = await verify(worker_database, shop.id, sealing.head)
    assert kinds <= {fault.kind for fault in found.faults}
    without_anchor = await verify(worker_database, shop.id)
    assert without_anchor.intact is needs_anchor


async def test_the_app_may_neither_change_nor_remove_a_row(shop: Shop, worker_database: Database):
    for database in (shop.database, worker_database):
        for sql in ("update audit_log set action = 'x'", "delete from audit_log", "delete from audit_chain"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await database.run(lambda uow, sql=sql: uow.execute(sql), business_id=shop.id)


async def test_the_command_prints_every_chain_and_fails_when_one_is_broken(
    owner: Any, shop: Shop, worker_database: Database, owner_dsn: str
):
    @asynccontextmanager
    async def open_database() -> AsyncIterator[Database]:
        opened = await Database(owner_dsn, role="payme_worker", limits=PoolLimits(connections=2)).open()
        try:
            yield opened
        finally:
            await opened.close()

    command = build_app(open_database, list_business_ids)

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(command, ["verify", *arguments])

    for _ in range(3):
        await note(shop)
    sealing = await seal_all(worker_database, shop.id)
    sound = await asyncio.to_thread(run, "--business", str(shop.id), "--expect-head", sealing.head)
    assert (sound.exit_code, sealing.head in sound.output) == (0, True)
    assert (await asyncio.to_thread(run, "--expect-head", sealing.head)).exit_code == 2
    await edit(owner, shop)
    broken = await asyncio.to_thread(run)
    assert broken.exit_code == 1
    assert f"{shop.id}  1 fault(s)" in broken.output
    assert "altered  position 3" in broken.output
