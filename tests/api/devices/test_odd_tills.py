"""Tills that are not what they were: cloned, robbed of their storage, upgraded with a queue, with a shift closed behind them.

Each is one round of row 16; the second tab of a browser is in `tests/browser`.
"""

import copy
import itertools
from typing import Any
from uuid import UUID

import pytest

from payme.features.shifts import get_shift
from payme.kit.ids import new_id
from tests.api.devices.conftest import Join
from tests.api.trade.conftest import Counter
from tests.fault_rows import FaultRow
from tests.invariants import assert_invariants
from tests.stock_room import make_product, receive
from tests.tills import Device
from tests.trade import TradingShop

pytestmark = pytest.mark.asyncio(loop_scope="session")
PRICE, FLOAT, QUEUE = 10_000, 50_000, 5
ROUNDS = (2, 20)


@pytest.mark.fault_row(16)
async def test_a_cloned_device_doubles_nothing_and_is_seen(join: Join, shop: TradingShop, row: FaultRow) -> None:
    product = await stock(shop)
    till = await join()
    for _ in range(row.size(*ROUNDS)):
        before = await sold(shop)
        shared = [sale(till, product) for _ in range(QUEUE)]
        clone = copy.copy(till)
        clone.sequence, till.sequence = (itertools.count(shared[-1]["device_sequence"] + 1) for _ in range(2))
        clone.receipts, till.receipts = (itertools.count(shared[-1]["device_sequence"] + 1) for _ in range(2))
        mine, other = [sale(till, product) for _ in range(QUEUE)], [sale(clone, product) for _ in range(QUEUE)]
        assert [each["status"] for each in await till.results(*shared, *mine)] == ["applied"] * 2 * QUEUE
        verdicts = await clone.results(*shared, *other)
        assert [each["is_repeated"] for each in verdicts] == [True] * QUEUE + [False] * QUEUE
        assert [code(each) for each in verdicts[QUEUE:]] == ["sync.sequence_reused"] * QUEUE
        assert await sold(shop) == before + 2 * QUEUE
        kept = "select status from sync_commands where business_id = $1 and id = any ($2::uuid[])"
        assert await shop.rows(kept, [each["id"] for each in other]) == [("rejected",)] * QUEUE, "kept, to be looked at"
        count(row, sent=4 * QUEUE, applied=2 * QUEUE, duplicates=QUEUE, refused=QUEUE)
    await assert_invariants(shop.database, shop.business_id)


@pytest.mark.fault_row(16)
async def test_a_till_that_lost_its_storage_is_told_where_it_stood(
    join: Join, owner: Counter, shop: TradingShop, row: FaultRow
) -> None:
    product = await stock(shop)
    for _ in range(row.size(*ROUNDS)):
        till, before = await join(), await sold(shop)
        await till.results(*(sale(till, product) for _ in range(QUEUE)))
        lost = [sale(till, product) for _ in range(2)]
        newer = sale(till, product)
        assert [each["status"] for each in await till.results(newer)] == ["applied"]
        assert await missing(owner, till) == [each["device_sequence"] for each in lost]
        # Its storage is gone: a program that counts from 1 again reuses no number of the one before.
        till.sequence = itertools.count(1)
        again = [sale(till, product) for _ in range(QUEUE)]
        assert [code(each) for each in await till.results(*again)] == ["sync.sequence_reused"] * QUEUE
        assert await sold(shop) == before + QUEUE + 1
        stood = (await till.http.get("devices/me")).json()
        assert stood["last_sequence"] == newer["device_sequence"]
        till.sequence = itertools.count(stood["last_sequence"] + 1)
        till.receipts = itertools.count(stood["last_receipt"] + 1)
        fresh = [sale(till, product) for _ in range(QUEUE)]
        assert [each["status"] for each in await till.results(*fresh)] == ["applied"] * QUEUE
        assert await missing(owner, till) == [each["device_sequence"] for each in lost], "what never came stays named"
        count(row, sent=3 * QUEUE + 1, applied=2 * QUEUE + 1, refused=QUEUE, missing=2)
    await assert_invariants(shop.database, shop.business_id)


@pytest.mark.fault_row(16)
async def test_a_shift_closed_at_the_office_takes_the_queue_that_comes_late(
    join: Join, owner: Counter, shop: TradingShop, row: FaultRow
) -> None:
    product = await stock(shop)
    for _ in range(row.size(*ROUNDS)):
        till, shift_id = await join(), str(new_id())
        opened = till.command("shift.open", {"id": shift_id, "float_cents": FLOAT})
        assert [each["status"] for each in await till.results(opened)] == ["applied"]
        queue = [sale(till, product, args={"shift_id": shift_id}) for _ in range(QUEUE)]
        close = till.command("shift.close", {"shift_id": shift_id, "counted_cents": FLOAT + QUEUE * PRICE})
        body = {"counted_cents": FLOAT + QUEUE * PRICE, "note": "Counted without the till"}
        closed = await owner.post(f"shifts/{shift_id}/close", body)
        assert closed.status_code in {200, 201}, closed.text
        verdicts = await till.results(*queue, close)
        assert [(each["status"], each["reasons"]) for each in verdicts[:-1]] == [
            ("needs_review", ["shifts.closed"])
        ] * QUEUE
        counted = "select count(*) from audit_log where business_id = $1 and action = 'shift.counted_again' and subject_id = $2"
        assert (verdicts[-1]["status"], await shop.value(counted, UUID(shift_id))) == ("applied", 1), (
            "its own count is recorded"
        )
        shift = await shop.run(lambda uow, each=shift_id: get_shift(uow, UUID(each)))
        assert (shift.late_movements, shift.difference_cents) == (QUEUE, 0), (
            "the cash that was counted is accounted for"
        )
        assert await of_shift(shop, shift_id) == QUEUE
        count(row, sent=QUEUE + 2, applied=QUEUE + 1)
    await assert_invariants(shop.database, shop.business_id)


@pytest.mark.fault_row(16)
async def test_an_upgraded_till_brings_the_queue_of_the_one_before(
    join: Join, shop: TradingShop, row: FaultRow
) -> None:
    product = await stock(shop)
    for _ in range(row.size(*ROUNDS)):
        till, before = await join(), await sold(shop)
        old = [sale(till, product, schema_version=1) for _ in range(QUEUE)]
        new = [sale(till, product, schema_version=2) for _ in range(QUEUE)]
        unknown = sale(till, product, schema_version=3)
        verdicts = await till.results(*old, *new, unknown)
        assert [each["status"] for each in verdicts[:-1]] == ["applied"] * 2 * QUEUE
        assert (verdicts[-1]["status"], code(verdicts[-1])) == ("rejected", "sync.command_unknown")
        assert await sold(shop) == before + 2 * QUEUE
        assert [each["is_repeated"] for each in await till.results(*old, *new)] == [True] * 2 * QUEUE
        assert await sold(shop) == before + 2 * QUEUE
        count(row, sent=4 * QUEUE + 1, applied=2 * QUEUE, duplicates=2 * QUEUE, refused=1)
    await assert_invariants(shop.database, shop.business_id)


def sale(till: Device, product: UUID, **more: Any) -> dict[str, Any]:
    return till.sale((product, 1), total_cents=PRICE, **more)


def code(verdict: dict[str, Any]) -> str | None:
    return verdict["error"] and verdict["error"]["code"]


def count(row: FaultRow, **counted: int) -> None:
    row.counts.update(counted)


async def stock(shop: TradingShop) -> UUID:
    await shop.set_tokens(2_000)
    product = await make_product(shop, price_cents=PRICE)
    await receive(shop, product, "2000", 6_000_000)
    return product


async def sold(shop: TradingShop) -> int:
    return await shop.value("select count(*) from sales where business_id = $1")


async def of_shift(shop: TradingShop, shift_id: str) -> int:
    return await shop.value("select count(*) from sales where business_id = $1 and shift_id = $2", UUID(shift_id))


async def missing(owner: Counter, till: Device) -> list[int]:
    """Return the numbers that the office sees as missing of a till."""
    devices = (await owner.get("sync/status")).json()["devices"]
    (known,) = [each for each in devices if each["device_id"] == str(till.id)]
    assert (known["gap_since"] is not None) == bool(known["missing_sequences"])
    return known["missing_sequences"]
