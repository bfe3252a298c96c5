"""Shifts over HTTP."""

from payme.kit.ids import new_id
from tests.api.trade.conftest import Counter
from tests.stock_room import make_product, receive
from tests.trade import cash


async def test_a_shift_is_worked_and_counted_blind(owner: Counter, cashier: Counter):
    product = await make_product(owner.shop, price_cents=10_000)
    await receive(owner.shop, product, "10", 50_000)
    key = str(new_id())
    opened = await cashier.post("shifts", {"float_cents": 50_000}, key=key)
    assert opened.status_code == 201
    assert (await cashier.post("shifts", {"float_cents": 50_000}, key=key)).json() == opened.json()
    shift = f"shifts/{opened.json()['id']}"
    body = {"lines": [{"product_id": str(product), "quantity": "1"}], "tenders": [cash(10_000)]}
    sale = await cashier.post("sales", {**body, "shift_id": opened.json()["id"]})
    assert (sale.status_code, sale.json()["shift_id"]) == (201, opened.json()["id"])
    assert (await cashier.get(f"sales/{sale.json()['id']}")).json()["shift_id"] == opened.json()["id"]
    moved = await cashier.post(
        f"{shift}/drawer-movements", {"direction": "out", "amount_cents": 2_000, "reason": "Change"}
    )
    assert (moved.status_code, moved.json()["amount_cents"]) == (201, 2_000)
    assert (await cashier.get(shift)).json()["expected_cents"] is None
    closed = await cashier.post(f"{shift}/close", {"counted_cents": 58_000})
    assert (closed.status_code, closed.json()["expected_cents"], closed.json()["variance"]) == (200, 58_000, "none")
    assert [each["id"] for each in (await owner.get("shifts", state="closed")).json()["data"]] == [opened.json()["id"]]


async def test_refusals_have_their_codes(owner: Counter, cashier: Counter):
    shift = f"shifts/{(await owner.post('shifts', {'float_cents': 0})).json()['id']}"
    again = await owner.post("shifts", {"float_cents": 0})
    assert (again.status_code, again.json()["code"]) == (409, "shifts.already_open")
    theirs = await cashier.post(f"{shift}/close", {"counted_cents": 0})
    assert (theirs.status_code, theirs.json()["code"]) == (403, "shifts.not_yours")
    unknown = await owner.post(f"shifts/{new_id()}/close", {"counted_cents": 0})
    assert (unknown.status_code, unknown.json()["code"]) == (404, "shifts.not_found")
    assert (await owner.post(f"{shift}/close", {"counted_cents": 0})).status_code == 200
    late = await owner.post(f"{shift}/drawer-movements", {"direction": "in", "amount_cents": 1, "reason": "x"})
    assert (late.status_code, late.json()["code"]) == (409, "shifts.closed")
    assert await owner.shop.value("select count(*) from shift_movements where business_id = $1") == 0
