"""Daraja's token in PostgreSQL: what one process keeps another finds, and one of them renews at a time."""

import asyncio
import dataclasses
from datetime import timedelta

import asyncpg
import pytest

from payme.features.payments.services.gateway import SharedTokens
from payme.integrations.daraja import Token
from payme.kit.ids import new_id
from payme.runtime.database import UnitOfWork
from payme.runtime.security import FieldCipher
from tests.payment_room import Till

ONE, OTHER = new_id().hex, new_id().hex


@pytest.fixture
async def tokens(shop: Till) -> SharedTokens:
    async def cipher(uow: UnitOfWork) -> FieldCipher:
        return uow.tool(FieldCipher)

    return SharedTokens(shop.database, shop.business_id, await shop.run(cipher))


@pytest.fixture
def app() -> str:
    return new_id().hex


def token_of(shop: Till, text: str) -> Token:
    return Token(text, shop.clock.now(), shop.clock.now() + timedelta(hours=1))


async def test_what_one_process_keeps_another_finds(shop: Till, tokens: SharedTokens, app: str, owner_dsn: str):
    token = token_of(shop, "secret-of-an-hour")
    assert await tokens.find_token(app) is None
    assert await tokens.try_lease(app, holder=ONE, seconds=45)
    assert await tokens.find_token(app) is None
    assert await tokens.store_token(app, token, holder=ONE)
    elsewhere = dataclasses.replace(tokens)
    assert await elsewhere.find_token(app) == token
    assert await dataclasses.replace(tokens, business_id=new_id()).find_token(app) is None
    connection = await asyncpg.connect(owner_dsn)
    try:
        await connection.execute(f"set payme.business_id = '{shop.business_id}'")
        sealed = await connection.fetchval("select access_token_encrypted from daraja_apps where app_key = $1", app)
    finally:
        await connection.close()
    assert b"secret-of-an-hour" not in sealed


async def test_one_renews_until_it_is_done_or_its_time_is_over(shop: Till, tokens: SharedTokens, app: str):
    assert await tokens.try_lease(app, holder=ONE, seconds=45)
    assert not await tokens.try_lease(app, holder=OTHER, seconds=45)
    await tokens.release_lease(app, holder=OTHER)
    assert not await tokens.try_lease(app, holder=OTHER, seconds=45)
    await tokens.release_lease(app, holder=ONE)
    assert await tokens.try_lease(app, holder=OTHER, seconds=0)
    assert await tokens.try_lease(app, holder=ONE, seconds=45)
    assert not await tokens.store_token(app, token_of(shop, "too-late"), holder=OTHER)
    assert await tokens.find_token(app) is None


async def test_a_waiting_process_waits_and_looks_again(tokens: SharedTokens, app: str):
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.02):
            await tokens.wait_for_change(app, seconds=60)
    async with asyncio.timeout(10):
        await tokens.wait_for_change(app, seconds=60)


async def test_a_lease_is_one_holders_who_may_take_it_again(tokens: SharedTokens, app: str) -> None:
    assert await tokens.try_lease(app, holder=ONE, seconds=45)
    assert not await tokens.try_lease(app, holder=OTHER, seconds=45)
    assert await tokens.try_lease(app, holder=ONE, seconds=45)
    await tokens.release_lease(app, holder=OTHER)
    assert not await tokens.try_lease(app, holder=OTHER, seconds=45)
    await tokens.release_lease(app, holder=ONE)
    assert await tokens.try_lease(app, holder=OTHER, seconds=45)
