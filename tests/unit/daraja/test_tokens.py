"""The shared token: early renewal, one renewal at a time, leases that die with their holder."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from payme.integrations.daraja import DarajaRefused, DarajaUnavailable, MemoryTokenStore, Reason, RenewalRules, Token
from payme.integrations.daraja.oauth import life_seconds
from payme.integrations.daraja.tokens import TokenSource
from payme.kit.time import FrozenClock

START = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
APP = "shop"


class Mint:
    """Counts the tokens it makes; may fail, or wait until told."""

    def __init__(self, clock: FrozenClock, *, life_seconds: int = 3599) -> None:
        self.clock, self.life = clock, timedelta(seconds=life_seconds)
        self.made = 0
        self.failure: DarajaRefused | DarajaUnavailable | None = None
        self.gate = asyncio.Event()
        self.gate.set()

    async def __call__(self) -> Token:
        self.made += 1
        await self.gate.wait()
        if self.failure:
            raise self.failure
        now = self.clock.now()
        return Token(f"token-{self.made}", now, now + self.life)


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock(START)


@pytest.fixture
def store(clock: FrozenClock) -> MemoryTokenStore:
    return MemoryTokenStore(clock)


@pytest.fixture
def mint(clock: FrozenClock) -> Mint:
    return Mint(clock)


@pytest.fixture
def source(store: MemoryTokenStore, mint: Mint, clock: FrozenClock) -> TokenSource:
    return TokenSource(store, mint, app_id=APP, clock=clock)


async def test_a_token_is_used_until_it_is_renewed_early(source: TokenSource, mint: Mint, clock: FrozenClock):
    assert (await source.current()).access_token == "token-1"
    clock.advance(timedelta(seconds=3599 - 181))
    assert (await source.current()).access_token == "token-1"
    clock.advance(timedelta(seconds=1))
    assert (await source.current()).access_token == "token-2"
    assert mint.made == 2


async def test_a_short_lived_token_is_used_for_half_its_life(store: MemoryTokenStore, clock: FrozenClock):
    mint = Mint(clock, life_seconds=60)
    source = TokenSource(store, mint, app_id=APP, clock=clock)
    await source.current()
    clock.advance(timedelta(seconds=29))
    assert (await source.current()).access_token == "token-1"
    clock.advance(timedelta(seconds=1))
    assert (await source.current()).access_token == "token-2"


async def test_twenty_calls_at_once_mint_once(source: TokenSource, mint: Mint):
    mint.gate.clear()
    calls = [asyncio.create_task(source.current()) for _ in range(20)]
    await asyncio.sleep(0)
    mint.gate.set()
    assert {(await call).access_token for call in calls} == {"token-1"}
    assert mint.made == 1


async def test_two_processes_mint_once(store: MemoryTokenStore, mint: Mint, clock: FrozenClock):
    sources = [TokenSource(store, mint, app_id=APP, clock=clock) for _ in range(2)]
    mint.gate.clear()
    calls = [asyncio.create_task(source.current()) for source in sources for _ in range(5)]
    for _ in range(10):
        await asyncio.sleep(0)
    mint.gate.set()
    assert {(await call).access_token for call in calls} == {"token-1"}
    assert mint.made == 1


async def test_after_a_rejection_the_shared_token_is_read_before_one_is_minted(
    store: MemoryTokenStore, mint: Mint, clock: FrozenClock
):
    mine, theirs = (TokenSource(store, mint, app_id=APP, clock=clock) for _ in range(2))
    old = await mine.current()
    renewed = await theirs.after_rejection(old)
    assert (await mine.after_rejection(old)) == renewed
    assert mint.made == 2


class OvertakenStore(MemoryTokenStore):
    """Somebody else stores a token and ends a renewal between our look and our lease."""

    async def try_lease(self, app_id: str, *, holder: str, seconds: int) -> bool:
        token = Token("theirs", START, START + timedelta(hours=1))
        await super().try_lease(app_id, holder="other", seconds=seconds)
        await self.store_token(app_id, token, holder="other")
        await self.release_lease(app_id, holder="other")
        return await super().try_lease(app_id, holder=holder, seconds=seconds)


async def test_the_shared_token_is_read_again_under_the_lease(mint: Mint, clock: FrozenClock):
    source = TokenSource(OvertakenStore(clock), mint, app_id=APP, clock=clock)
    assert (await source.current()).access_token == "theirs"
    assert mint.made == 0


async def test_many_rejections_of_one_token_renew_it_once(source: TokenSource, mint: Mint):
    old = await source.current()
    tokens = await asyncio.gather(*(source.after_rejection(old) for _ in range(20)))
    assert {token.access_token for token in tokens} == {"token-2"}
    assert mint.made == 2


@pytest.mark.parametrize(
    "failure",
    [DarajaUnavailable("daraja.unreachable"), DarajaRefused("daraja.credentials_refused", reason=Reason.CONFIG)],
)
async def test_callers_who_waited_share_one_failure(
    source: TokenSource, mint: Mint, failure: DarajaRefused | DarajaUnavailable
):
    mint.failure = failure
    mint.gate.clear()
    calls = [asyncio.create_task(source.current()) for _ in range(20)]
    for _ in range(5):
        await asyncio.sleep(0)
    mint.gate.set()
    results = await asyncio.gather(*calls, return_exceptions=True)
    assert all(result is failure for result in results)
    assert mint.made == 1
    mint.failure = None
    assert (await source.current()).access_token == "token-2"


async def test_the_lease_of_a_dead_process_runs_out(
    source: TokenSource, store: MemoryTokenStore, clock: FrozenClock, mint: Mint
):
    assert await store.try_lease(APP, holder="dead", seconds=45)
    call = asyncio.create_task(source.current())
    for _ in range(5):
        await asyncio.sleep(0)
    assert mint.made == 0
    clock.advance(timedelta(seconds=45))
    await store.release_lease(APP, holder="somebody")  # wakes those who wait, as polling would
    assert (await call).access_token == "token-1"


async def test_a_renewal_that_never_ends_elsewhere_is_not_waited_for_for_ever(
    store: MemoryTokenStore, mint: Mint, clock: FrozenClock
):
    source = TokenSource(store, mint, app_id=APP, clock=clock, rules=RenewalRules(lease_seconds=1))
    assert await store.try_lease(APP, holder="hanging", seconds=1_000)
    with pytest.raises(DarajaUnavailable) as fault:
        await source.current()
    assert fault.value.code == "daraja.token_wait"


async def test_a_token_minted_after_the_lease_was_lost_is_not_kept(
    source: TokenSource, store: MemoryTokenStore, mint: Mint, clock: FrozenClock
):
    mint.gate.clear()
    call = asyncio.create_task(source.current())
    for _ in range(3):
        await asyncio.sleep(0)
    clock.advance(timedelta(seconds=46))
    assert await store.try_lease(APP, holder="other", seconds=45)
    newer = Token("theirs", clock.now(), clock.now() + timedelta(hours=1))
    assert await store.store_token(APP, newer, holder="other")
    await store.release_lease(APP, holder="other")
    mint.gate.set()
    assert (await call) == newer


async def test_a_cancelled_renewal_gives_the_lease_back(source: TokenSource, store: MemoryTokenStore, mint: Mint):
    mint.gate.clear()
    call = asyncio.create_task(source.current())
    for _ in range(3):
        await asyncio.sleep(0)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert await store.try_lease(APP, holder="next", seconds=45)


class ForgetfulStore(MemoryTokenStore):
    """Is away when a lease is given back for the first time."""

    is_away = True

    async def release_lease(self, app_id: str, *, holder: str) -> None:
        if self.is_away:
            self.is_away = False
            raise TimeoutError
        await super().release_lease(app_id, holder=holder)


async def test_a_lease_that_could_not_be_given_back_does_not_stop_its_holder(mint: Mint, clock: FrozenClock):
    source = TokenSource(ForgetfulStore(clock), mint, app_id=APP, clock=clock, rules=RenewalRules(lease_seconds=2))
    mint.failure = DarajaUnavailable("daraja.unreachable")
    with pytest.raises((DarajaUnavailable, TimeoutError)):
        await source.current()
    mint.failure = None
    assert (await source.current()).access_token == "token-2"


async def test_a_lease_belongs_to_one_holder(store: MemoryTokenStore, clock: FrozenClock):
    assert await store.try_lease(APP, holder="a", seconds=45)
    assert not await store.try_lease(APP, holder="b", seconds=45)
    assert await store.try_lease("another app", holder="b", seconds=45)
    await store.release_lease(APP, holder="b")
    assert not await store.try_lease(APP, holder="b", seconds=45)
    token = Token("t", clock.now(), clock.now() + timedelta(hours=1))
    assert not await store.store_token(APP, token, holder="b")
    assert await store.find_token(APP) is None


def test_a_token_stays_out_of_its_repr(clock: FrozenClock):
    assert "secret" not in repr(Token("secret", clock.now(), clock.now()))


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("3599", 3599),
        ("3599.0", 3599),
        ("", 600),
        ("soon", 600),
        ("NaN", 600),
        ("Infinity", 600),
        ("-5", 1),
        ("0", 1),
        ("1e999", 86_400),
    ],
)
def test_a_life_is_read_as_text_or_number_and_bounded(text: str, seconds: int):
    assert life_seconds(text) == seconds
