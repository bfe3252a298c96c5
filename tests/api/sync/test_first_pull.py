"""The first pull of a large collection: cut and resumed while others write, it misses nothing; a page costs what its rows cost."""

import asyncio
from uuid import UUID

import asyncpg
import pytest

from payme.features.catalog import CreateProduct
from payme.features.catalog.repository import insert_products
from payme.features.sync.services.registry import COLLECTIONS
from payme.kit.ids import new_id
from payme.kit.synced import Place
from payme.runtime.database import UnitOfWork
from tests.api.trade.conftest import Counter
from tests.fault_rows import FULL, FaultRow
from tests.sync_client import Device, made, note

CUTS = 5
TYPES = {int: "bigint", UUID: "uuid", type(None): "uuid"}
INSERT = """insert into sync_documents (business_id, collection, id, content, deleted, rev, created_at, updated_at)
select $1, 'notes', t, '{"text": "old", "title": "", "about_id": null}', false, 1, now(), now() from unnest($2::uuid[]) t"""


async def fill(owner: Counter, count: int) -> None:
    async def work(uow: UnitOfWork) -> None:
        ids = [new_id() for _ in range(count)]
        await uow.execute(INSERT, uow.tenant, ids)
        for each in ids:
            uow.touch("notes", each)

    await owner.shop.run(work)


@pytest.mark.faults
@pytest.mark.fault_row(14)
@pytest.mark.timeout(1_200 if FULL else 120)
async def test_a_first_pull_that_is_cut_misses_nothing(row: FaultRow, owner: Counter):
    rng, total, limit = row.rng, row.size(2_000, 100_000), row.size(50, 500)
    for _ in range(row.size(2, 20)):
        await fill(owner, total // row.size(2, 20))
    writer, device, done = Device(owner.http, "notes", "w"), Device(owner.http, "notes"), asyncio.Event()
    await writer.pull(limit=1_000)
    old = rng.sample(sorted(writer.documents), 100)

    async def keep_writing() -> None:
        for number, document_id in enumerate(old):
            await writer.push(
                writer.edit(document_id, text=f"new {number}", hlc=f"{number}-0-w"), made(note(f"added {number}"))
            )
        done.set()

    writing = asyncio.create_task(keep_writing())
    cuts = set(rng.sample(range(1, total // limit), CUTS))
    page, turn = [None] * limit, 0
    while len(page) == limit or not done.is_set():
        turn += 1
        answer = (await device.ask(limit)).json()
        if turn in cuts:
            # The reply never arrived; the device starts again with what it had stored.
            device = Device(owner.http, "notes", documents=dict(device.documents), checkpoint=dict(device.checkpoint))
            continue
        page = answer["documents"]
        device.documents.update({each["id"]: each for each in page})
        device.checkpoint = answer["checkpoint"]
    await writing
    await device.pull(limit)
    truth = Device(owner.http, "notes")
    await truth.pull(limit=1_000)
    assert len(truth.documents) == total + len(old)
    assert device.documents == truth.documents
    row.counts.update(sent=total, applied=len(device.documents), cuts=CUTS)


@pytest.mark.parametrize("name", ["products", "notes", "stock_levels"])
async def test_a_page_reads_each_document_by_its_id(owner: Counter, name: str):
    async def fill_products(uow: UnitOfWork) -> None:
        products = {new_id(): CreateProduct(name=f"P{number}", price_cents=1) for number in range(600)}
        await insert_products(uow, products)
        for each in products:
            uow.touch("products", each)
            uow.touch("stock", each)

    await owner.shop.run(fill_products)
    await fill(owner, 600)
    plan = await owner.shop.run(lambda uow: explained(uow, name))
    assert "Index Scan" in plan
    assert "Removed by Join Filter" not in plan, plan


async def explained(uow: UnitOfWork, name: str) -> str:
    """Return the plan that the page of a collection is run by, as one made for any arguments."""
    heard: list[asyncpg.connection.LoggedQuery] = []
    uow.connection.add_query_logger(heard.append)
    await COLLECTIONS[name].page(uow, Place(0, UUID(int=0), None, 500))
    await asyncio.sleep(0)  # the driver tells its listeners in the next turn of the loop
    uow.connection.remove_query_logger(heard.append)
    (ran,) = heard
    types = ["text" if each == name else TYPES[type(each)] for each in ran.args]
    given = ["null" if each is None else f"'{each}'" for each in ran.args]
    await uow.execute("set local plan_cache_mode = force_generic_plan")
    await uow.execute(f"prepare page ({', '.join(types)}) as {ran.query}")
    rows = await uow.fetch(f"explain (analyze, timing off) execute page ({', '.join(given)})")
    await uow.execute("deallocate page")
    return "\n".join(str(each[0]) for each in rows)
