"""Commands of shifts, customers and credit, and the face of the inbox that replicating clients speak."""

import asyncio
from typing import Any

import pytest
import pytest_asyncio

from payme.features.sync import Pressure
from payme.features.sync.services.pressure import Overloaded
from payme.kit.ids import new_id
from tests.api.devices.conftest import Join
from tests.api.trade.conftest import Counter
from tests.invariants import assert_invariants
from tests.people import Person
from tests.stock_room import make_product, receive
from tests.tills import Device
from tests.trade import TradingShop

pytestmark = pytest.mark.asyncio(loop_scope="session")
PRICE = 10_000


@pytest_asyncio.fixture(loop_scope="session")
async def flour(shop: TradingShop) -> Any:
    product = await make_product(shop, price_cents=PRICE)
    await receive(shop, product, "20", 100_000)
    return product


async def test_a_day_at_the_till_arrives_in_one_batch(till: Device, shop: TradingShop, flour: Any) -> None:
    shift, customer = (
        till.command("shift.open", {"float_cents": 50_000}),
        till.command("customer.create", {"name": "Njeri"}),
    )
    sale = till.sale((flour, 3), total_cents=3 * PRICE, args={"shift_id": shift["id"], "customer_id": customer["id"]})
    close = till.command("shift.close", {"shift_id": shift["id"], "counted_cents": 80_000}, depends_on=[sale["id"]])
    verdicts = await till.results(close, shift, customer, sale)
    assert [(each["name"], each["status"]) for each in verdicts] == [
        ("shift.close", "waiting"),
        ("shift.open", "applied"),
        ("customer.create", "applied"),
        ("sale.create", "applied"),
        ("shift.close", "applied"),
    ]
    assert verdicts[-1]["result"]["difference_cents"] == 0
    assert verdicts[3]["result"]["customer_id"] == customer["id"]
    await assert_invariants(shop.database, shop.business_id)


async def test_a_sale_of_a_shift_that_is_closed_is_taken(till: Device, shop: TradingShop, flour: Any) -> None:
    shift = till.command("shift.open", {"float_cents": 0})
    close = till.command("shift.close", {"shift_id": shift["id"], "counted_cents": PRICE})
    late = till.sale((flour, 1), total_cents=PRICE, args={"shift_id": shift["id"]})
    *_, verdict = await till.results(shift, close, late)
    assert (verdict["status"], verdict["reasons"]) == ("needs_review", ["shifts.closed"])
    request = till.sale((flour, 1), total_cents=PRICE, handed_over=False, args={"shift_id": shift["id"]})
    (verdict,) = await till.results(request)
    assert (verdict["status"], verdict["error"]["code"]) == ("rejected", "shifts.closed")
    assert await shop.value("select count(*) from sales where business_id = $1") == 1
    await assert_invariants(shop.database, shop.business_id)


async def test_a_sale_on_credit_above_the_limit_is_taken_and_repaid(
    till: Device, owner: Counter, shop: TradingShop, flour: Any
) -> None:
    customer = (await owner.post("customers", {"name": "Njeri"})).json()
    account = await owner.post("credit-accounts", {"customer_id": customer["id"], "limit_cents": PRICE})
    assert account.status_code == 201, account.text
    tender = {"method": "credit", "credit_account_id": account.json()["id"], "amount_cents": 2 * PRICE}
    sale = till.sale((flour, 2), total_cents=2 * PRICE, args={"tenders": [tender], "customer_id": customer["id"]})
    repay = till.command("credit.repay", {"credit_account_id": account.json()["id"], "amount_cents": 500})
    verdict, repaid = await till.results(sale, repay)
    assert (verdict["status"], verdict["reasons"]) == ("needs_review", ["credit.limit_exceeded"]), verdict
    assert repaid["status"] == "applied"
    balance = (await owner.get(f"credit-accounts/{account.json()['id']}")).json()["balance_cents"]
    assert balance == 2 * PRICE - 500
    await assert_invariants(shop.database, shop.business_id)


async def test_a_customer_who_is_not_known_does_not_undo_the_sale(till: Device, shop: TradingShop, flour: Any) -> None:
    (verdict,) = await till.results(till.sale((flour, 1), total_cents=PRICE, args={"customer_id": str(new_id())}))
    assert (verdict["status"], verdict["reasons"]) == ("needs_review", ["customers.not_found"])
    assert await shop.value("select count(*) from sales where business_id = $1") == 1


async def test_a_refund_that_nobody_agreed_to_is_looked_at(
    till: Device, shop: TradingShop, flour: Any, manager: Person
) -> None:
    line = str(new_id())
    sale = till.sale(total_cents=20 * PRICE, args={"lines": [{"id": line, "product_id": str(flour), "quantity": "20"}]})
    args = {"sale_id": sale["id"], "reason": "Torn", "lines": [{"sale_line_id": line, "quantity": "15"}]}
    _, alone, void = await till.results(
        sale,
        till.command("sale.refund", args),
        till.command("sale.void", {"sale_id": sale["id"], "reason": "Mistake"}, approved_by=str(manager.id)),
    )
    assert (alone["status"], alone["reasons"]) == ("needs_review", ["approval_missing"])
    assert (void["status"], void["reasons"]) == ("needs_review", ["not_permitted", "not_applied:sales.not_voidable"])


async def test_wrong_pins_seen_offline_count_at_the_server(till: Device, shop: TradingShop, cashier: Person) -> None:
    (verdict,) = await till.results(till.command("staff.wrong_pins", {"user_id": str(cashier.id), "tries": 5}))
    assert verdict["status"] == "applied"
    locked = await till.http.post("http://shop.test/v1/auth/pin", json={"staff_id": str(cashier.id), "pin": "482916"})
    assert locked.json()["code"] == "auth.pin_locked"
    assert (
        await shop.value("select count(*) from audit_log where business_id = $1 and action = 'device.wrong_pins'") == 1
    )


async def test_commands_travel_as_rows_too(till: Device, shop: TradingShop, flour: Any) -> None:
    good, poison = till.sale((flour, 1), total_cents=PRICE), till.command("sale.explode", {})
    stranger = {**till.sale((flour, 1), total_cents=PRICE), "device_id": str(new_id())}
    rows = [{"newDocumentState": {**each, "_deleted": False}} for each in (good, poison, stranger)]
    answer = await till.http.post("sync/commands/push", json=rows, headers=till.headers())
    assert answer.status_code == 200, answer.text
    assert [(each["id"], each["status"], each["error"]["code"]) for each in answer.json()] == [
        (stranger["id"], "rejected", "sync.not_this_device")
    ]
    pulled = (await till.http.get("sync/commands/pull", headers=till.headers())).json()["documents"]
    assert [(each["id"], each["status"]) for each in pulled] == [(good["id"], "applied"), (poison["id"], "rejected")]
    assert pulled[0]["result"]["receipt_number"] == good["args"]["receipt_number"]
    altered = {**good, "args": {**good["args"], "discount_cents": 5}}
    again = await till.http.post(
        "sync/commands/push", json=[rows[0], {"newDocumentState": altered}], headers=till.headers()
    )
    assert [(each["id"], each["args"].get("discount_cents")) for each in again.json()] == [(good["id"], None)]
    assert await shop.value("select count(*) from sales where business_id = $1") == 1


async def test_the_wire_says_time_epoch_and_version(till: Device, shop: TradingShop, flour: Any) -> None:
    answer = await till.push(till.sale((flour, 1), total_cents=PRICE))
    assert answer.headers["x-sync-epoch"] == "1"
    assert abs(int(answer.headers["x-server-time"]) - int(till.now.timestamp() * 1000)) < 60_000
    old = await till.push(till.sale((flour, 1), total_cents=PRICE), **{"x-sync-protocol": "0"})
    assert (old.status_code, old.json()["code"]) == (426, "sync.protocol_unknown")
    other = await till.push(till.sale((flour, 1), total_cents=PRICE), **{"x-device-id": str(new_id())})
    assert (other.status_code, other.json()["code"]) == (403, "sync.not_this_device")
    assert await shop.value("select count(*) from sales where business_id = $1") == 1
    ((rows, applied),) = await shop.rows(
        "select rows, applied from sync_audit where business_id = $1 and kind = 'commands'"
    )
    assert (rows, applied) == (1, 1)


async def test_the_office_sees_how_far_each_device_has_come(till: Device, owner: Counter, flour: Any) -> None:
    first, _, third = (till.sale((flour, 1), total_cents=PRICE) for _ in range(3))
    body = {"commands": [first, third], "pending": 7, "oldest_pending_at": "2026-11-22T08:00:00Z"}
    assert (await till.http.post("sync/commands", json=body, headers=till.headers())).status_code == 200
    (device,) = (await owner.get("sync/status")).json()["devices"]
    assert (device["contiguous_sequence"], device["highest_sequence"], device["missing_sequences"]) == (1, 3, [2])
    assert (device["pending"], device["app_version"]) == (7, "test")
    assert device["gap_since"] is not None


async def test_a_queue_is_told_in_the_headers_of_either_face_and_kept_where_nothing_is_said(
    till: Device, owner: Counter, flour: Any
) -> None:
    async def told(**headers: str) -> tuple[Any, Any]:
        row = {"newDocumentState": {**till.sale((flour, 1), total_cents=PRICE), "_deleted": False}}
        face, body = (
            ("commands/push", [row])
            if headers.pop("rows", "")
            else ("commands", {"commands": [row["newDocumentState"]]})
        )
        answer = await till.http.post(f"sync/{face}", json=body, headers={**till.headers(), **headers})
        assert answer.status_code == 200
        (device,) = (await owner.get("sync/status")).json()["devices"]
        return device["pending"], device["oldest_pending_at"]

    since = {"x-oldest-pending": "2026-11-22T11:00:00+03:00"}
    assert await told(**{"x-pending-count": "12", **since}) == (12, "2026-11-22T08:00:00Z")
    assert await told() == (12, "2026-11-22T08:00:00Z")
    assert await told(**{"x-pending-count": "-3", "x-oldest-pending": "long ago"}) == (12, "2026-11-22T08:00:00Z")
    assert await told(rows="yes", **{"x-pending-count": "4", "x-oldest-pending": "long ago"}) == (4, None)
    assert await told(rows="yes", **{"x-pending-count": "0", **since}) == (0, None)


async def test_too_many_batches_at_once_are_told_to_come_back(join: Join, shop: TradingShop, flour: Any) -> None:
    pressure = shop.database.wiring.tools[Pressure]
    tills = [await join() for _ in range(3)]
    before = pressure.most_waiting, pressure.of_one_business
    try:
        pressure.most_waiting, pressure.of_one_business = 1, 1
        answers = await asyncio.gather(
            *(each.push(*[each.sale((flour, 1), total_cents=PRICE) for _ in range(3)]) for each in tills)
        )
    finally:
        pressure.most_waiting, pressure.of_one_business = before
    refused = [each for each in answers if each.status_code == 503]
    assert refused
    assert all(
        each.json()["code"] == "sync.overloaded" and 2 <= int(each.headers["retry-after"]) <= 30 for each in refused
    )
    assert await shop.value("select count(*) from sales where business_id = $1") == 3 * (3 - len(refused))


async def test_a_place_is_given_back() -> None:
    pressure, shop = Pressure(at_once=1, of_one_business=1, patience_seconds=1), new_id()
    for _ in range(2):
        async with pressure.enter(shop):
            with pytest.raises(Overloaded):
                async with pressure.enter(new_id()):
                    raise AssertionError
