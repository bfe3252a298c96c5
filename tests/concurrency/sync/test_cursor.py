"""The cursor: a reader who pages while eight writers commit late, out of order or not at all misses nothing."""

import asyncio
import random
from uuid import UUID

import pytest

from payme.kit.ids import new_id
from payme.runtime.database import UnitOfWork
from tests.fault_rows import FULL, FaultRow
from tests.shop import Shop

COLLECTION = "notes"
WRITERS = 8
PAGE = 7
SEEDS = range(20 if FULL else 5)
_NOWHERE = (0, UUID(int=0))


class Rolled(Exception):
    """A writer changed its mind."""


async def page(uow: UnitOfWork, place: tuple[int, UUID], branch_id: UUID | None = None) -> list[tuple[int, UUID, bool]]:
    rows = await uow.fetch(
        "select seq, document_id, is_deleted from sync_page($1, $2, $3, $4, $5) order by seq, document_id limit $6",
        uow.tenant, COLLECTION, *place, branch_id, PAGE,
    )  # fmt: skip
    return [tuple(row) for row in rows]


async def read_on(shop: Shop, place: tuple[int, UUID], seen: dict[UUID, int]) -> tuple[int, UUID]:
    while True:
        rows = await shop.run(lambda uow, place=place: page(uow, place))
        seen.update({document_id: seq for seq, document_id, _ in rows})
        if rows:
            place = rows[-1][:2]
        if len(rows) < PAGE:
            return place


async def write(shop: Shop, rng: random.Random, kept: dict[UUID, int]) -> None:
    """Change some documents, old and new, and wait inside the transaction, before and after the counter is taken."""
    chosen = [new_id() for _ in range(rng.randint(1, 4))] + rng.sample(sorted(kept), min(len(kept), 2))
    pauses = rng.random() * 0.02, rng.random() * 0.01
    gives_up = rng.random() < 0.2

    async def work(uow: UnitOfWork) -> int:
        for each in chosen:
            uow.touch(COLLECTION, each)
        await uow.fetchval("select pg_sleep($1)", pauses[0])
        await uow.flush()
        await uow.fetchval("select pg_sleep($1)", pauses[1])
        if gives_up:
            raise Rolled
        assert uow.change_sequence is not None
        return uow.change_sequence

    try:
        seq = await shop.run(work)
    except Rolled:
        return
    for each in chosen:
        kept[each] = max(seq, kept.get(each, 0))


@pytest.mark.faults
@pytest.mark.fault_row(15)
@pytest.mark.parametrize("seed", SEEDS)
async def test_a_reader_misses_nothing(row: FaultRow, shop: Shop, seed: int) -> None:
    kept, seen, place = dict[UUID, int](), dict[UUID, int](), _NOWHERE

    async def keep_writing(number: int) -> None:
        rng = random.Random(f"{seed}/{number}")
        for _ in range(row.size(6, 25)):
            await write(shop, rng, kept)

    writing = asyncio.gather(*(keep_writing(number) for number in range(WRITERS)))
    while not writing.done():
        place = await read_on(shop, place, seen)
        await asyncio.sleep(0)
    await writing
    await read_on(shop, place, seen)
    row.counts.update(sent=len(kept), applied=len(seen), missed=len(kept.keys() - seen.keys()))
    assert seen == kept


async def test_one_transaction_takes_one_number_and_nothing_noted_takes_none(shop: Shop):
    ids = sorted(new_id() for _ in range(3))

    async def work(uow: UnitOfWork) -> None:
        for each in (*ids, ids[0]):
            uow.touch(COLLECTION, each)

    before = await shop.value("select seq from sync_state($1)") or 0
    await shop.run(work)
    assert await shop.run(lambda uow: page(uow, _NOWHERE)) == [(before + 1, each, False) for each in ids]
    await shop.value("select 1 where $1::uuid is not null")
    assert await shop.value("select seq from sync_state($1)") == before + 1


async def test_a_savepoint_takes_its_changes_back(shop: Shop):
    stays, goes = new_id(), new_id()

    async def change_its_mind(uow: UnitOfWork) -> None:
        async with uow.savepoint():
            uow.touch(COLLECTION, goes)
            raise Rolled

    async def work(uow: UnitOfWork) -> None:
        uow.touch(COLLECTION, stays)
        with pytest.raises(Rolled):
            await change_its_mind(uow)

    await shop.run(work)
    assert [document_id for _, document_id, _ in await shop.run(lambda uow: page(uow, _NOWHERE))] == [stays]


async def test_a_branch_sees_its_own_and_is_told_of_what_left(shop: Shop):
    here, there, document, everywhere = (new_id() for _ in range(4))
    places = ((document, here), (document, there), (everywhere, None))

    async def seen_from(branch_id: UUID) -> dict[UUID, bool]:
        rows = await shop.run(lambda uow: page(uow, _NOWHERE, branch_id))
        return {document_id: is_deleted for _, document_id, is_deleted in rows}

    for changed, branch_id in places[:1]:
        await shop.run(lambda uow, c=changed, b=branch_id: _note(uow, c, b))
    assert (await seen_from(here), await seen_from(there)) == ({document: False}, {})
    for changed, branch_id in places[1:]:
        await shop.run(lambda uow, c=changed, b=branch_id: _note(uow, c, b))
    assert await seen_from(here) == {document: True, everywhere: False}
    assert await seen_from(there) == {document: False, everywhere: False}
    assert await seen_from(new_id()) == {everywhere: False}


async def _note(uow: UnitOfWork, document_id: UUID, branch_id: UUID | None) -> None:
    uow.touch(COLLECTION, document_id, branch_id=branch_id)


async def test_a_new_epoch_jumps_and_keeps_the_fork(shop: Shop):
    await shop.run(lambda uow: _note(uow, new_id(), None))
    epoch, seq = (await shop.rows("select epoch, seq from sync_state($1)"))[0]
    assert await shop.value("select sync_begin_epoch($1, now())") == epoch + 1
    assert await shop.rows("select epoch, seq from sync_state($1)") == [(epoch + 1, seq + 1_000_000)]
    assert await shop.rows("select epoch, fork_seq from sync_epochs where business_id = $1") == [(epoch + 1, seq)]
