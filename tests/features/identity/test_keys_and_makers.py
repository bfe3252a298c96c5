"""A key ends with whoever made it, and with what they may no longer do; nobody makes one on the way out."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import pytest

from payme.features.identity.enums import Role
from payme.features.identity.errors import BeyondYourPower
from payme.features.identity.schemas import ApiKeyMade, ChangeMember, CreateApiKey
from payme.features.identity.services.api_keys import create_api_key, revoke_api_key
from payme.features.identity.services.members import change_member, remove_member
from payme.kit.actor import Actor
from payme.runtime.database import UnitOfWork
from tests.people import Person, Shop, hire


async def act(shop: Shop, work: Callable[[UnitOfWork], Awaitable[Any]], actor: Actor | None = None) -> Any:
    return await shop.database.run(work, business_id=shop.id, actor=actor or shop.acting())


async def key_of(shop: Shop, actor: Actor, *scopes: str) -> ApiKeyMade:
    return await act(shop, lambda uow: create_api_key(uow, CreateApiKey(name="Export", scopes=list(scopes))), actor)


async def alive(shop: Shop) -> set[UUID]:
    sql = "select id from api_keys where business_id = $1 and revoked_at is null"
    return {row["id"] for row in await act(shop, lambda uow: uow.fetch(sql, shop.id))}


def as_key(key: ApiKeyMade) -> Actor:
    return Actor(kind="api_key", id=key.id, name=key.name, family="key", permissions=frozenset(key.scopes))


@pytest.fixture
async def manager(shop: Shop) -> Person:
    return await hire(shop, "manager")


async def test_the_keys_of_somebody_who_is_removed_end_with_those_made_with_them(shop: Shop, manager: Person):
    acting = manager.actor("owner")
    theirs = await key_of(shop, acting, "sales.read", "api_keys.manage")
    grandchild = await key_of(shop, as_key(theirs), "sales.read")
    kept = await key_of(shop, shop.acting(), "sales.read")
    await act(shop, lambda uow: remove_member(uow, manager.id))
    assert await alive(shop) == {kept.id}
    sql = "select subject_id from audit_log where business_id = $1 and action = 'api_key.revoked'"
    assert {row[0] for row in await act(shop, lambda uow: uow.fetch(sql, shop.id))} == {theirs.id, grandchild.id}


async def test_a_role_that_is_taken_away_ends_the_keys_that_need_it(shop: Shop, manager: Person):
    acting = manager.actor("manager")
    small, large = await key_of(shop, acting, "sales.read"), await key_of(shop, acting, "sales.read", "catalog.write")
    await act(shop, lambda uow: change_member(uow, manager.id, command=ChangeMember(display_name="M")))
    assert await alive(shop) == {small.id, large.id}
    await act(shop, lambda uow: change_member(uow, manager.id, command=ChangeMember(roles=[Role.CASHIER])))
    assert await alive(shop) == {small.id}


async def test_a_key_that_is_revoked_takes_those_along_that_were_made_with_it(shop: Shop):
    parent = await key_of(shop, shop.acting(), "sales.read", "api_keys.manage")
    await key_of(shop, as_key(parent), "sales.read")
    await act(shop, lambda uow: revoke_api_key(uow, parent.id))
    assert await alive(shop) == set()
    with pytest.raises(BeyondYourPower):
        await key_of(shop, as_key(parent), "sales.read")


@pytest.mark.parametrize("delay_seconds", [0, 0.01])
async def test_nobody_makes_a_key_while_being_removed(shop: Shop, manager: Person, delay_seconds: float):
    async def removal() -> None:
        await asyncio.sleep(delay_seconds)
        await act(shop, lambda uow: remove_member(uow, manager.id))

    making = [key_of(shop, manager.actor("manager"), "sales.read") for _ in range(8)]
    outcomes = await asyncio.gather(removal(), *making, return_exceptions=True)
    assert all(isinstance(each, (ApiKeyMade, BeyondYourPower)) for each in outcomes[1:]), outcomes
    assert await alive(shop) == set()
    with pytest.raises(BeyondYourPower):
        await key_of(shop, manager.actor("manager"), "sales.read")
