import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from payme.features.identity import IdentityAuthenticator, Visitor, sign_up
from payme.features.identity.errors import (
    EmailInvalid,
    IdentifierMissing,
    IdentifierTaken,
    LoginFailed,
    PhoneInvalid,
    RefreshReused,
    SessionEnded,
    SessionNotFound,
)
from payme.features.identity.schemas import LogIn, SignUp, TokensView
from payme.features.identity.services.login_gate import GateOptions, LoginGate, TooManyFailures
from payme.features.identity.services.people import log_in
from payme.features.identity.services.sessions import end_session, list_sessions, refresh
from payme.kit.time import FrozenClock
from payme.runtime.database import Database, PoolLimits
from payme.runtime.http import Credentials
from payme.runtime.security import InvalidToken, PasswordHasher
from tests.people import PASSWORD, Person, identity_wiring, make_identity, make_person, new_phone

HERE = Visitor("203.0.113.7", "a browser")


@pytest_asyncio.fixture(scope="module")
async def clock() -> FrozenClock:
    return FrozenClock(datetime(2026, 11, 22, 9, 0, 0, 123456, tzinfo=UTC))


@pytest_asyncio.fixture(scope="module")
async def frozen(owner_dsn: str, clock: FrozenClock) -> AsyncIterator[Database]:
    """A database whose clock stands still until it is moved."""
    limits = PoolLimits(connections=8)
    opened = await Database(owner_dsn, limits=limits, clock=clock, wiring=identity_wiring()).open()
    yield opened
    await opened.close()


def session_of(database: Database, token: str) -> UUID:
    return make_identity().tokens.read_refresh(token, now=database.clock.now()).session_id


async def row_of(database: Database, person: Person) -> Any:
    session_id = session_of(database, person.refresh_token)
    return await database.run(lambda uow: uow.fetchrow("select * from sessions where id = $1", session_id))


async def test_a_sign_up_makes_a_plain_user_whatever_else_its_body_says(database: Database):
    body = {
        "name": "Njoroge",
        "phone": "0712 345 999",
        "email": "",
        "password": PASSWORD,
        "role": "platform_admin",
        "platform_role": "platform_admin",
        "business_ids": ["00000000-0000-7000-8000-00000000a71e"],
        "id": "01932f6e-7c1f-7b0a-8d7e-0a5b5a1c2d40",
    }
    body["phone"] = new_phone()
    signed_in = await sign_up(database, SignUp.model_validate(body), visitor=HERE)
    row = await database.run(lambda uow: uow.fetchrow("select * from users where id = $1", signed_in.user.id))
    assert row is not None
    assert (row["platform_role"], row["business_ids"], row["status"]) == (None, [], "active")
    assert str(row["id"]) != body["id"]
    assert signed_in.user.phone == body["phone"]
    assert body["phone"].encode() not in row["phone_encrypted"] + row["phone_index"]
    assert row["password_hash"].startswith("$argon2id$")


@pytest.mark.parametrize(
    ("phone", "email", "refusal"),
    [
        (None, None, IdentifierMissing),
        (" ", "", IdentifierMissing),
        ("12345", None, PhoneInvalid),
        (None, "not an address", EmailInvalid),
        (None, "a@b", EmailInvalid),
    ],
)
async def test_a_sign_up_needs_a_number_or_an_address_that_is_one(
    database: Database, phone: str | None, email: str | None, refusal: type[Exception]
):
    with pytest.raises(refusal):
        await sign_up(database, SignUp(name="A", phone=phone, email=email, password=SecretStr(PASSWORD)), visitor=HERE)


def test_a_short_password_is_refused():
    with pytest.raises(ValueError, match="password"):
        SignUp(name="A", phone="0712345678", password=SecretStr("short"))


async def test_one_number_makes_one_user_in_whatever_form_it_is_written(database: Database):
    person = await make_person(database)
    with pytest.raises(IdentifierTaken):
        await sign_up(database, SignUp(name="B", phone="+" + person.phone, password=SecretStr(PASSWORD)), visitor=HERE)


@pytest.mark.parametrize("form", ["{}", "+{}", "0{}"])
async def test_login_takes_a_number_in_any_form(database: Database, form: str):
    person = await make_person(database)
    written = form.format(person.phone[3:] if form.startswith("0") else person.phone)
    found = await log_in(database, LogIn(identifier=written, password=SecretStr(PASSWORD)), visitor=HERE)
    assert found.user.id == person.id
    assert found.refresh_token != person.refresh_token


async def test_login_takes_an_address_in_any_case(database: Database):
    address = f"Shop{new_phone()}@Example.co.ke"
    person = await sign_up(database, SignUp(name="C", email=address, password=SecretStr(PASSWORD)), visitor=HERE)
    found = await log_in(database, LogIn(identifier=address.upper(), password=SecretStr(PASSWORD)), visitor=HERE)
    assert (found.user.id, found.user.email) == (person.user.id, address)


async def test_a_wrong_password_and_an_unknown_number_sound_the_same(database: Database):
    person = await make_person(database)
    for identifier in (person.phone, new_phone(), "nobody@example.co.ke", "¯\\_(ツ)_/¯"):
        with pytest.raises(LoginFailed) as refused:
            await log_in(
                database,
                LogIn(identifier=identifier, password=SecretStr("wrong-password")),
                visitor=Visitor("198.51.100.1"),
            )
        assert refused.value.facts == {}


async def test_five_failures_close_an_account_and_a_success_in_between_opens_it(database: Database):
    person = await make_person(database)

    async def attempt(password: str) -> str:
        try:
            await log_in(database, LogIn(identifier=person.phone, password=SecretStr(password)), visitor=HERE)
        except LoginFailed:
            return "failed"
        except TooManyFailures as refused:
            return "closed" if 0 < refused.facts["retry_after_seconds"] <= 900 else "for how long?"
        return "in"

    assert [await attempt("wrong") for _ in range(4)] == ["failed"] * 4
    assert await attempt(PASSWORD) == "in"
    answers = await asyncio.gather(*(attempt("wrong") for _ in range(12)))
    assert sorted(answers) == ["closed"] * 7 + ["failed"] * 5
    assert await attempt(PASSWORD) == "closed"


async def test_an_address_with_many_failures_is_slowed_down_and_never_locked_out():
    options = {"failures": 5, "failures_per_address": 3, "window_seconds": 900}
    gate = LoginGate(GateOptions(**options, delay_seconds=0))
    slow = LoginGate(GateOptions(**options, delay_seconds=60), gate.storage)
    for number in range(50):
        if number < 3:
            await slow.enter("account", "203.0.113.9")
        await gate.failed("203.0.113.9")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await slow.enter("another account", "203.0.113.9")
    await slow.enter("another account", "203.0.113.10")
    for number in range(20):
        await gate.enter(f"account {number}", "203.0.113.9")


async def test_a_gate_whose_redis_is_away_still_closes_after_five_failures():
    gate = LoginGate.shared(GateOptions(delay_seconds=0), "redis://127.0.0.1:1/0")
    for _ in range(5):
        await gate.enter("account", "203.0.113.9")
    with pytest.raises(TooManyFailures):
        await gate.enter("account", "203.0.113.9")
    await gate.failed("203.0.113.9")
    await gate.succeeded("account")
    await gate.enter("account", "203.0.113.9")


async def test_twenty_refreshes_at_once_are_one_rotation_and_twenty_equal_answers(database: Database):
    person = await make_person(database)
    answers = await asyncio.gather(*(refresh(database, person.refresh_token) for _ in range(20)))
    assert len({answer.model_dump_json() for answer in answers}) == 1
    row = await row_of(database, person)
    assert (row["generation"], row["revoked_at"]) == (2, None)
    assert answers[0].refresh_token != person.refresh_token


async def test_an_older_token_ends_the_session_and_it_stays_ended(frozen: Database, clock: FrozenClock):
    person = await make_person(frozen)
    clock.advance(timedelta(minutes=3))
    second = await refresh(frozen, person.refresh_token)
    clock.advance(timedelta(seconds=10))
    assert await refresh(frozen, person.refresh_token) == second
    clock.advance(timedelta(seconds=1))
    with pytest.raises(RefreshReused):
        await refresh(frozen, person.refresh_token)
    row = await row_of(frozen, person)
    assert row["revoked_reason"] == "refresh_reused"
    with pytest.raises(SessionEnded):
        await refresh(frozen, second.refresh_token)


async def test_a_session_ends_after_seven_days_however_often_it_was_refreshed(frozen: Database, clock: FrozenClock):
    person = await make_person(frozen)
    token = person.refresh_token
    for _ in range(6):
        clock.advance(timedelta(days=1))
        token = (await refresh(frozen, token)).refresh_token
    clock.advance(timedelta(days=1, seconds=1))
    with pytest.raises(InvalidToken):
        await refresh(frozen, token)


@given(steps=st.lists(st.tuples(st.integers(0, 3), st.sampled_from([0, 4, 9, 11, 40])), min_size=1, max_size=8))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_whatever_order_tokens_come_in_one_session_has_one_line_of_generations(
    frozen: Database, clock: FrozenClock, steps: list[tuple[int, int]]
):
    """Model: a list of tokens handed out. The newest rotates, the one before repeats for ten seconds, any other ends all."""
    person = await make_person(frozen)
    issued: list[str] = [person.refresh_token]
    answers: dict[int, TokensView] = {}
    rotated_at, ended = clock.now(), False
    for back, pause in steps:
        clock.advance(timedelta(seconds=pause))
        place = max(len(issued) - 1 - back, 0)
        newest = len(issued) - 1
        if ended:
            with pytest.raises(SessionEnded):
                await refresh(frozen, issued[place])
        elif place == newest:
            answers[place] = await refresh(frozen, issued[place])
            issued.append(answers[place].refresh_token)
            rotated_at = clock.now()
        elif place == newest - 1 and clock.now() - rotated_at <= timedelta(seconds=10):
            assert await refresh(frozen, issued[place]) == answers[place]
        else:
            with pytest.raises(RefreshReused):
                await refresh(frozen, issued[place])
            ended = True
    row = await row_of(frozen, person)
    assert row["generation"] == len(issued)
    assert (row["revoked_at"] is not None) is ended
    assert len(set(issued)) == len(issued)


async def test_an_access_token_is_no_refresh_token_and_the_other_way_round(database: Database):
    person = await make_person(database)
    with pytest.raises(InvalidToken):
        await refresh(database, person.access_token)
    with pytest.raises(InvalidToken):
        await IdentityAuthenticator(database).authenticate(Credentials(person.refresh_token, "bearer"))


async def test_sessions_are_listed_and_ended_by_their_own_person_only(database: Database):
    person, stranger = await make_person(database), await make_person(database)
    mine = session_of(database, person.refresh_token)
    await log_in(database, LogIn(identifier=person.phone, password=SecretStr(PASSWORD)), visitor=HERE)
    found = await database.run(lambda uow: list_sessions(uow, user_id=person.id, current=mine))
    assert [(each.is_current, each.label) for each in found] == [(False, "a browser"), (True, "a test")]
    with pytest.raises(SessionNotFound):
        await database.run(lambda uow: end_session(uow, mine, user_id=stranger.id))
    await database.run(lambda uow: end_session(uow, mine, user_id=person.id))
    with pytest.raises(SessionNotFound):
        await database.run(lambda uow: end_session(uow, mine, user_id=person.id))
    with pytest.raises(SessionEnded):
        await refresh(database, person.refresh_token)


async def test_a_hash_of_another_cost_is_made_anew_at_login(database: Database):
    person = await make_person(database)
    old = PasswordHasher(memory_kib=19_456, iterations=3).hash(PASSWORD)
    await database.run(lambda uow: uow.execute("update users set password_hash = $2 where id = $1", person.id, old))
    await log_in(database, LogIn(identifier=person.phone, password=SecretStr(PASSWORD)), visitor=HERE)
    new = await database.run(lambda uow: uow.fetchval("select password_hash from users where id = $1", person.id))
    assert new != old
    await log_in(database, LogIn(identifier=person.phone, password=SecretStr(PASSWORD)), visitor=HERE)
    again = await database.run(lambda uow: uow.fetchval("select password_hash from users where id = $1", person.id))
    assert again == new
