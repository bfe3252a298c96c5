"""A shop that can trade, its office, its people, and devices that register with it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest_asyncio

from payme.entrypoints.api import all_features
from payme.entrypoints.wiring import csrf_of, http_options
from payme.features.identity import IdentityAuthenticator, Role, SetPin, add_member, hash_pin, set_member_pin
from payme.runtime.database import Database
from payme.runtime.http import create_app
from tests.api.trade.conftest import Counter, counter_for, database, other_shop, owner, shop
from tests.application import GENEROUS
from tests.people import Person, make_person
from tests.tills import Device, register
from tests.trade import TradingShop, settings_for

__all__ = ["counter_for", "database", "other_shop", "owner", "shop"]
PIN = "482916"
Join = Callable[..., Awaitable[Device]]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def app(database: Database, owner_dsn: str) -> AsyncIterator[Any]:
    """The application, which hears of revocations as the API process does."""
    settings, authenticator = settings_for(owner_dsn), IdentityAuthenticator(database)
    await authenticator.listen(owner_dsn)
    yield create_app(
        replace(http_options(settings), budgets=GENEROUS, access_log=False),
        database=database,
        authenticator=authenticator,
        csrf=csrf_of(settings),
        features=all_features(),
    )
    await authenticator.close()


async def employ(shop: TradingShop, role: Role, name: str) -> Person:
    """Make somebody a member with a PIN."""
    person = await make_person(shop.database, name)
    await shop.run(lambda uow: add_member(uow, person.id, display_name=name, roles=[role]))
    digest = await hash_pin(shop.database, SetPin.model_validate({"pin": PIN}).pin)
    await shop.run(lambda uow: set_member_pin(uow, person.id, pin_hash=digest))
    return person


@pytest_asyncio.fixture(loop_scope="session")
async def cashier(shop: TradingShop) -> Person:
    return await employ(shop, Role.CASHIER, "Otieno")


@pytest_asyncio.fixture(loop_scope="session")
async def manager(shop: TradingShop) -> Person:
    return await employ(shop, Role.MANAGER, "Achieng")


@pytest_asyncio.fixture(loop_scope="session")
async def join(app: Any, owner: Counter, shop: TradingShop, cashier: Person) -> AsyncIterator[Join]:
    """Give a function that registers a device of the cashier's."""
    made: list[Device] = []

    async def one(**more: Any) -> Device:
        made.append(await register(app, owner.http, shop, cashier.id, **more))
        return made[-1]

    yield one
    for each in made:
        await each.http.aclose()


@pytest_asyncio.fixture(loop_scope="session")
async def till(join: Join) -> Device:
    """A registered device."""
    return await join()
