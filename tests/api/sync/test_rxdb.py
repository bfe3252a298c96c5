"""An unmodified RxDB as a device, over a socket: it converges by its own conflict handler, and every operation arrives once."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from payme.kit.ids import new_id
from tests import rxdb
from tests.api.sync.test_strategies_api import EDITS, ENDS, choose
from tests.api.trade.conftest import Counter
from tests.api_process import ApiProcess
from tests.fault_rows import FaultRow
from tests.faults.http_faults import HttpFaults

pytestmark = [pytest.mark.faults, pytest.mark.timeout(400)]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def api(owner_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ApiProcess]:
    log: Path = tmp_path_factory.mktemp("rxdb") / "api.log"
    started = ApiProcess(owner_dsn, log)
    started.start()
    await asyncio.to_thread(started.wait_until_ready)
    yield started
    await asyncio.to_thread(started.stop)


async def run(program: str, base_url: str, owner: Counter, **more: Any) -> dict[str, Any]:
    assert owner.shop.owner is not None
    url = f"{base_url}/v1/businesses/{owner.shop.business_id}/sync/notes"
    return await rxdb.run(program, url=url, token=owner.shop.owner.access_token, **more)


@pytest.mark.fault_row(13)
@pytest.mark.parametrize("edit", EDITS)
@pytest.mark.parametrize("strategy", ["server_wins", "client_wins", "last_write_wins", "merge"])
async def test_it_converges_and_stays_still(row: FaultRow, api: ApiProcess, owner: Counter, strategy: str, edit: str):
    await choose(owner, strategy)
    document_id = str(new_id())
    told = await run("clash.mjs", api.base_url, owner, edit=edit, id=document_id)
    end, kind, outcome = ENDS[strategy, edit]
    expected = [] if end is None else [{"id": document_id, **end}]
    assert told["documents"] == [expected] * 3
    assert told["still"] == told["met"], "three more rounds moved something"
    assert told["errors"] == [0, 0, 0]
    conflicts = (await owner.get("sync/conflicts")).json()["data"]
    assert [(each["kind"], each["outcome"]) for each in conflicts] == [(kind, outcome)]
    row.counts.update(sent=3, conflicts=1)


@pytest.mark.fault_row(12)
@pytest.mark.parametrize("strategy", ["last_write_wins", "merge"])
async def test_every_operation_arrives_once_in_a_storm(row: FaultRow, api: ApiProcess, owner: Counter, strategy: str):
    await choose(owner, strategy)
    operations = row.size(30, 200)
    ids = [str(new_id()) for _ in range(3 * operations)]
    async with HttpFaults(api.base_url, row.rng).opened() as line:
        told = await run("storm.mjs", line.base_url, owner, seed=row.seed, operations=operations, ids=ids)
    first = told["documents"][0]
    assert told["documents"] == [first] * 3
    assert len(first) == told["made"]
    assert told["still"] == told["met"]
    assert min(line.counts["refused"], line.counts["lost"]) > 0
    stored = await owner.shop.rows(
        "select id::text, content ->> 'text' from sync_documents"
        " where business_id = $1 and collection = 'notes' and not deleted order by id"
    )
    assert stored == [(each["id"], each["text"]) for each in first]
    counted = await owner.shop.value(
        "select sum(rev)::int from sync_changes where business_id = $1 and collection = 'notes'"
    )
    applied = "select sum(applied)::int from sync_audit where business_id = $1 and kind = 'push'"
    won = "select count(*)::int from sync_conflicts where business_id = $1 and outcome in ('client', 'merged')"
    assert counted == await owner.shop.value(applied) + await owner.shop.value(won)
    echoes = "select count(*) from sync_conflicts where business_id = $1 and client ->> 'text' = server ->> 'text'"
    assert await owner.shop.value(echoes) == 0, "a repetition clashed with itself"
    row.counts.update(sent=3 * operations, applied=told["made"], **line.counts)
