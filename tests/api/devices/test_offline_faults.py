"""Rows of the fault matrix that a queue brings with it: oversold, under a wrong clock, of a device or a cashier that ended."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from payme.features.identity import Role
from tests.api.devices.conftest import Join, employ
from tests.api.devices.test_devices_api import answer_within_a_second
from tests.api.trade.conftest import Counter
from tests.fault_rows import FaultRow
from tests.invariants import assert_invariants
from tests.people import Person
from tests.stock_room import make_product, receive
from tests.tills import Device
from tests.trade import TradingShop

pytestmark = pytest.mark.asyncio(loop_scope="session")
PRICE = 10_000
SKEWS = (timedelta(hours=1), -timedelta(hours=1), timedelta(days=2), -timedelta(days=2), timedelta(0))


@pytest.mark.fault_row(10)
async def test_the_last_unit_sold_by_tills_without_a_network_is_owed(
    join: Join, shop: TradingShop, row: FaultRow
) -> None:
    tills, products = [await join() for _ in range(4)], row.size(5, 200)
    await shop.set_tokens(4 * products)
    for _ in range(products):
        product = await make_product(shop, price_cents=PRICE)
        await receive(shop, product, "1", 6_000)
        answers = await asyncio.gather(*(each.results(each.sale((product, 1), total_cents=PRICE)) for each in tills))
        statuses = [verdict["status"] for verdicts in answers for verdict in verdicts]
        row.counts["sent"] += len(statuses)
        row.counts["applied"] += sum(each in {"applied", "needs_review"} for each in statuses)
        assert sorted(statuses) == ["applied", "needs_review", "needs_review", "needs_review"]
        assert (
            await shop.value("select on_hand from stock_levels where business_id = $1 and product_id = $2", product)
            == -3
        )
        owed = "select sum(remaining_quantity) from stock_owed where business_id = $1 and product_id = $2"
        assert await shop.value(owed, product) == 3
        await receive(shop, product, "5", 30_000)
        assert await shop.value(owed, product) == 0
    await assert_invariants(shop.database, shop.business_id)


@pytest.mark.fault_row(17)
async def test_a_clock_orders_nothing_and_is_told_of(join: Join, shop: TradingShop, row: FaultRow) -> None:
    product = await make_product(shop, price_cents=PRICE)
    await receive(shop, product, "3", 18_000)
    for skew in SKEWS:
        till = await join()
        queue: list[dict[str, Any]] = []
        for place in range(row.size(10, 100)):
            # The clock is set in the middle of the queue.
            till.skew = skew if place % 2 else timedelta(0)
            queue.append(till.sale((product, 1), total_cents=PRICE))
        till.skew = skew
        verdicts = await till.results(*queue)
        row.counts["sent"] += len(queue)
        row.counts["applied"] += sum(each["applied_at"] is not None for each in verdicts)
        numbers = [each["server_seq"] for each in verdicts]
        assert numbers == sorted(set(numbers))
        assert all(each["applied_at"] for each in verdicts)
        flagged = [
            bool(set(each["reasons"]) & {"clock_differs", "occurred_ahead", "occurred_long_ago"}) for each in verdicts
        ]
        assert flagged == [bool(skew)] * len(queue)
    await assert_invariants(shop.database, shop.business_id)


@pytest.mark.fault_row(18)
async def test_what_ended_while_a_queue_waited_drops_nothing_and_shows_nothing(
    join: Join, owner: Counter, shop: TradingShop, cashier: Person, row: FaultRow
) -> None:
    product = await make_product(shop, price_cents=PRICE)
    await receive(shop, product, "500", 500_000)
    size = row.size(10, 50)
    revoked, sold_by_another, demoted = [await join() for _ in range(3)]
    other = await employ(shop, Role.CASHIER, "Kamau")
    third = await employ(shop, Role.MANAGER, "Moraa")
    queues = [
        [revoked.sale((product, 1), total_cents=PRICE) for _ in range(size)],
        [sold_by_another.sale((product, 1), total_cents=PRICE, staff_id=str(other.id)) for _ in range(size)],
        [demoted.sale((product, 1), total_cents=PRICE, staff_id=str(third.id)) for _ in range(size)],
    ]
    assert (await owner.http.delete(f"devices/{revoked.id}")).status_code == 204
    assert (await owner.http.delete(f"members/{other.id}")).status_code == 204
    tag = (await owner.http.get(f"members/{third.id}")).headers["etag"]
    body = {"roles": ["auditor"]}
    assert (await owner.http.patch(f"members/{third.id}", json=body, headers={"if-match": tag})).status_code == 200

    assert await answer_within_a_second(lambda: revoked.push(*queues[0]), "sync.device_revoked") == 403
    for path in ("sync/commands/pull", "sync/products/pull", "devices/me", "devices/me/staff"):
        assert (await revoked.http.get(path)).json()["code"] == "sync.device_revoked"
    handed_in = (await owner.http.post("sync/commands", json={"commands": queues[0]})).json()["results"]
    assert [each["reasons"] for each in handed_in] == [["device_revoked"]] * size
    assert [each["reasons"] for each in await sold_by_another.results(*queues[1])] == [["staff_removed"]] * size
    assert [each["status"] for each in await demoted.results(*queues[2])] == ["applied"] * size
    row.counts["sent"] += 3 * size
    row.counts["applied"] += int(await shop.value("select count(*) from sales where business_id = $1"))
    assert row.counts["applied"] == 3 * size
    await assert_invariants(shop.database, shop.business_id)


async def test_a_device_that_is_revoked_in_the_middle_of_a_batch_loses_no_fact(
    till: Device, shop: TradingShop, owner: Counter
) -> None:
    product = await make_product(shop, price_cents=PRICE)
    await receive(shop, product, "100", 500_000)
    queue = [till.sale((product, 1), total_cents=PRICE) for _ in range(20)]
    answer, _ = await asyncio.gather(till.push(*queue), owner.http.delete(f"devices/{till.id}"))
    sales = await shop.value("select count(*) from sales where business_id = $1")
    if answer.status_code == 403:
        assert sales == 0
        return
    verdicts = answer.json()["results"]
    assert sales == 20
    # From the revocation on, each is looked at; none before it.
    reasons = [each["reasons"] for each in verdicts]
    assert reasons == sorted(reasons, key=len)
    assert all(each in ([], ["device_revoked"]) for each in reasons)
