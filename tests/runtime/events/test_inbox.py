import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

import asyncpg
import pytest

from payme.kit.ids import new_id
from payme.runtime.database import Database, PoolLimits, UnitOfWork
from payme.runtime.events import InboxEntry, handling, open_route, record_callback
from payme.runtime.events.inbox import InboxEntryNotFound

BODY = b'{"Body": not even JSON'


@pytest.fixture
async def database(owner_dsn: str) -> AsyncIterator[Database]:
    opened = await Database(owner_dsn, limits=PoolLimits(connections=3)).open()
    yield opened
    await opened.close()


@pytest.fixture
async def owner(owner_dsn: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(owner_dsn)
    yield connection
    await connection.close()


async def stored(database: Database, *, kind: str = "stk", token: str | None = None) -> tuple[UUID, InboxEntry | None]:
    business, subject = new_id(), new_id()
    opened = await database.run(lambda uow: open_route(uow, kind="stk", subject_id=subject), business_id=business)

    async def come_in(uow: UnitOfWork) -> InboxEntry | None:
        return await record_callback(
            uow, token or opened, kind=kind, headers={"x-a": "1"}, body=BODY, remote_address="192.0.2.1"
        )

    entry = await database.run(come_in)
    if entry is not None:
        assert (entry.business_id, entry.subject_id) == (business, subject)
    return business, entry


async def test_what_comes_in_is_kept_as_it_came(database: Database, owner: asyncpg.Connection) -> None:
    _, entry = await stored(database)
    assert entry is not None
    row = await owner.fetchrow("select * from callback_inbox where id = $1", entry.id)
    assert row is not None
    assert (row["body"], row["state"], row["remote_address"]) == (BODY, "received", "192.0.2.1")


@pytest.mark.parametrize("wrong", [{"token": "guessed"}, {"kind": "c2b"}])
async def test_a_wrong_path_leads_nowhere(database: Database, owner: asyncpg.Connection, wrong: dict[str, str]) -> None:
    before = await owner.fetchval("select count(*) from callback_inbox")
    assert (await stored(database, **wrong))[1] is None
    assert await owner.fetchval("select count(*) from callback_inbox") == before


async def test_the_secret_itself_is_not_kept(database: Database, owner: asyncpg.Connection) -> None:
    token = await database.run(lambda uow: open_route(uow, kind="stk", subject_id=new_id()), business_id=new_id())
    hashes = [bytes(row["token_hash"]) for row in await owner.fetch("select token_hash from callback_routes")]
    assert all(token.encode() not in each and len(each) == 32 for each in hashes)


@pytest.mark.parametrize("state", ["handled", "ignored", "malformed"])
async def test_an_entry_is_marked_once(database: Database, owner: asyncpg.Connection, state: str) -> None:
    _, entry = await stored(database)
    assert entry is not None

    async def understand(uow: UnitOfWork) -> bool:
        async with handling(uow, entry.id) as item:
            if item is None:
                return False
            assert item.body == BODY
            if state == "ignored":
                item.ignore("late")
            elif state == "malformed":
                item.malformed("no JSON")
            return True

    answers = await asyncio.gather(database.run(understand), database.run(understand))
    assert sorted(answers) == [False, True]
    assert await owner.fetchval("select state from callback_inbox where id = $1", entry.id) == state


async def test_an_entry_stays_received_when_its_effects_fail(database: Database, owner: asyncpg.Connection) -> None:
    _, entry = await stored(database)
    assert entry is not None

    async def fail(uow: UnitOfWork) -> None:
        async with handling(uow, entry.id):
            raise KeyError

    with pytest.raises(KeyError):
        await database.run(fail)
    assert await owner.fetchval("select state from callback_inbox where id = $1", entry.id) == "received"


async def test_an_entry_that_is_not_there_is_said_to_be_missing(database: Database) -> None:
    async def look(uow: UnitOfWork) -> None:
        async with handling(uow, new_id()):
            pass

    with pytest.raises(InboxEntryNotFound):
        await database.run(look)
