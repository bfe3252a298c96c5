"""Products: adding, changing, finding."""

import json
from collections.abc import Awaitable
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from pydantic import TypeAdapter, ValidationError

from payme.features.catalog import ProductNotFound
from payme.features.catalog.errors import BarcodeTaken, ProductExists, SkuTaken
from payme.features.catalog.repository import Position
from payme.features.catalog.schemas import ChangeProduct, CreateProduct, ProductFilter, ProductView
from payme.features.catalog.services.change_product import change_product
from payme.features.catalog.services.create_product import create_product
from payme.features.catalog.services.read_products import list_vat_rates, products_version, show_product, write_products
from payme.kit.ids import new_id
from payme.kit.pagination import WrittenPage
from tests.shop import Shop

COUNT = "select count(*) from products where business_id = $1"


def add(shop: Shop, **facts: Any) -> Awaitable[ProductView]:
    command = CreateProduct(**{"name": "Chai", "price_cents": 5_000, **facts})
    return shop.run(lambda uow: create_product(uow, command))


def change(shop: Shop, product_id: UUID, **facts: Any) -> Awaitable[ProductView]:
    return shop.run(lambda uow: change_product(uow, product_id, command=ChangeProduct(**facts)))


async def listed(
    shop: Shop, after: Position | None = None, limit: int = 50, **wanted: Any
) -> tuple[list[ProductView], Position | None]:
    """Return a page of the list, and the position to go on after."""
    page: WrittenPage = await shop.run(
        lambda uow: write_products(uow, ProductFilter(**wanted), after=after, limit=limit)
    )
    rows = TypeAdapter(list[ProductView]).validate_json(f"[{page.rows}]")
    return rows, (page.last[0], UUID(page.last[1])) if page.last else None


async def names(shop: Shop, **wanted: Any) -> list[str]:
    return [row.name for row in (await listed(shop, **wanted))[0]]


async def test_a_product_is_kept_as_it_was_given(shop: Shop):
    product_id = new_id()
    made = await add(
        shop, id=product_id, name=" Maziwa ", sku="MLK", barcode="616110", barcodes=["616111", "616110"], unit="pkt",
        category="Dairy", buying_price_cents=4_000, vat_class="C", reorder_point="24.5", track_expiry=True,
    )  # fmt: skip
    assert made == await shop.run(lambda uow: show_product(uow, product_id))
    assert (made.id, made.name, made.barcode, made.barcodes) == (product_id, "Maziwa", "616110", ["616110", "616111"])
    assert (made.vat_class, made.reorder_point, made.track_stock, made.active, made.rev) == (
        "C",
        Decimal("24.5"),
        True,
        True,
        1,
    )
    assert '"reorder_point":"24.5"' in made.model_dump_json()
    assert await shop.rows("select product_id, last_unit_cost_cents from stock_levels where business_id = $1") == [
        (product_id, 4_000)
    ]


async def test_the_buying_price_is_for_those_who_may_see_it(shop: Shop):
    made = await add(shop, buying_price_cents=4_000)
    cashier = shop.as_person("catalog.read")
    assert (await cashier.run(lambda uow: show_product(uow, made.id))).buying_price_cents is None
    assert [row.buying_price_cents for row in (await listed(cashier))[0]] == [None]
    assert [row.buying_price_cents for row in (await listed(shop))[0]] == [4_000]


@pytest.mark.parametrize(("error", "same"), [(ProductExists, "id"), (SkuTaken, "sku"), (BarcodeTaken, "barcode")])
async def test_codes_are_unique_in_a_business_and_not_beyond(
    shop: Shop, other_shop: Shop, error: type[Exception], same: str
):
    codes = {"id": new_id(), "sku": "A-1", "barcode": "616110"}
    await add(shop, **codes)
    with pytest.raises(error):
        await add(
            shop, **{**codes, **{each: new_id() if each == "id" else f"Z-{each}" for each in codes if each != same}}
        )
    assert await shop.value(COUNT) == 1
    await add(other_shop, **codes)


async def test_a_change_changes_what_it_names(shop: Shop):
    made = await add(shop, sku="A-1", barcodes=["616110", "616111"], reorder_point="3")
    changed = await change(shop, made.id, price_cents=6_000, sku=None, barcodes=["616112", "616111"])
    assert changed == await shop.run(lambda uow: show_product(uow, made.id))
    assert (changed.price_cents, changed.sku, changed.barcodes, changed.rev) == (6_000, None, ["616111", "616112"], 2)
    assert (changed.name, changed.reorder_point) == ("Chai", 3)
    [(facts,)] = await shop.rows("select facts from audit_log where business_id = $1 and action = 'product.changed'")
    assert facts["changed"]["price_cents"] == {"from": 5_000, "to": 6_000}


async def test_a_change_to_the_same_makes_no_revision(shop: Shop):
    made = await add(shop, barcodes=["616111", "616110"])
    version = await shop.run(products_version)
    assert (await change(shop, made.id, name="Chai", barcodes=["616110", "616111"])).rev == 1
    assert await shop.run(products_version) == version
    await change(shop, made.id, name="Chai ya Kericho")
    assert await shop.run(products_version) > version


async def test_a_change_that_is_refused_changes_nothing(shop: Shop, other_shop: Shop):
    taken, made = await add(shop, sku="A-1", barcode="616110"), await add(shop, sku="A-2")
    with pytest.raises(SkuTaken):
        await change(shop, made.id, sku="A-1", price_cents=1)
    with pytest.raises(BarcodeTaken):
        await change(shop, made.id, barcodes=["616110"], price_cents=1)
    with pytest.raises(ProductNotFound):
        await change(other_shop, taken.id, price_cents=1)
    assert await shop.rows("select distinct price_cents, rev from products where business_id = $1") == [(5_000, 1)]


@pytest.mark.parametrize("field", ["name", "price_cents", "barcodes", "vat_class", "track_stock", "active"])
def test_null_is_no_value_for_what_must_have_one(field: str):
    with pytest.raises(ValidationError, match="may not be null"):
        ChangeProduct.model_validate({field: None})


async def test_products_are_found_by_name_sku_barcode_category_and_state(shop: Shop):
    await add(shop, name="Chai ya Kericho", sku="TEA-50%", category="Drinks")
    await add(shop, name="kahawa", barcode="616110", category="Drinks", active=False)
    await add(shop, name="Sukari", category="Food")
    assert await names(shop) == ["Chai ya Kericho", "kahawa", "Sukari"]
    assert await names(shop, q="KERICHO") == ["Chai ya Kericho"]
    assert await names(shop, q="a-50%") == ["Chai ya Kericho"]
    assert await names(shop, q="%") == ["Chai ya Kericho"]
    assert await names(shop, q="616110") == ["kahawa"]
    assert await names(shop, q="61611") == []
    assert await names(shop, category="Drinks", active=True) == ["Chai ya Kericho"]


async def test_pages_go_on_after_the_last_row(shop: Shop):
    for name in ("b", "B", "a", "C", "c"):
        await add(shop, name=name)
    seen, after = await listed(shop, limit=2)
    sizes = [len(seen)]
    while after:
        rows, after = await listed(shop, after, 2)
        seen += rows
        sizes.append(len(rows))
    assert [each.name.lower() for each in seen] == ["a", "b", "b", "c", "c"]
    assert len({each.id for each in seen}) == 5
    assert sizes == [2, 2, 1]
    assert (await listed(shop, limit=5))[1] is None
    assert await listed(shop, q="nothing") == ([], None)


@pytest.mark.parametrize(
    "name", ['"\\/', "Chai\tya\nasubuhi\b\f\r", "\x01\x1f\x7f\u2028", "Pombe 🍺 ñ", "{}[],:%", "null"]
)
async def test_what_the_database_writes_is_what_the_view_says(shop: Shop, name: str):
    plain = await add(shop, name=name)
    full = await add(
        shop, name=name, sku=name, barcodes=["616110", "a.b_c-d"], unit="'kg'", category=name, price_cents=10**11,
        buying_price_cents=0, vat_class="E", reorder_point="0.050", track_stock=False, track_expiry=True, active=False,
    )  # fmt: skip
    page: WrittenPage = await shop.run(lambda uow: write_products(uow, ProductFilter(), after=None, limit=9))
    whole = await change(shop, full.id, reorder_point="24", active=True)
    later: WrittenPage = await shop.run(lambda uow: write_products(uow, ProductFilter(), after=None, limit=9))
    assert json.loads(f"[{page.rows}]") == [json.loads(each.model_dump_json()) for each in (plain, full)]
    assert json.loads(f"[{later.rows}]")[1] == json.loads(whole.model_dump_json())
    assert later.version > page.version


async def test_every_class_has_one_rate_today(shop: Shop):
    rates = await shop.run(lambda uow: list_vat_rates(uow, on=uow.now.date()))
    assert {each.vat_class: each.rate_basis_points for each in rates} == {"A": 0, "B": 1600, "C": 0, "D": 0, "E": 800}
