"""Two instances behind the committed nginx file are restarted one after the other while tills sell: nothing is lost or doubled."""

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from payme.entrypoints.features import wire
from payme.entrypoints.wiring import tools_of
from payme.runtime.database import Database, PoolLimits
from payme.runtime.settings import Settings
from tests.api_process import GENEROUS, ApiProcess
from tests.deploy import front as fronts
from tests.deploy.front import NAME, Front
from tests.faults.selling import FullShop, Sold, hold_against_the_books, make_full_shop
from tests.invariants import assert_invariants

TILLS = 3
SELLS_SECONDS = 30.0


@pytest.fixture
async def place(make_database: Callable[..., Any]) -> AsyncIterator[tuple[Database, FullShop]]:
    dsn = await make_database()
    wiring = wire(tools_of(Settings.from_values({**GENEROUS, "DATABASE_URL": dsn})))
    database = await Database(dsn, limits=PoolLimits(connections=3), wiring=wiring).open()
    yield database, await make_full_shop(database)
    await database.close()


class Tills:
    """Tills that sell through nginx until told to stop; each sale is sent under one key until it is answered."""

    def __init__(self, front: Front, shop: FullShop) -> None:
        self.front, self.shop, self.sold = front, shop, Sold()
        self.stopping = False

    async def sell_on(self, number: int) -> None:
        trusted = ssl.create_default_context(cafile=str(self.front.folder / "fullchain.pem"))
        headers = {"Host": NAME, "Authorization": f"Bearer {self.shop.api_key}"}
        async with httpx2.AsyncClient(
            verify=trusted, base_url=self.front.secure, headers=headers, timeout=20, trust_env=False
        ) as client:
            while not self.stopping:
                await self.sell(client, str(uuid4()), number)

    async def sell(self, client: httpx2.AsyncClient, key: str, number: int) -> None:
        while key not in self.sold.acknowledged:
            answer = await client.post(
                self.shop.sales_url,
                json=self.shop.cart(number),
                headers={"Idempotency-Key": key},
                extensions={"sni_hostname": NAME},
            )
            self.sold.statuses[str(answer.status_code)] += 1
            if answer.status_code == 201:
                self.sold.acknowledged[key] = answer.content
                self.sold.last_success_at = time.monotonic()

    async def until_sold(self, more: int) -> None:
        wanted, deadline = len(self.sold.acknowledged) + more, time.monotonic() + SELLS_SECONDS
        while len(self.sold.acknowledged) < wanted:
            assert time.monotonic() < deadline, self.sold.statuses
            await asyncio.sleep(0.02)


async def test_two_instances_are_restarted_under_load(place: tuple[Database, FullShop], tmp_path: Path) -> None:
    database, shop = place
    apis = [
        ApiProcess(
            database.dsn,
            tmp_path / f"api{number}.log",
            TRUSTED_PROXIES="127.0.0.1",
            PUBLIC_BASE_URL=f"https://{NAME}",
        )
        for number in range(2)
    ]
    front = fronts.make_front(tmp_path)
    ports = [api.base_url.rpartition(":")[2] for api in apis]
    servers = "\n    ".join(f"server 127.0.0.1:{port} max_fails=0;" for port in ports)
    file = tmp_path / "payme.conf"
    file.write_text(file.read_text().replace(f"server 127.0.0.1:{front.api};", servers))
    tills = Tills(front, shop)
    for api in apis:
        api.start()
    try:
        for api in apis:
            await asyncio.to_thread(api.wait_until_ready)
        with fronts.running(front):
            selling = [asyncio.create_task(tills.sell_on(number)) for number in range(TILLS)]
            for api in apis:
                await tills.until_sold(10)
                before = api.pid
                await asyncio.to_thread(api.stop)
                await tills.until_sold(5)
                api.start()
                await asyncio.to_thread(api.wait_until_ready)
                assert api.pid != before
            await tills.until_sold(10)
            tills.stopping = True
            await asyncio.gather(*selling)
    finally:
        for api in apis:
            await asyncio.to_thread(api.stop)
    assert set(tills.sold.statuses) == {"201"}, tills.sold.statuses
    await hold_against_the_books(database, shop, tills.sold)
    await assert_invariants(database, shop.id)
