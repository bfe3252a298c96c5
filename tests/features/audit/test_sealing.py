import asyncio
from uuid import UUID

from structlog.testing import capture_logs

from payme.features import audit
from payme.features.audit import Sealing
from payme.features.audit.services import list_entries
from payme.kit.ids import new_id
from payme.runtime.database import Database, UnitOfWork
from payme.runtime.observability.redaction import redact
from tests.people import Shop, make_shop


async def note(shop: Shop, action: str = "thing.done", **facts: object) -> UUID:
    subject = new_id()

    async def work(uow: UnitOfWork) -> None:
        audit.record(uow, action, subject, **facts)

    await shop.database.run(work, business_id=shop.id, actor=shop.acting())
    return subject


async def seal(database: Database, business_id: UUID, *, limit: int = 1000, thorough: bool = False) -> Sealing:
    sealing = await database.run(lambda uow: audit.seal(uow, limit=limit, thorough=thorough), business_id=business_id)
    assert sealing is not None
    return sealing


async def seal_all(database: Database, business_id: UUID) -> Sealing:
    """Other tests of this server may hold a transaction open for a moment, which the sealer rightly waits for."""
    deadline = asyncio.get_running_loop().time() + 20
    while True:
        sealing = await seal(database, business_id)
        verification = await verify(database, business_id)
        if verification.waiting == 0:
            return sealing
        assert asyncio.get_running_loop().time() < deadline, "the sealer does not get to the end"
        await asyncio.sleep(0.02)


async def verify(database: Database, business_id: UUID, expect_head: str | None = None) -> audit.Verification:
    return await database.run(
        lambda uow: audit.verify(uow, expect_head=expect_head), business_id=business_id, read_only=True
    )


async def test_what_was_recorded_is_listed_with_its_actor_and_sealed(shop: Shop, worker_database: Database):
    subject = await note(shop, "stock.adjusted", quantity="2.500", cents=2**60)
    entries = await shop.database.run(lambda uow: list_entries(uow, subject_id=subject), business_id=shop.id)
    assert [(each.action, each.actor_id, each.facts) for each in entries] == [
        ("stock.adjusted", shop.owner.id, {"quantity": "2.500", "cents": str(2**60)})
    ]
    sealing = await seal_all(worker_database, shop.id)
    verification = await verify(worker_database, shop.id, sealing.head)
    assert verification.intact
    assert verification.sealed == sealing.position > 1


async def test_the_head_in_the_log_survives_redaction_and_is_taken_back(shop: Shop, worker_database: Database):
    await note(shop)
    sealing = await seal_all(worker_database, shop.id)
    with capture_logs() as lines:
        audit.anchor(sealing)
    written = redact({name: value for name, value in lines[0].items() if name != "log_level"})
    assert written["position"] == sealing.position
    assert written["head"].replace(":", "") == sealing.head
    assert (await verify(worker_database, shop.id, written["head"].upper())).intact
    for wrong in (written["head"][::-1], "zzz", ""):
        assert not (await verify(worker_database, shop.id, wrong)).intact


async def test_sealing_again_adds_nothing_and_small_batches_make_the_same_chain(shop: Shop, worker_database: Database):
    for _ in range(5):
        await note(shop)
    position = 0
    while (sealing := await seal(worker_database, shop.id, limit=2)).sealed:
        position = sealing.position
    final = await seal_all(worker_database, shop.id)
    assert final.sealed == 0 or final.position > position
    assert (await seal(worker_database, shop.id, thorough=True)).sealed == 0
    assert (await verify(worker_database, shop.id)).intact


async def test_a_row_that_commits_late_is_neither_skipped_nor_waited_for(shop: Shop, worker_database: Database):
    await seal_all(worker_database, shop.id)
    async with shop.database.unit_of_work(business_id=shop.id, actor=shop.acting()) as slow:
        late = new_id()
        audit.record(slow, "late.done", late)
        await slow.flush()
        early = await note(shop, "early.done")
        # Sealing comes back at once although a writer is open, and leaves the younger row too: it would stand before the late one.
        sealing = await asyncio.wait_for(seal(worker_database, shop.id), timeout=2)
        assert sealing.sealed == 0
    await seal_all(worker_database, shop.id)
    rows = await worker_database.run(
        lambda uow: uow.fetch(
            "select l.subject_id from audit_chain c join audit_log l on l.id = c.audit_id"
            " where c.business_id = $1 order by c.position desc limit 2",
            shop.id,
        ),
        business_id=shop.id,
    )
    assert [row["subject_id"] for row in rows] == [early, late]
    assert (await verify(worker_database, shop.id)).intact


async def test_two_sealers_at_once_make_one_chain(shop: Shop, worker_database: Database):
    for _ in range(20):
        await note(shop)

    async def run() -> Sealing | None:
        return await worker_database.run(lambda uow: audit.seal(uow, limit=3), business_id=shop.id)

    for _ in range(8):
        await asyncio.gather(*(run() for _ in range(4)))
    await seal_all(worker_database, shop.id)
    verification = await verify(worker_database, shop.id)
    assert verification.intact
    assert verification.sealed >= 20


async def test_businesses_have_chains_of_their_own(shop: Shop, worker_database: Database):
    other = await make_shop(shop.database)
    mine, theirs = await seal_all(worker_database, shop.id), await seal_all(worker_database, other.id)
    assert mine.head != theirs.head
    foreign = await verify(worker_database, shop.id, theirs.head)
    assert [fault.kind for fault in foreign.faults] == ["head_absent"]


async def test_a_restored_database_goes_on_where_the_old_one_stopped(
    shop: Shop, worker_database: Database, owner_dsn: str
):
    """A restore starts counting transactions anew, so that the rows from before carry numbers of the future."""
    owner = await Database(owner_dsn, role=None).open()
    try:
        await owner.run(
            lambda uow: uow.execute(
                "update audit_log set transaction_id = '900000000000'::xid8 where business_id = $1", shop.id
            ),
            business_id=shop.id,
        )
    finally:
        await owner.close()
    await seal_all(worker_database, shop.id)
    await note(shop)
    sealing = await seal_all(worker_database, shop.id)
    verification = await verify(worker_database, shop.id, sealing.head)
    assert verification.intact
    assert verification.sealed == sealing.position
