"""After an outage every till returns in the same minute, to one API process: all are served, none twice, and it stays well."""

import asyncio
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx2
import pytest
import pytest_asyncio

from payme.features import identity
from payme.features.identity import MakeDeviceCode
from payme.features.sync import RegisterDevice, register_device
from tests.api_process import ApiProcess
from tests.fault_rows import FULL, FaultRow
from tests.faults.returning import ReturningTill
from tests.invariants import assert_invariants
from tests.people import make_person
from tests.stock_room import make_product, receive
from tests.trade import TradingShop, open_database, open_shop

SHOPS, TILLS, OPERATIONS = (40, 25, 5) if FULL else (4, 25, 1)
PRICE = 10_000
SERVED_SECONDS, HEALTH_SECONDS = 120.0, 1.0
NEVER = 3_600.0
HURRY = 1 if FULL else 20
pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]


@pytest_asyncio.fixture
async def api(owner_dsn: str, tmp_path: Path) -> AsyncIterator[ApiProcess]:
    started = ApiProcess(owner_dsn, tmp_path / "api.log")
    await asyncio.to_thread(started.__enter__)
    yield started
    await asyncio.to_thread(started.stop)


@pytest.mark.fault_row(35)
async def test_all_tills_return_at_once(api: ApiProcess, owner_dsn: str, row: FaultRow) -> None:
    database = await open_database(owner_dsn)
    transport = httpx2.AsyncHTTPTransport(
        verify=False, limits=httpx2.Limits(max_connections=None, max_keepalive_connections=None)
    )
    try:
        owner = await make_person(database)
        shops = [await open_shop(database, owner=owner, paybill=False) for _ in range(SHOPS)]
        products = [await fill(each) for each in shops]
        tills = [
            till
            for shop, product in zip(shops, products, strict=True)
            for till in await asyncio.gather(*(enter(shop, product, api, transport) for _ in range(TILLS)))
        ]
        with watched(api) as health:
            begun = time.monotonic()
            await asyncio.gather(*(come_back(each) for each in tills))
            seconds = time.monotonic() - begun
        for shop, product in zip(shops, products, strict=True):
            await check(shop, product)
    finally:
        await transport.aclose()
        await database.close()
    waits = Counter(wait for each in tills for wait in each.waits)
    slowest = sorted(health)[-1 - len(health) // 100]
    row.counts.update(
        {"sent": len(tills) * OPERATIONS, "applied": sum(len(each.verdicts) for each in tills), "tills": len(tills)},
        **{"told to come back": waits.total(), "ms until all were served": int(seconds * 1_000)},
        **{"ms of health at the 99th percentile": int(slowest * 1_000), "looks at health": len(health)},
    )
    assert seconds < SERVED_SECONDS
    assert slowest < HEALTH_SECONDS
    assert waits.total() >= 20, "there was no rush"
    assert max(waits.values()) < waits.total() / 3, f"many come back in the same second: {waits}"


async def come_back(till: ReturningTill) -> None:
    """Do what a till does when its network is there again."""
    await till.push_queue()
    await till.pull("products")
    assert {each["status"] for each in till.verdicts.values()} == {"applied"}
    assert len(till.verdicts) == OPERATIONS


async def check(shop: TradingShop, product: UUID) -> None:
    """Find each operation once, whatever was repeated on the way."""
    count = TILLS * OPERATIONS
    for table in ("sales", "sync_commands"):
        assert await shop.value(f"select count(*) from {table} where business_id = $1") == count
    assert await shop.rows("select on_hand from stock_levels where business_id = $1 and product_id = $2", product) == [
        (1_000 - count,)
    ]
    await assert_invariants(shop.database, shop.business_id)


async def fill(shop: TradingShop) -> UUID:
    await shop.set_tokens(1_000)
    product = await make_product(shop, price_cents=PRICE)
    await receive(shop, product, "1000", 6_000_000)
    return product


async def enter(shop: TradingShop, product: UUID, api: ApiProcess, transport: Any) -> ReturningTill:
    """Register a till that has sold without a network."""
    code = await shop.run(lambda uow: identity.make_code(uow, MakeDeviceCode(name="Till")))
    known = await register_device(shop.database, RegisterDevice(code=code.code))
    http = httpx2.AsyncClient(
        transport=transport, base_url=f"{api.base_url}/v1/businesses/{shop.business_id}/", timeout=60,
        headers={"authorization": f"Bearer {known.credential}"},
    )  # fmt: skip
    assert shop.owner is not None
    till = ReturningTill(http, shop.business_id, known.device_id, known.receipt_prefix, shop.owner.id, hurry=HURRY)
    till.keep(*(till.sale((product, 1), total_cents=PRICE) for _ in range(OPERATIONS)))
    return till


@contextmanager
def watched(api: ApiProcess) -> Generator[list[float]]:
    """Ask the process how it is, over and over, from a thread of its own; give the seconds that each answer took."""
    over, seconds = threading.Event(), list[float]()

    def look() -> None:
        with httpx2.Client(base_url=api.base_url, trust_env=False, timeout=30) as http:
            while not over.wait(0.05):
                begun = time.monotonic()
                answer = http.get("/readyz")
                seconds.append(time.monotonic() - begun if answer.status_code == 200 else NEVER)

    with_health = threading.Thread(target=look)
    with_health.start()
    try:
        yield seconds
    finally:
        over.set()
        with_health.join()
