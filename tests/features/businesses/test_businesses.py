from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from payme.features.businesses import (
    PLATFORM_BUSINESS_ID,
    BusinessCreated,
    CreateBusiness,
    TillNotFound,
    create_business,
    ensure_platform_business,
    get_business,
    get_till,
    list_business_ids,
)
from payme.features.businesses.errors import BusinessIdTaken, ReceiptPrefixTaken
from payme.features.businesses.rules import next_prefix
from payme.features.businesses.schemas import ChangeBusiness, CreateTill
from payme.features.businesses.services import change_business, create_till, list_branches, list_tills, show_me
from payme.kit.ids import new_id
from payme.runtime.database import Database, PoolLimits, UnitOfWork, Wiring
from tests.people import Shop, identity_wiring, make_person, make_shop


async def test_a_new_business_has_a_branch_a_till_and_its_creator_as_owner(shop: Shop):
    async def look(uow: UnitOfWork):
        return await get_business(uow), await get_till(uow), await list_branches(uow, after=None, limit=5)

    business, till, branches = await shop.database.run(look, business_id=shop.id)
    assert (business.id, business.currency, business.rev) == (shop.id, "KES", 1)
    assert till.receipt_prefix == "A1"
    assert [branch.id for branch in branches] == [till.branch_id]
    me = await show_me(shop.database, shop.owner.actor())
    assert [(each.id, each.roles) for each in me.businesses] == [(shop.id, ["owner"])]
    assert me.user.phone == shop.owner.phone


async def test_creating_is_told_to_reactions_inside_the_transaction(owner_dsn: str):
    seen: list[tuple[UUID, BusinessCreated]] = []

    async def react(uow: UnitOfWork, event: BusinessCreated) -> None:
        seen.append((uow.tenant, event))

    wiring = Wiring(reactions={"business.created": [react]}, tools=identity_wiring().tools)
    database = await Database(owner_dsn, wiring=wiring).open()
    try:
        shop = await make_shop(database)
    finally:
        await database.close()
    assert seen == [(shop.id, BusinessCreated(subject_id=shop.id, business_name="Duka"))]


async def test_nobody_opens_the_business_of_the_platform_as_their_own(database: Database):
    thief = await make_person(database)
    with pytest.raises(BusinessIdTaken):
        await database.run(
            lambda uow: create_business(uow, CreateBusiness(name="Mine"), owner_name="Thief"),
            business_id=PLATFORM_BUSINESS_ID,
            actor=thief.actor(),
        )
    assert (await show_me(database, thief.actor())).businesses == []


async def test_an_id_that_is_taken_is_refused_and_nothing_is_written(shop: Shop):
    thief = await make_person(shop.database)
    with pytest.raises(BusinessIdTaken):
        await shop.database.run(
            lambda uow: create_business(uow, CreateBusiness(name="Mine"), owner_name="Thief"),
            business_id=shop.id,
            actor=thief.actor(),
        )
    me = await show_me(shop.database, thief.actor())
    assert me.businesses == []
    business = await shop.database.run(get_business, business_id=shop.id)
    assert business.name == "Duka"


async def test_settings_change_and_the_revision_with_them(shop: Shop):
    change = ChangeBusiness(cash_rounding_cents=500)
    changed = await shop.database.run(
        lambda uow: change_business(uow, change), business_id=shop.id, actor=shop.acting()
    )
    assert (changed.cash_rounding_cents, changed.rev, changed.name) == (500, 2, "Duka")


async def test_a_second_till_takes_the_next_prefix_and_a_taken_one_is_refused(shop: Shop):
    async def add(uow: UnitOfWork):
        return await create_till(uow, CreateTill(name="Till 2"))

    till = await shop.database.run(add, business_id=shop.id, actor=shop.acting())
    assert till.receipt_prefix == "A2"
    with pytest.raises(ReceiptPrefixTaken):
        await shop.database.run(
            lambda uow: create_till(uow, CreateTill(name="Till 3", receipt_prefix="A2")),
            business_id=shop.id,
            actor=shop.acting(),
        )
    tills = await shop.database.run(lambda uow: list_tills(uow, after=None, limit=9), business_id=shop.id)
    assert [each.receipt_prefix for each in tills] == ["A1", "A2"]


async def test_another_businesss_till_is_not_there(shop: Shop):
    other = await make_shop(shop.database)
    theirs = await shop.database.run(get_till, business_id=other.id)
    with pytest.raises(TillNotFound):
        await shop.database.run(lambda uow: get_till(uow, theirs.id), business_id=shop.id)


async def test_the_directory_is_open_to_the_worker_and_closed_to_the_app(shop: Shop, worker_database: Database):
    assert shop.id in await worker_database.run(list_business_ids, read_only=True)
    assert await shop.database.run(list_business_ids, read_only=True) == []


async def test_the_platforms_business_is_made_once(make_database: Callable[..., Any]):
    # In a database of its own: without the books that the ledger adds, nobody else could use the platform's business.
    dsn = await make_database()
    database = await Database(dsn, limits=PoolLimits(connections=2), wiring=identity_wiring()).open()
    try:
        for _ in range(2):
            await database.run(ensure_platform_business, business_id=PLATFORM_BUSINESS_ID)
        assert (await database.run(get_business, business_id=PLATFORM_BUSINESS_ID)).is_platform
    finally:
        await database.close()


def test_prefixes_come_in_order_and_never_twice():
    taken: list[str] = []
    for _ in range(300):
        taken.append(next_prefix(taken))
    assert len(set(taken)) == 300
    assert taken[0] == "A1"
    assert all(len(each) <= 6 for each in taken)


def test_an_id_of_another_version_is_refused():
    with pytest.raises(ValueError, match="version 7"):
        CreateBusiness(id=UUID("9d7d8c1e-8f0f-4c6e-9f7a-1f9a0e6b1a11"), name="Duka")
    assert CreateBusiness(id=new_id(), name="Duka").name == "Duka"
