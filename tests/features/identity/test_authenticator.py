import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio

from payme.features.identity import IdentityAuthenticator, add_member
from payme.features.identity.enums import Role
from payme.features.identity.errors import KeyRefused, SessionEnded
from payme.features.identity.schemas import ApiKeyMade, ChangeMember, CreateApiKey
from payme.features.identity.services.api_keys import create_api_key, revoke_api_key
from payme.features.identity.services.members import change_member, remove_member
from payme.features.identity.services.sessions import end_session
from payme.kit.errors import Unauthenticated
from payme.kit.ids import new_id
from payme.kit.time import FrozenClock, SystemClock
from payme.runtime.database import Database, PoolLimits
from payme.runtime.http import Credentials
from payme.runtime.security import InvalidToken, TokenSigner
from tests.people import Person, Shop, hire, identity_wiring, make_identity, make_shop


@pytest_asyncio.fixture
async def elsewhere(owner_dsn: str) -> AsyncIterator[IdentityAuthenticator]:
    """The authenticator of another process: a database of its own, and only the channel in common."""
    database = await Database(owner_dsn, limits=PoolLimits(connections=2), wiring=identity_wiring()).open()
    authenticator = IdentityAuthenticator(database)
    await authenticator.listen(owner_dsn)
    yield authenticator
    await authenticator.close()
    await database.close()


def bearer(token: str) -> Credentials:
    return Credentials(token, "bearer")


async def make_key(shop: Shop, *scopes: str) -> ApiKeyMade:
    return await shop.database.run(
        lambda uow: create_api_key(uow, CreateApiKey(name="Export", scopes=list(scopes))),
        business_id=shop.id,
        actor=shop.acting(),
    )


async def permissions(authenticator: IdentityAuthenticator, token: str, shop: Shop) -> frozenset[str] | None:
    principal = await authenticator.authenticate(bearer(token))
    actor = await authenticator.actor_in(principal, shop.id)
    return actor.permissions if actor else None


async def until(condition: Callable[[], Awaitable[bool]], seconds: int = 1) -> None:
    deadline = asyncio.get_running_loop().time() + seconds
    while not await condition():
        assert asyncio.get_running_loop().time() < deadline, f"it did not happen within {seconds} s"
        await asyncio.sleep(0.01)


async def refused(authenticator: IdentityAuthenticator, token: str) -> bool:
    try:
        await authenticator.authenticate(bearer(token))
    except Unauthenticated:
        return True
    return False


async def test_a_warm_request_costs_no_statement(shop: Shop, elsewhere: IdentityAuthenticator):
    key = await make_key(shop, "sales.read")
    for token in (shop.owner.access_token, key.key):
        await permissions(elsewhere, token, shop)
    before = elsewhere.lookups
    await elsewhere._database.close()
    try:
        for _ in range(50):
            assert "sales.create" in (await permissions(elsewhere, shop.owner.access_token, shop) or ())
            assert await permissions(elsewhere, key.key, shop) == {"sales.read"}
    finally:
        await elsewhere._database.open()
    assert elsewhere.lookups == before


async def test_an_ended_session_is_refused_elsewhere_within_a_second(shop: Shop, elsewhere: IdentityAuthenticator):
    token = shop.owner.access_token
    principal = await elsewhere.authenticate(bearer(token))
    await shop.database.run(lambda uow: end_session(uow, UUID(principal.session), user_id=shop.owner.id))
    await until(lambda: refused(elsewhere, token))
    with pytest.raises(SessionEnded):
        await elsewhere.authenticate(bearer(token))


async def test_a_changed_or_removed_member_is_seen_elsewhere_within_a_second(
    shop: Shop, elsewhere: IdentityAuthenticator
):
    cashier: Person = await hire(shop, "cashier")
    assert "ledger.read" not in (await permissions(elsewhere, cashier.access_token, shop) or ())

    async def is_manager() -> bool:
        return "ledger.read" in (await permissions(elsewhere, cashier.access_token, shop) or ())

    async def is_gone() -> bool:
        return await permissions(elsewhere, cashier.access_token, shop) is None

    command = ChangeMember(roles=[Role.MANAGER])
    await shop.database.run(
        lambda uow: change_member(uow, cashier.id, command=command), business_id=shop.id, actor=shop.acting()
    )
    await until(is_manager)
    await shop.database.run(lambda uow: remove_member(uow, cashier.id), business_id=shop.id, actor=shop.acting())
    await until(is_gone)


async def test_somebody_who_joins_is_let_in_within_a_second_of_having_been_refused(
    shop: Shop, elsewhere: IdentityAuthenticator
):
    other = await make_shop(shop.database)
    assert await permissions(elsewhere, other.owner.access_token, shop) is None

    async def is_in() -> bool:
        return await permissions(elsewhere, other.owner.access_token, shop) is not None

    await shop.database.run(
        lambda uow: add_member(uow, other.owner.id, display_name="Auditor", roles=["auditor"]),
        business_id=shop.id,
        actor=shop.acting(),
    )
    await until(is_in)


async def test_a_revoked_key_is_refused_elsewhere_within_a_second(shop: Shop, elsewhere: IdentityAuthenticator):
    key = await make_key(shop, "sales.read")
    assert await permissions(elsewhere, key.key, shop) == {"sales.read"}
    used = await shop.database.run(
        lambda uow: uow.fetchval("select last_used_at from api_keys where id = $1", key.id), business_id=shop.id
    )
    assert used is not None
    await shop.database.run(lambda uow: revoke_api_key(uow, key.id), business_id=shop.id, actor=shop.acting())
    await until(lambda: refused(elsewhere, key.key))
    with pytest.raises(KeyRefused):
        await elsewhere.authenticate(bearer(key.key))


async def test_a_key_opens_its_own_business_and_no_other(shop: Shop, elsewhere: IdentityAuthenticator):
    other = await make_shop(shop.database)
    key = await make_key(shop, "sales.read")
    principal = await elsewhere.authenticate(bearer(key.key))
    assert principal.business_id == shop.id
    assert await elsewhere.actor_in(principal, other.id) is None
    forged = key.key[:8] + key.key[8:12][::-1] + key.key[12:]
    for wrong in (forged, key.key[:-1] + ("a" if key.key[-1] != "a" else "b"), "pk_test_", "pk_live_" + "a" * 58):
        with pytest.raises(KeyRefused):
            await elsewhere.authenticate(bearer(wrong))


async def test_a_token_that_expires_is_refused_although_it_is_remembered(owner_dsn: str, shop: Shop):
    clock = FrozenClock(SystemClock().now())
    database = await Database(owner_dsn, limits=PoolLimits(connections=1), clock=clock, wiring=identity_wiring()).open()
    try:
        authenticator = IdentityAuthenticator(database)
        assert await permissions(authenticator, shop.owner.access_token, shop)
        clock.advance(timedelta(minutes=15))
        with pytest.raises(InvalidToken):
            await authenticator.authenticate(bearer(shop.owner.access_token))
    finally:
        await database.close()


async def test_a_token_of_another_session_version_or_of_nobody_is_refused(shop: Shop, database: Database):
    authenticator = IdentityAuthenticator(database)
    identity, now = make_identity(), database.clock.now()
    claims = identity.tokens.read_access(shop.owner.access_token, now=now)

    def token(**changed: object) -> str:
        values = {
            "user_id": claims.user_id,
            "session_id": claims.session_id,
            "session_version": claims.session_version,
            **changed,
        }
        return identity.tokens.sign_access(**values, now=now, seconds=60)  # type: ignore[arg-type]  # parts are replaced

    assert not await refused(authenticator, token())
    for wrong in ({"session_version": 2}, {"session_id": new_id()}, {"user_id": new_id()}):
        assert await refused(authenticator, token(**wrong))
    other = TokenSigner("another-secret-of-more-than-32-characters")
    foreign = other.sign_access(
        user_id=claims.user_id, session_id=claims.session_id, session_version=1, now=now, seconds=60
    )
    assert await refused(authenticator, foreign)


async def test_after_the_line_broke_everything_is_asked_anew(
    shop: Shop, elsewhere: IdentityAuthenticator, owner_dsn: str
):
    await permissions(elsewhere, shop.owner.access_token, shop)
    before = elsewhere.lookups
    assert elsewhere._line is not None
    pid = elsewhere._line._connection.get_server_pid()  # type: ignore[union-attr] -- it was opened with the fixture
    connection = await asyncpg.connect(owner_dsn)
    try:
        await connection.execute("select pg_terminate_backend($1)", pid)
    finally:
        await connection.close()

    async def asked_again() -> bool:
        await permissions(elsewhere, shop.owner.access_token, shop)
        return elsewhere.lookups > before

    await until(asked_again, seconds=10)


async def test_whoever_hangs_up_leaves_no_line_behind(owner_dsn: str, database: Database):
    authenticator = IdentityAuthenticator(database)
    await authenticator.listen(owner_dsn)
    assert authenticator._line is not None
    line = authenticator._line._connection
    assert line is not None
    pid = line.get_server_pid()
    await authenticator.close()
    await authenticator.close()

    async def gone() -> bool:
        sql = "select not exists (select from pg_stat_activity where pid = $1)"
        return await database.run(lambda uow: uow.fetchval(sql, pid))

    await until(gone, seconds=10)


async def test_notices_that_make_no_sense_only_cost_a_look_up(shop: Shop, elsewhere: IdentityAuthenticator):
    await permissions(elsewhere, shop.owner.access_token, shop)
    before = elsewhere.lookups
    for notice in ("", "session", "session:x", "unknown:" + str(new_id())):
        elsewhere.forget(notice)
    assert await permissions(elsewhere, shop.owner.access_token, shop)
    assert elsewhere.lookups > before
