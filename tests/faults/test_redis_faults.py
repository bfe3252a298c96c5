"""Redis is killed, frozen, emptied and made read-only under load: no answer is a failure, and no limit is switched off.

The API counts in Redis while it answers, else by itself. So a limit of n lets n through, and at the moment of a change at most
n more for each process; signing in and ringing a customer's phone are held to it like everything else.
"""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest
import pytest_asyncio

from payme.entrypoints.features import wire
from payme.entrypoints.wiring import tools_of
from payme.features import payments
from payme.features.payments import ConfigureMethod
from payme.kit.ids import new_id
from payme.runtime.database import Database, PoolLimits
from payme.runtime.settings import Settings
from tests.api_process import GENEROUS, ApiProcess
from tests.fault_rows import FaultRow
from tests.faults.selling import PRICE_CENTS, FullShop, make_full_shop
from tests.invariants import assert_invariants
from tests.payment_room import ACCOUNT
from tests.people import new_phone
from tests.redis_server import RedisServer
from tests.stack import until

SECONDS = FaultRow.size(6, 60)
ANONYMOUS, GUESSES, PROMPTS = 20, 4, 3
LONGEST_ANSWER_SECONDS = 6.0
MOST_COUNTERS = 2
"""Redis, and one process that counts by itself."""
LIMITS: dict[str, Any] = {
    "RATE_LIMIT_ANONYMOUS": f"{ANONYMOUS}/hour",
    "RATE_LIMIT_PROMPTS": f"{PROMPTS}/hour",
    "LOGIN_FAILURES": str(GUESSES),
    "LOGIN_FAILURES_PER_ADDRESS": "1000000",
    "TRUSTED_PROXIES": "127.0.0.0/8",
}
pytestmark = [pytest.mark.faults, pytest.mark.timeout(120 + 4 * SECONDS)]


@dataclass
class Seen:
    """What clients saw: the most that a limit let through at once, every status, the slowest answer, and what must not be."""

    most: Counter[str] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    slowest_seconds: float = 0.0


@dataclass
class Place:
    """An API that counts in a Redis of its own, and a shop."""

    redis: RedisServer
    api: ApiProcess
    database: Database
    shop: FullShop
    seen: Seen = field(default_factory=Seen)
    _addresses: int = 0

    def from_somewhere(self, **more: str) -> dict[str, str]:
        """Return the headers of a sender who was never seen before, behind our proxy."""
        self._addresses += 1
        return {"x-forwarded-for": f"198.51.{self._addresses // 250}.{self._addresses % 250 + 1}", **more}

    async def burst(self, what: str, limit: int, ask: Callable[[], Awaitable[httpx2.Response]], *, passes: int) -> int:
        """Ask more often than all counters together allow, at once; return how many were let through."""
        answers = await asyncio.gather(*(self._timed(ask) for _ in range((MOST_COUNTERS + 2) * limit)))
        through = sum(answer.status_code == passes for answer in answers)
        self.seen.most[what] = max(self.seen.most[what], through)
        for answer in answers:
            self.seen.statuses[answer.status_code] += 1
            if answer.status_code not in {passes, 429}:
                self.seen.faults.append(f"{what}: {answer.status_code} {answer.text[:300]}")
        return through

    async def _timed(self, ask: Callable[[], Awaitable[httpx2.Response]]) -> httpx2.Response:
        begun = time.monotonic()
        answer = await ask()
        self.seen.slowest_seconds = max(self.seen.slowest_seconds, time.monotonic() - begun)
        return answer

    async def round(self, client: httpx2.AsyncClient) -> None:
        """Have a stranger read, somebody guess a password, and a cashier ring one phone, each too often."""
        headers, guessed, phone = self.from_somewhere(), new_phone(), new_phone()

        async def read() -> httpx2.Response:
            return await client.get("/v1/token-packages", headers=headers)

        async def guess() -> httpx2.Response:
            body = {"identifier": guessed, "password": "not-the-right-one"}
            return await client.post("/v1/auth/login", json=body, headers=self.from_somewhere())

        async def ring() -> httpx2.Response:
            lines = [{"product_id": str(self.shop.products[0]), "quantity": "1"}]
            tender = {"method": "mpesa_stk", "amount_cents": PRICE_CENTS, "phone": phone}
            sent = {"authorization": f"Bearer {self.shop.api_key}", "idempotency-key": str(new_id())}
            return await client.post(self.shop.sales_url, json={"lines": lines, "tenders": [tender]}, headers=sent)

        await asyncio.gather(
            self.burst("anonymous", ANONYMOUS, read, passes=200),
            self.burst("sign-in", GUESSES, guess, passes=401),
            self.burst("prompts", PROMPTS, ring, passes=201),
        )


@pytest_asyncio.fixture
async def place(make_database: Callable[[], Awaitable[str]], open_folder: Path) -> AsyncIterator[Place]:
    dsn = await make_database()
    wiring = wire(tools_of(Settings.from_values({**GENEROUS, "DATABASE_URL": dsn})))
    database = await Database(dsn, limits=PoolLimits(connections=2), wiring=wiring).open()
    shop = await make_full_shop(database)
    method = ConfigureMethod.model_validate(ACCOUNT)
    await database.run(lambda uow: payments.configure_method(uow, "paybill", method), business_id=shop.id)
    with RedisServer() as redis:
        api = ApiProcess(dsn, open_folder / "api.log", **LIMITS, REDIS_URL=redis.url)
        await asyncio.to_thread(api.__enter__)
        yield Place(redis, api, database, shop)
        await asyncio.to_thread(api.stop)
    await database.close()


async def killed(redis: RedisServer) -> None:
    redis.kill()


async def frozen(redis: RedisServer) -> None:
    redis.freeze()
    await asyncio.sleep(4)  # it is silent for so long, and quick for a moment
    redis.thaw()
    await asyncio.sleep(0.5)


async def emptied(redis: RedisServer) -> None:
    await asyncio.to_thread(redis.tell, "flushall")
    await asyncio.sleep(1)


async def read_only(redis: RedisServer) -> None:
    await asyncio.to_thread(redis.tell, "replicaof", "127.0.0.1", "1")


@pytest.mark.fault_row(25)
@pytest.mark.parametrize("fault", [killed, frozen, emptied, read_only], ids=lambda each: each.__name__)
async def test_no_limit_is_switched_off_and_nothing_fails(place: Place, row: FaultRow, fault: Any):
    async with httpx2.AsyncClient(base_url=place.api.base_url, trust_env=False, timeout=30) as client:
        await place.round(client)
        # A machine that is busy with other tests may keep Redis from answering in time.
        if not await counted_alone(client, place):
            assert place.seen.most == {"anonymous": ANONYMOUS, "sign-in": GUESSES, "prompts": PROMPTS}
        ends_at = time.monotonic() + SECONDS
        while time.monotonic() < ends_at:
            await asyncio.gather(fault(place.redis), place.round(client))
            row.counts["rounds"] += 1
        fallbacks = await counted_alone(client, place)
        place.redis.kill()
        place.redis.start()
        await until(lambda: shares_again(client, place), seconds=30)
    seen = place.seen
    row.counts.update({f"answered {status}": count for status, count in seen.statuses.items()})
    row.counts["slowest answer, ms"] = int(seen.slowest_seconds * 1000)
    row.counts.update({f"most {what}": count for what, count in seen.most.items()})
    assert seen.faults == []
    counters = MOST_COUNTERS + (fault is emptied and fallbacks > 0)
    assert seen.most["anonymous"] <= counters * ANONYMOUS
    assert seen.most["sign-in"] <= counters * GUESSES
    assert seen.most["prompts"] <= counters * PROMPTS
    assert seen.slowest_seconds <= LONGEST_ANSWER_SECONDS
    assert fallbacks > 0 or fault is emptied
    await assert_invariants(place.database, place.shop.id)


async def counted_alone(client: httpx2.AsyncClient, place: Place) -> int:
    """Return how often the API has counted by itself."""
    headers = {"accept": "application/json"}
    return int((await client.get("/metrics", headers=headers)).json()["cache"]["fallbacks"])


async def shares_again(client: httpx2.AsyncClient, place: Place) -> bool:
    """Say whether uses are counted in Redis."""
    before = await counted_alone(client, place)
    await client.get("/v1/token-packages", headers=place.from_somewhere())
    return await counted_alone(client, place) == before
