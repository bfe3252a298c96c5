"""Customers: made once whoever says it twice, found by a number that nobody can read, changed by what is named."""

import asyncio
from typing import Any

import pytest

from payme.features.customers import (
    ChangeCustomer,
    CreateCustomer,
    CustomerExists,
    CustomerNotFound,
    CustomerPhoneInvalid,
    CustomerView,
    change_customer,
    check_customer,
    create_customer,
    get_customer,
    list_customers_of,
    show_customer,
)
from payme.features.customers.schemas import CustomerFilter
from payme.features.customers.services.read_customers import list_customers
from payme.features.identity import Role
from payme.kit.ids import new_id
from tests.shop import Shop
from tests.trade import TradingShop

PHONE = "0712 345 678"


async def add(shop: Shop, **said: Any) -> CustomerView:
    command = CreateCustomer.model_validate({"name": "Achieng", **said})
    return await shop.run(lambda uow: create_customer(uow, command))


async def change(shop: Shop, customer: CustomerView, **said: Any) -> CustomerView:
    command = ChangeCustomer.model_validate(said)
    return await shop.run(lambda uow: change_customer(uow, customer.id, command=command))


async def find(shop: Shop, **wanted: Any) -> list[str]:
    rows = await shop.run(lambda uow: list_customers(uow, CustomerFilter(**wanted), after=None, limit=50))
    return [each.name for each in rows]


async def count(shop: Shop, table: str = "customers") -> int:
    return await shop.value(f"select count(*) from {table} where business_id = $1")


async def test_a_number_is_kept_sealed_and_shown_by_its_end(shop: TradingShop):
    made = await add(shop, phone=PHONE, consents=["marketing", "receipts", "receipts"])
    assert (made.phone, made.phone_masked, made.consents) == ("254712345678", "*********678", ["marketing", "receipts"])
    assert await shop.run(lambda uow: get_customer(uow, made.id)) == made
    till = shop.acting(Role.CASHIER)
    assert (await till.run(lambda uow: show_customer(uow, made.id))).phone is None
    ((sealed, text),) = await shop.rows("select phone_encrypted, t::text from customers t where business_id = $1")
    assert b"712345678" not in sealed
    assert "712345678" not in text
    assert "712345678" not in str(await shop.rows("select t::text from audit_log t where business_id = $1"))


async def test_the_same_words_again_change_nothing_and_others_are_refused(shop: TradingShop):
    said = {"id": new_id(), "phone": PHONE, "note": "Pays on Fridays"}
    made = await add(shop, **said)
    before = await count(shop, "audit_log")
    assert await add(shop, **said) == made
    changed = await change(shop, made, kind="vip")
    assert changed.rev == 2
    for other in ({"name": "Otieno"}, {"phone": "0712345679"}, {}):
        with pytest.raises(CustomerExists):
            await add(shop, **{**said, **other})
    assert (await count(shop), await count(shop, "audit_log")) == (1, before + 1)


async def test_two_tills_that_say_it_at_once_make_one(shop: TradingShop):
    said = {"id": new_id(), "phone": PHONE}
    made = await asyncio.gather(*(add(shop, **said) for _ in range(4)))
    assert len({each.id for each in made}) == 1
    assert await count(shop) == 1


async def test_a_number_that_is_none_is_refused(shop: TradingShop):
    with pytest.raises(CustomerPhoneInvalid):
        await add(shop, phone="12345")
    assert await count(shop) == 0
    made = await add(shop)
    with pytest.raises(CustomerPhoneInvalid):
        await change(shop, made, phone="12345", name="Other")
    assert (await shop.run(lambda uow: get_customer(uow, made.id))).name == "Achieng"


async def test_customers_are_found_by_name_number_and_kind(shop: TradingShop, other_shop: TradingShop):
    await add(shop, name="Wanjiku", phone=PHONE)
    await add(shop, name="achieng", phone="+254 712 345 678", kind="vip")
    gone = await add(shop, name="Otieno")
    await change(shop, gone, active=False)
    await add(other_shop, name="Mwangi", phone=PHONE)
    assert await find(shop) == ["achieng", "Otieno", "Wanjiku"]
    assert await find(shop, q="254712345678") == ["achieng", "Wanjiku"]
    assert await find(shop, q="TIEN") == ["Otieno"]
    assert await find(shop, q="0712345679") == []
    assert await find(shop, kind="vip") == ["achieng"]
    assert await find(shop, active=True) == ["achieng", "Wanjiku"]


async def test_two_shops_do_not_know_the_same_person_by_the_same_print(shop: TradingShop, other_shop: TradingShop):
    for each in (shop, other_shop):
        await add(each, phone=PHONE)
    prints = [
        await each.value("select phone_index from customers where business_id = $1") for each in (shop, other_shop)
    ]
    assert prints[0] != prints[1]


async def test_a_change_changes_what_it_names(shop: TradingShop):
    made = await add(shop, phone=PHONE, consents=["receipts"])
    assert (await change(shop, made, phone="0712345678", name="Achieng")).rev == 1
    moved = await change(shop, made, phone="0722000111")
    assert (moved.phone, moved.name, moved.consents, moved.rev) == ("254722000111", "Achieng", ["receipts"], 2)
    assert await find(shop, q="0722000111") == ["Achieng"]
    without = await change(shop, made, phone=None, consents=[])
    assert (without.phone, without.phone_masked, without.consents, without.rev) == (None, "", [], 3)
    assert await find(shop, q="0722000111") == []
    touched = await shop.value(
        "select rev from sync_changes where business_id = $1 and collection = 'customers' and document_id = $2", made.id
    )
    assert touched >= 3


async def test_another_shops_customer_is_nobody(shop: TradingShop, other_shop: TradingShop):
    theirs = await add(other_shop)
    for work in (get_customer, show_customer, check_customer):
        with pytest.raises(CustomerNotFound):
            await shop.run(lambda uow, work=work: work(uow, theirs.id))
    with pytest.raises(CustomerNotFound):
        await change(shop, theirs, name="Mine")
    assert await shop.run(lambda uow: list_customers_of(uow, [theirs.id])) == []
    assert (await other_shop.run(lambda uow: get_customer(uow, theirs.id))).name == "Achieng"
    assert [each.id for each in await other_shop.run(lambda uow: list_customers_of(uow, [theirs.id]))] == [theirs.id]
    await other_shop.run(lambda uow: check_customer(uow, theirs.id))
