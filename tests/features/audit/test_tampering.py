"""Somebody who owns the tables changes history behind the application's back; the walk along the chain finds it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest
from typer.testing import CliRunner, Result

from payme.entrypoints.cli_audit import app as payme_audit
from payme.features.audit.cli import build_app
from payme.features.businesses import list_business_ids
from payme.runtime.database import Database, PoolLimits
from tests.features.audit.forger import Tamper, cut_tail, delete, delete_with_its_link, edit, insert, reorder, rewrite
from tests.features.audit.test_sealing import note, seal_all, verify
from tests.people import Shop


@pytest.mark.parametrize(
    ("tamper", "kinds", "needs_anchor"),
    [
        (edit, {"altered"}, False),
        (delete, {"missing"}, False),
        (delete_with_its_link, {"altered"}, False),
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


async def test_a_link_that_is_gone_with_its_row_leaves_a_gap(owner: Any, shop: Shop, worker_database: Database):
    for number in range(4):
        await note(shop, "sale.completed", number=number)
    await seal_all(worker_database, shop.id)
    await delete(owner, shop)
    await owner.execute("delete from audit_chain where business_id = $1 and position = 3", shop.id)
    found = await verify(worker_database, shop.id)
    assert [(fault.kind, fault.position) for fault in found.faults] == [("gap", 4), ("altered", 4)]


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


async def test_the_command_of_the_product_reads_the_database_of_its_settings(
    shop: Shop, owner_dsn: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("DATABASE_URL", owner_dsn)
    found = await asyncio.to_thread(CliRunner().invoke, payme_audit, ["verify", "--business", str(shop.id)])
    assert found.exit_code == 0
    assert f"{shop.id}  intact" in found.output
