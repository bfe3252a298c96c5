"""Commands: each executed once, with a verdict of its own; what was handed over is taken as it was."""

import asyncio
import hashlib
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio

from payme.features.identity import Role
from payme.kit.ids import new_id
from tests.api.devices.conftest import PIN, Join, employ
from tests.api.devices.test_devices_api import answer_within_a_second
from tests.api.trade.conftest import Counter
from tests.invariants import assert_invariants
from tests.people import Person
from tests.stock_room import make_product, receive
from tests.tills import Device
from tests.trade import TradingShop, new_receipt

pytestmark = pytest.mark.asyncio(loop_scope="session")
PRICE = 10_000


@pytest_asyncio.fixture(loop_scope="session")
async def flour(shop: TradingShop) -> Any:
    """A product of KES 100 with twenty on hand."""
    product = await make_product(shop, price_cents=PRICE)
    await receive(shop, product, "20", 100_000)
    return product


async def count(shop: TradingShop, table: str) -> int:
    return int(await shop.value(f"select count(*) from {table} where business_id = $1"))


async def test_a_sale_that_was_handed_over_is_applied_under_its_own_number(
    till: Device, shop: TradingShop, flour: Any, cashier: Person
) -> None:
    command = till.sale((flour, 2), total_cents=2 * PRICE)
    (verdict,) = await till.results(command)
    assert verdict["status"] == "applied", verdict
    assert verdict["result"]["receipt_number"] == command["args"]["receipt_number"]
    assert verdict["result"]["id"] == command["id"]
    assert verdict["result"]["tokens"]["charged"] == 1
    assert verdict["result"]["cost_cents"] is None
    ((sold_by, total, number),) = await shop.rows(
        "select sold_by, total_cents, receipt_number from sales where business_id = $1"
    )
    assert (sold_by, total, number) == (cashier.id, 2 * PRICE, command["args"]["receipt_number"])
    assert verdict["server_seq"] == await shop.value(
        "select seq from sync_changes where business_id = $1 and collection = 'commands' and document_id = $2",
        command["id"],
    )
    await assert_invariants(shop.database, shop.business_id)


async def test_the_same_batch_again_changes_nothing(till: Device, shop: TradingShop, flour: Any) -> None:
    commands = [till.sale((flour, 1), total_cents=PRICE) for _ in range(3)]
    first, again = await till.results(*commands), await till.results(*commands)
    assert [each["status"] for each in first] == ["applied"] * 3
    assert [each["is_repeated"] for each in again] == [True] * 3
    assert [each["result"] for each in again] == [each["result"] for each in first]
    assert await count(shop, "sales") == 3


async def test_the_same_batch_twice_at_once_is_taken_once(till: Device, shop: TradingShop, flour: Any) -> None:
    commands = [till.sale((flour, 1), total_cents=PRICE) for _ in range(6)]
    batches = await asyncio.gather(*(till.results(*commands) for _ in range(4)))
    for place in range(6):
        assert sorted(batch[place]["is_repeated"] for batch in batches) == [False, True, True, True]
        assert len({batch[place]["result"]["receipt_number"] for batch in batches}) == 1
    assert await count(shop, "sales") == 6
    assert await shop.value("select highest_sequence from sync_devices where business_id = $1") == 6
    await assert_invariants(shop.database, shop.business_id)


async def test_another_body_under_a_known_id_is_never_executed(till: Device, shop: TradingShop, flour: Any) -> None:
    command = till.sale((flour, 1), total_cents=PRICE)
    (first,) = await till.results(command)
    altered = {**command, "args": {**command["args"], "lines": [{"product_id": str(flour), "quantity": "9"}]}}
    (second,) = await till.results(altered)
    assert second["result"] == first["result"]
    assert second["is_repeated"]
    assert await count(shop, "sales") == 1
    assert (
        await shop.value("select count(*) from audit_log where business_id = $1 and action = 'sync.command_altered'")
        == 1
    )


async def test_a_sequence_number_is_one_commands(till: Device, shop: TradingShop, flour: Any) -> None:
    first, second = till.sale((flour, 1), total_cents=PRICE), till.sale((flour, 1), total_cents=PRICE)
    second["device_sequence"] = first["device_sequence"]
    verdicts = await till.results(first, second)
    assert [each["status"] for each in verdicts] == ["applied", "rejected"]
    assert verdicts[1]["error"]["code"] == "sync.sequence_reused"
    assert await count(shop, "sales") == 1
    (again,) = await till.results(second)
    assert (again["status"], again["is_repeated"]) == ("rejected", True)


async def test_a_poisonous_command_in_the_middle_stops_no_other(till: Device, shop: TradingShop, flour: Any) -> None:
    good, last = till.sale((flour, 1), total_cents=PRICE), till.sale((flour, 1), total_cents=PRICE)
    poison: list[Any] = [
        till.command("sale.create", {"lines": "none"}),
        till.command("sale.explode", {}),
        till.command("sale.create", {"lines": [{"product_id": str(flour), "quantity": "1"}], "tenders": []}, schema_version=7),
        {"id": "no id", "name": 7},
        {**till.sale((flour, 1), total_cents=PRICE), "device_id": str(new_id())},
        till.command("sale.refund", {"sale_id": str(new_id()), "reason": "x", "lines": [{"sale_line_id": str(new_id()), "quantity": "1"}]}, handed_over=False),
    ]  # fmt: skip
    verdicts = await till.results(good, *poison, last)
    assert [each["status"] for each in verdicts] == ["applied", *["rejected"] * 6, "applied"]
    codes = [each["error"]["code"] for each in verdicts[1:-1]]
    assert codes == [
        "sync.command_malformed", "sync.command_unknown", "sync.command_unknown", "sync.command_malformed",
        "sync.not_this_device", "sales.not_found",
    ]  # fmt: skip
    assert verdicts[1]["error"]["pointer"].startswith("/args/lines")
    assert await count(shop, "sales") == 2
    kept = await shop.value("select count(*) from sync_commands where business_id = $1 and status = 'rejected'")
    assert kept == 4
    await assert_invariants(shop.database, shop.business_id)


async def test_a_dependency_that_comes_late_is_waited_for(till: Device, shop: TradingShop, flour: Any) -> None:
    line = str(new_id())
    sale = till.sale(total_cents=2 * PRICE, args={"lines": [{"id": line, "product_id": str(flour), "quantity": "2"}]})
    refund = till.command(
        "sale.refund",
        {"sale_id": sale["id"], "reason": "Torn", "lines": [{"sale_line_id": line, "quantity": "1"}]},
        depends_on=[sale["id"]],
    )
    (waiting,) = await till.results(refund)
    assert waiting["status"] == "waiting"
    assert await count(shop, "refunds") == 0
    verdicts = await till.results(sale)
    assert [(each["id"], each["status"]) for each in verdicts] == [(sale["id"], "applied"), (refund["id"], "applied")]
    assert await count(shop, "refunds") == 1
    (again,) = await till.results(refund)
    assert (again["status"], again["is_repeated"]) == ("applied", True)
    await assert_invariants(shop.database, shop.business_id)


async def test_a_request_is_refused_and_leaves_nothing(till: Device, shop: TradingShop, flour: Any) -> None:
    (verdict,) = await till.results(till.sale((flour, 21), total_cents=21 * PRICE, handed_over=False))
    assert (verdict["status"], verdict["error"]["code"]) == ("rejected", "sales.stock_short")
    await shop.set_tokens(0)
    (verdict,) = await till.results(till.sale((flour, 1), total_cents=PRICE, handed_over=False))
    assert (verdict["status"], verdict["error"]["code"]) == ("rejected", "tokens.exhausted")
    assert await count(shop, "sales") == 0
    assert await shop.value("select on_hand from stock_levels where business_id = $1") == 20
    await assert_invariants(shop.database, shop.business_id)


async def test_what_is_gone_may_be_owed(till: Device, shop: TradingShop, flour: Any) -> None:
    (verdict,) = await till.results(till.sale((flour, 25), total_cents=25 * PRICE))
    assert (verdict["status"], verdict["reasons"]) == ("needs_review", ["stock_owed"])
    assert await shop.value("select on_hand from stock_levels where business_id = $1") == -5
    assert await shop.value("select sum(remaining_quantity) from stock_owed where business_id = $1") == 5
    await receive(shop, flour, "10", 60_000)
    assert await shop.value("select on_hand from stock_levels where business_id = $1") == 5
    await assert_invariants(shop.database, shop.business_id)


async def test_tokens_go_into_overdraft_and_beyond_it_are_looked_at(
    till: Device, shop: TradingShop, flour: Any
) -> None:
    await shop.set_tokens(0)
    await shop.value("update token_wallets set overdraft_limit = 1 where business_id = $1 returning 1")
    within, beyond = await till.results(
        till.sale((flour, 1), total_cents=PRICE), till.sale((flour, 1), total_cents=PRICE)
    )
    assert within["status"] == "applied"
    assert (beyond["status"], beyond["reasons"]) == ("needs_review", ["tokens_beyond_overdraft"])
    assert await shop.wallet() == (-2, 0)
    await assert_invariants(shop.database, shop.business_id)
    await shop.set_tokens(1)
    assert await shop.rows("select balance, overdraft_limit, widened from token_wallets where business_id = $1") == [
        (1, 1, 0)
    ]


async def test_the_printed_price_is_the_fact(till: Device, shop: TradingShop, flour: Any) -> None:
    line = {"product_id": str(flour), "quantity": "1", "unit_price_cents": PRICE - 500}
    command = till.sale(total_cents=PRICE - 500, args={"lines": [line]})
    (verdict,) = await till.results(command)
    assert (verdict["status"], verdict["reasons"]) == ("needs_review", ["price_differs"])
    assert verdict["result"]["total_cents"] == PRICE - 500
    await shop.set_limits(cash_rounding_cents=1000)
    (verdict,) = await till.results(
        till.sale(total_cents=PRICE - 300, args={"lines": [{**line, "unit_price_cents": PRICE - 300}]})
    )
    assert verdict["reasons"] == ["price_differs", "total_differs"]
    assert verdict["result"]["total_cents"] == PRICE - 300
    await assert_invariants(shop.database, shop.business_id)


async def test_a_discount_above_the_limit_is_taken_and_looked_at(
    till: Device, shop: TradingShop, flour: Any, manager: Person, cashier: Person
) -> None:
    args = {"discount_cents": PRICE // 2, "lines": [{"product_id": str(flour), "quantity": "1"}]}
    alone, agreed, own = await till.results(
        till.sale(total_cents=PRICE // 2, args=args),
        till.sale(total_cents=PRICE // 2, args=args, approved_by=str(manager.id)),
        till.sale(total_cents=PRICE // 2, args=args, approved_by=str(cashier.id)),
    )
    assert alone["reasons"] == ["discount_above_limit"]
    assert (agreed["status"], agreed["reasons"]) == ("applied", [])
    assert own["reasons"] == ["approvals.own_request", "discount_above_limit"]
    assert await count(shop, "sales") == 3


async def test_an_approvers_pin_is_looked_at_and_not_kept(
    till: Device, shop: TradingShop, flour: Any, manager: Person
) -> None:
    line = str(new_id())
    sale = till.sale(total_cents=20 * PRICE, args={"lines": [{"id": line, "product_id": str(flour), "quantity": "20"}]})
    args = {"sale_id": sale["id"], "reason": "Torn", "lines": [{"sale_line_id": line, "quantity": "20"}]}
    refund = till.command("sale.refund", {**args, "approver": {"user_id": str(manager.id), "pin": PIN}})
    _, verdict = await till.results(sale, refund)
    assert (verdict["status"], verdict["result"]["state"]) == ("applied", "completed")
    assert verdict["result"]["approved_by"] == str(manager.id)
    assert PIN not in str(
        await shop.rows("select args, result from sync_commands where business_id = $1 and name = 'sale.refund'")
    )
    (again,) = await till.results(refund)
    assert again["is_repeated"]


async def test_a_receipt_number_that_is_taken_gives_way(till: Device, shop: TradingShop, flour: Any) -> None:
    first, second = till.sale((flour, 1), total_cents=PRICE), till.sale((flour, 1), total_cents=PRICE)
    second["args"]["receipt_number"] = first["args"]["receipt_number"]
    _, verdict = await till.results(first, second)
    assert (verdict["status"], verdict["reasons"]) == ("needs_review", ["receipt_number_used"])
    third = till.sale((flour, 1), total_cents=PRICE, args={"receipt_number": "ZZ-000001"})
    (verdict,) = await till.results(third)
    assert verdict["reasons"][0] == "receipt_prefix_foreign"
    request = till.sale(
        (flour, 1), total_cents=PRICE, handed_over=False, args={"receipt_number": first["args"]["receipt_number"]}
    )
    (verdict,) = await till.results(request)
    assert verdict["error"]["code"] == "sales.receipt_number_used"
    numbers = await shop.rows("select distinct receipt_number from sales where business_id = $1")
    assert len(numbers) == await count(shop, "sales") == 3


async def test_only_a_device_numbers_receipts(owner: Counter, shop: TradingShop, flour: Any) -> None:
    body = {"lines": [{"product_id": str(flour), "quantity": "1"}], "tenders": [{"method": "cash", "amount_cents": PRICE}], "receipt_number": "A1-000077"}  # fmt: skip
    answer = await owner.post("sales", body)
    assert (answer.status_code, answer.json()["code"]) == (422, "sales.receipt_number_of_device")
    assert await count(shop, "sales") == 0


@pytest.mark.parametrize("days", [-2, 2])
async def test_a_clock_that_is_two_days_off_is_corrected_and_looked_at(
    till: Device, shop: TradingShop, flour: Any, days: int
) -> None:
    till.skew = timedelta(days=days)
    (verdict,) = await till.results(till.sale((flour, 1), total_cents=PRICE))
    assert verdict["status"] == "needs_review"
    assert "clock_differs" in verdict["reasons"]
    apart = await shop.value(
        "select abs(extract(epoch from occurred_at - recorded_at)) from sales where business_id = $1"
    )
    assert apart < 10
    raw = await shop.value("select occurred_at - received_at from sync_commands where business_id = $1")
    assert abs(raw - timedelta(days=days)) < timedelta(seconds=10)


async def test_what_happened_three_days_ago_is_looked_at(till: Device, shop: TradingShop, flour: Any) -> None:
    command = till.sale((flour, 1), total_cents=PRICE, occurred_at=(till.now - timedelta(days=3)).isoformat())
    (verdict,) = await till.results(command)
    assert (verdict["status"], verdict["reasons"]) == ("needs_review", ["occurred_long_ago"])
    command = till.sale((flour, 1), total_cents=PRICE, occurred_at=(till.now + timedelta(minutes=6)).isoformat())
    (verdict,) = await till.results(command)
    assert verdict["reasons"] == ["occurred_ahead"]


async def test_a_cashier_who_left_since_is_looked_at(
    till: Device, owner: Counter, shop: TradingShop, flour: Any, cashier: Person
) -> None:
    early = till.sale((flour, 1), total_cents=PRICE)
    assert (await owner.http.delete(f"members/{cashier.id}")).status_code == 204
    late = till.sale((flour, 1), total_cents=PRICE)
    request = till.sale((flour, 1), total_cents=PRICE, handed_over=False)
    stranger = till.sale((flour, 1), total_cents=PRICE, staff_id=str(new_id()))
    verdicts = await till.results(early, late, request, stranger)
    assert [each["reasons"] for each in verdicts] == [
        ["staff_removed"],
        ["staff_not_employed"],
        [],
        ["staff_unknown"],
    ]
    assert verdicts[2]["error"]["code"] == "sync.staff_unknown"
    assert await count(shop, "sales") == 3


async def test_permissions_are_those_of_that_moment(
    till: Device, owner: Counter, shop: TradingShop, flour: Any, manager: Person
) -> None:
    args = {"product_id": str(flour), "quantity": "1", "total_cost_cents": 100}
    early = till.command("stock.receive", args, staff_id=str(manager.id), handed_over=False)
    tag = (await owner.http.get(f"members/{manager.id}")).headers["etag"]
    changed = await owner.http.patch(f"members/{manager.id}", json={"roles": ["cashier"]}, headers={"if-match": tag})
    assert changed.status_code == 200, changed.text
    late = till.command("stock.receive", args, staff_id=str(manager.id), handed_over=False)
    fact = till.command("stock.receive", args, staff_id=str(manager.id))
    verdicts = await till.results(early, late, fact)
    assert [each["status"] for each in verdicts] == ["applied", "rejected", "needs_review"]
    assert verdicts[1]["error"]["code"] == "sync.not_permitted"
    assert verdicts[2]["reasons"] == ["not_permitted"]
    assert await shop.value("select on_hand from stock_levels where business_id = $1") == 22


async def test_a_claimed_code_of_another_sale_does_not_undo_the_sale(
    till: Device, shop: TradingShop, flour: Any
) -> None:
    code = new_receipt()
    tender = {"method": "mpesa_claim", "amount_cents": PRICE, "mpesa_receipt_number": code}
    args = {"tenders": [tender]}
    first, second = await till.results(*(till.sale((flour, 1), total_cents=PRICE, args=args) for _ in range(2)))
    assert (first["status"], first["result"]["status"]) == ("applied", "completed"), first
    assert (second["status"], second["result"]["status"]) == ("needs_review", "completed"), second
    assert second["result"]["payments"][0]["mpesa_receipt_number"] is None
    await assert_invariants(shop.database, shop.business_id)


async def test_a_fact_that_cannot_be_applied_is_kept_for_a_person(
    till: Device, shop: TradingShop, flour: Any, owner: Counter
) -> None:
    (verdict,) = await till.results(till.sale((new_id(), 1), total_cents=PRICE))
    assert (verdict["status"], verdict["reasons"]) == ("needs_review", ["not_applied:catalog.product_not_found"])
    assert (verdict["result"], verdict["applied_at"]) == (None, None)
    assert await count(shop, "sales") == 0
    (row,) = (await owner.http.get("sync/reviews")).json()["data"]
    assert row["id"] == verdict["id"]
    settled = await owner.http.post(f"sync/reviews/{row['id']}/settle", json={"note": "Entered by hand"})
    assert (settled.status_code, settled.json()["settled_note"]) == (200, "Entered by hand")
    assert (await owner.http.get("sync/reviews")).json()["data"] == []
    again = await owner.http.post(f"sync/reviews/{row['id']}/settle", json={"note": "Again"})
    assert again.json()["code"] == "sync.nothing_to_settle"


async def test_a_revoked_device_keeps_its_queue_and_a_manager_hands_it_in(
    till: Device, owner: Counter, shop: TradingShop, flour: Any
) -> None:
    queue = [till.sale((flour, 1), total_cents=PRICE) for _ in range(3)]
    await owner.http.delete(f"devices/{till.id}")
    assert await answer_within_a_second(lambda: till.push(*queue), "sync.device_revoked") == 403
    assert await count(shop, "sync_commands") == 0
    handed_in = await owner.http.post("sync/commands", json={"commands": queue})
    assert [each["reasons"] for each in handed_in.json()["results"]] == [["device_revoked"]] * 3
    assert await count(shop, "sales") == 3
    assert (
        await shop.value("select count(*) from sync_commands where business_id = $1 and handed_in_by is not null") == 3
    )
    await assert_invariants(shop.database, shop.business_id)


async def test_somebody_without_a_device_pushes_nothing(
    counter_for: Any, shop: TradingShop, till: Device, flour: Any
) -> None:
    person = await employ(shop, Role.CASHIER, "Kamau")
    answer = await counter_for(shop, person).http.post(
        "sync/commands", json={"commands": [till.sale((flour, 1), total_cents=PRICE)]}
    )
    assert (answer.status_code, answer.json()["code"]) == (403, "devices.needed")
    assert await count(shop, "sync_commands") == 0


async def test_a_batch_holds_two_hundred(till: Device, shop: TradingShop) -> None:
    answer = await till.push(*[till.command("x", {}) for _ in range(201)])
    assert (answer.status_code, answer.json()["code"]) == (413, "sync.too_many_commands")
    answer = await till.push(till.command("x", {"padding": "x" * (1 << 20)}))
    assert answer.status_code == 413
    assert await count(shop, "sync_commands") == 0


async def test_gaps_are_tracked_and_reconciled(till: Device, shop: TradingShop, flour: Any) -> None:
    commands = [till.sale((flour, 1), total_cents=PRICE) for _ in range(4)]
    await till.results(commands[0], commands[3], commands[2])
    assert await state(shop) == (1, 4, True)
    named = {str(each["device_sequence"]): each["id"] for each in commands}
    answer = await till.http.post(
        "sync/reconcile", json={"device_sequence_from": 1, "device_sequence_to": 4, "commands": named}
    )
    assert answer.json()["missing"] == [commands[1]["id"]]
    assert answer.json()["missing_sequences"] == [2]
    await till.results(commands[1])
    assert await state(shop) == (4, 4, False)
    digest = hash_of(commands)
    answer = await till.http.post(
        "sync/reconcile", json={"device_sequence_from": 1, "device_sequence_to": 4, "hash": digest}
    )
    assert (answer.json()["matches"], answer.json()["missing_sequences"]) == (True, [])


async def test_tills_of_one_shop_sell_the_last_ones_each_and_it_is_owed(
    join: Join, shop: TradingShop, flour: Any
) -> None:
    tills = [await join() for _ in range(4)]
    queues = [[each.sale((flour, 2), total_cents=2 * PRICE) for _ in range(5)] for each in tills]
    answers = await asyncio.gather(*(each.results(*queue) for each, queue in zip(tills, queues, strict=True)))
    statuses = [verdict["status"] for verdicts in answers for verdict in verdicts]
    assert set(statuses) <= {"applied", "needs_review"}
    assert await shop.value("select on_hand from stock_levels where business_id = $1") == -20
    assert statuses.count("needs_review") == 10
    await assert_invariants(shop.database, shop.business_id)


async def state(shop: TradingShop) -> tuple[Any, ...]:
    ((contiguous, highest, gap),) = await shop.rows(
        "select contiguous_sequence, highest_sequence, gap_since is not null from sync_devices where business_id = $1"
    )
    return contiguous, highest, gap


def hash_of(commands: list[dict[str, Any]]) -> str:
    lines = "\n".join(f"{each['device_sequence']}:{each['id']}" for each in commands)
    return hashlib.sha256(lines.encode()).hexdigest()
