import asyncio
from collections import Counter
from collections.abc import Iterator
from uuid import UUID

import pytest

from payme.runtime.http.rate_limits import RateLimiter, Spent, client_address
from tests.api.http.shelf import Doorman
from tests.api.http.types import MakeApp, MakeClient
from tests.fault_rows import FaultRow
from tests.redis_server import RedisServer

TIMES = FaultRow.size(2, 10)
FIFTY = {"principal": "50/minute", "anonymous": "50/minute", "callbacks": "1000/minute"}


@pytest.mark.fault_row(34)
@pytest.mark.parametrize("where", ["process", "redis"])
async def test_two_hundred_at_once_against_fifty_let_exactly_fifty_through(
    make_app: MakeApp,
    make_client: MakeClient,
    doorman: Doorman,
    business_id: UUID,
    shelf: str,
    row: FaultRow,
    where: str,
    redis_server: RedisServer,
    patience: None,
):
    app = make_app(budgets=FIFTY, redis_url=redis_server.url if where == "redis" else None)
    for turn in range(TIMES):
        doorman.register(f"amina {turn}", business_id)
        client = make_client(app, token=f"amina {turn}")
        answers = await asyncio.gather(*(client.get(shelf) for _ in range(200)))
        assert Counter(answer.status_code for answer in answers) == {200: 50, 429: 150}
        left = sorted(int(each.headers["ratelimit"].split("r=")[1].split(";")[0]) for each in answers)
        assert left == [0] * 151 + list(range(1, 50))
        row.counts.update(sent=200, applied=50, refused=150)
    assert app.state.edge.limiter.fallbacks == 0
    await app.state.edge.limiter.close()


@pytest.mark.fault_row(34)
@pytest.mark.parametrize("where", ["process", "redis"])
async def test_forged_addresses_at_once_are_one_sender_and_two_behind_our_proxy_are_two(
    make_app: MakeApp, make_client: MakeClient, row: FaultRow, where: str, redis_server: RedisServer, patience: None
):
    redis_url = redis_server.url if where == "redis" else None
    app = make_app(budgets=FIFTY, trusted_proxies=("10.0.0.0/8",), redis_url=redis_url)
    for turn in range(TIMES):
        stranger = make_client(app, token=None, address=f"203.0.113.{turn + 1}")
        forged = [{"x-forwarded-for": f"10.0.0.1, 198.51.100.{each}"} for each in range(200)]
        answers = await asyncio.gather(*(stranger.get("/v1/open", headers=headers) for headers in forged))
        assert Counter(answer.status_code for answer in answers) == {200: 50, 429: 150}
        proxy = make_client(app, token=None, address="10.0.0.1")
        # What stands left of the last hop that is not ours was written by the sender.
        passed_on = [
            {"x-forwarded-for": f"6.6.6.{each}, 192.0.2.{turn * 2 + each % 2}, 10.0.0.2"} for each in range(200)
        ]
        answers = await asyncio.gather(*(proxy.get("/v1/open", headers=headers) for headers in passed_on))
        assert Counter(answer.status_code for answer in answers) == {200: 100, 429: 100}
        row.counts.update(sent=400, applied=150, refused=250)
    assert app.state.edge.limiter.fallbacks == 0
    await app.state.edge.limiter.close()


async def test_the_headers_say_policy_and_what_is_left(make_client: MakeClient):
    client = make_client(token=None, budgets={"anonymous": "2/minute"})
    answers = [await client.get("/v1/open") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert {answer.headers["ratelimit-policy"] for answer in answers} == {'"anonymous";q=2;w=60'}
    assert [answer.headers["ratelimit"] for answer in answers[:2]] == ['"anonymous";r=1;t=60', '"anonymous";r=0;t=60']
    refused = answers[2]
    assert (refused.json()["code"], refused.json()["retryable"]) == ("http.rate_limited", True)
    assert 1 <= int(refused.headers["retry-after"]) <= 60


async def test_limits_are_counted_by_credential_and_by_address(
    make_app: MakeApp, make_client: MakeClient, doorman: Doorman, business_id: UUID, shelf: str
):
    app = make_app(budgets={"principal": "1/minute", "anonymous": "1/minute"})
    for token in ("amina", "brian"):
        doorman.register(token, business_id)
        statuses = [(await make_client(app, token=token).get(shelf)).status_code for _ in range(2)]
        assert statuses == [200, 429]
    for address in ("203.0.113.1", "203.0.113.2"):
        statuses = [(await make_client(app, token=None, address=address).get("/v1/open")).status_code for _ in range(2)]
        assert statuses == [200, 429]


async def test_guessed_tokens_are_counted_by_address(make_client: MakeClient, shelf: str):
    client = make_client(token="guess", budgets={"anonymous": "2/minute"})
    assert [(await client.get(shelf)).status_code for _ in range(3)] == [401, 401, 429]


async def test_callbacks_have_a_budget_of_their_own_and_probes_none(make_client: MakeClient):
    client = make_client(token=None, budgets={"anonymous": "1/minute", "callbacks": "3/minute"})
    await client.get("/v1/open")
    assert (await client.get("/v1/open")).status_code == 429
    assert [(await client.post("/d/t/stk", content=b"{}")).status_code for _ in range(4)] == [200, 200, 200, 429]
    assert {(await client.get("/livez")).status_code for _ in range(5)} == {200}


async def test_an_invented_forwarded_address_changes_nothing(make_client: MakeClient):
    client = make_client(token=None, budgets={"anonymous": "1/minute"})
    answers = [await client.get("/v1/open", headers={"x-forwarded-for": f"198.51.100.{turn}"}) for turn in range(2)]
    assert [answer.status_code for answer in answers] == [200, 429]


@pytest.mark.parametrize(
    ("peer", "header", "expected"),
    [
        ("10.0.0.1", "198.51.100.9", "198.51.100.9"),
        ("10.0.0.1", "6.6.6.6, 198.51.100.9", "198.51.100.9"),
        ("10.0.0.1", "198.51.100.9, 10.0.0.2", "198.51.100.9"),
        ("10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ("10.0.0.1", "rubbish", "10.0.0.1"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("203.0.113.7", "198.51.100.9", "203.0.113.7"),
        ("unknown", "198.51.100.9", "unknown"),
    ],
)
def test_only_our_own_proxies_are_believed(peer: str, header: str, expected: str):
    limiter = RateLimiter({}, trusted_proxies=("10.0.0.0/8",))
    scope = {"client": (peer, 1), "headers": [(b"x-forwarded-for", header.encode())]}
    assert client_address(scope, limiter.trusted) == expected


async def test_a_window_ends(monkeypatch: pytest.MonkeyPatch):
    limiter = RateLimiter({"b": "1/second"})
    now = 1000.0
    monkeypatch.setattr("payme.runtime.http.rate_limits.time.monotonic", lambda: now)
    used = [(await spend(limiter, "b", "k")).used for _ in range(2)]
    now += 1.01
    used.append((await spend(limiter, "b", "k")).used)
    assert used == [1, 2, 1]


@pytest.fixture(scope="module")
def running_redis() -> Iterator[RedisServer]:
    with RedisServer() as server:
        yield server


@pytest.fixture
def redis_server(running_redis: RedisServer) -> RedisServer:
    """A Redis that knows nothing of the tests before."""
    running_redis.kill()
    running_redis.start()
    return running_redis


@pytest.fixture
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that is busy with other tests may keep 200 uses waiting for longer than a request would."""
    monkeypatch.setattr("payme.runtime.http.rate_limits._REDIS_SECONDS", 30.0)


async def spend(limiter: RateLimiter, budget: str, key: str) -> Spent:
    spent = await limiter.spend(budget, key)
    assert spent is not None
    return spent


async def answers_from(limiter: RateLimiter) -> None:
    async with asyncio.timeout(10):
        while (await spend(limiter, "probe", "k")).used and limiter.fallbacks:
            limiter.fallbacks = 0
            limiter._shared_again_at = 0.0
            await asyncio.sleep(0.02)


async def test_two_processes_share_a_limit_in_redis_and_its_death_is_no_error(
    redis_server: RedisServer, patience: None
):
    budgets = {"b": "50/minute", "probe": "1000000/minute"}
    limiters = [RateLimiter(budgets, redis_url=redis_server.url) for _ in range(2)]
    for limiter in limiters:
        await answers_from(limiter)
    spent = await asyncio.gather(*(spend(limiters[turn % 2], "b", "k") for turn in range(200)))
    assert sorted(each.used for each in spent) == list(range(1, 201))
    assert all(limiter.fallbacks == 0 for limiter in limiters)
    redis_server.kill()
    after = await asyncio.gather(*(spend(limiters[turn % 2], "b", "other") for turn in range(200)))
    assert sum(each.used <= each.limit for each in after) == 100
    assert all(limiter.fallbacks == 100 for limiter in limiters)
    for limiter in limiters:
        await limiter.close()
