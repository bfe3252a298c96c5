"""A day at the counter without a network: customers, a shift, debts and expenses travel as commands, each taken once."""

from typing import Any
from uuid import UUID

import pytest

from payme.features.credit import OpenCreditAccount, get_account, open_account
from payme.features.shifts import get_shift
from payme.kit.ids import new_id
from tests.invariants import assert_invariants
from tests.stock_room import make_product, receive
from tests.tills import Device
from tests.trade import TradingShop

pytestmark = pytest.mark.asyncio(loop_scope="session")
PRICE, FLOAT = 10_000, 50_000


def statuses(verdicts: list[dict[str, Any]]) -> list[str]:
    return [each["status"] for each in verdicts]


async def test_a_day_without_a_network_is_booked_once(till: Device, shop: TradingShop) -> None:
    product = await make_product(shop, price_cents=PRICE)
    await receive(shop, product, "20", 100_000)
    customer_id, shift_id = str(new_id()), str(new_id())
    met = till.command("customer.create", {"id": customer_id, "name": "Achieng", "phone": "0712345678"})
    assert statuses(await till.results(met)) == ["applied"]
    terms = OpenCreditAccount.model_validate({"customer_id": customer_id, "limit_cents": PRICE})
    account = await shop.run(lambda uow: open_account(uow, terms))
    of_shift = {"args": {"shift_id": shift_id}}
    owed = {"method": "credit", "credit_account_id": str(account.id), "amount_cents": 2 * PRICE}
    day = [
        till.command("shift.open", {"id": shift_id, "float_cents": FLOAT}),
        till.sale((product, 1), total_cents=PRICE, **of_shift),
        till.sale(
            (product, 2), total_cents=0, args={"tenders": [owed], "shift_id": shift_id, "customer_id": customer_id}
        ),
        till.command(
            "expense.record",
            {"category": "supplies", "amount_cents": 3_000, "method": "cash", "note": "Bags", "shift_id": shift_id},
        ),
        till.command(
            "credit.repay", {"credit_account_id": str(account.id), "amount_cents": 5_000, "shift_id": shift_id}
        ),
        till.command("shift.close", {"shift_id": shift_id, "counted_cents": FLOAT + PRICE - 3_000 + 5_000}),
    ]
    verdicts = await till.results(*day)
    assert statuses(verdicts) == ["applied", "applied", "needs_review", "applied", "applied", "applied"], verdicts
    assert (verdicts[-1]["result"]["difference_cents"], verdicts[-1]["result"]["variance"]) == (0, "none")
    assert statuses(await till.results(met, *day)) == statuses([{"status": "applied"}, *verdicts])
    assert (await shop.run(lambda uow: get_account(uow, account.id))).balance_cents == 15_000
    assert await shop.value("select count(*) from expenses where business_id = $1") == 1
    late = till.sale((product, 1), total_cents=PRICE, **of_shift)
    assert statuses(await till.results(late)) == ["needs_review"]
    shift = await shop.run(lambda uow: get_shift(uow, UUID(shift_id)))
    assert (shift.late_movements, shift.difference_cents, shift.variance) == (1, -PRICE, "awaiting_approval")
    await assert_invariants(shop.database, shop.business_id)


async def test_an_expense_that_was_paid_is_recorded_whatever_it_is(till: Device, shop: TradingShop) -> None:
    shift = till.command("shift.open", {"id": str(new_id()), "float_cents": FLOAT})
    large = {"category": "rent", "amount_cents": 200_000, "method": "cash", "shift_id": shift["args"]["id"]}
    asked = till.command("expense.record", large, handed_over=False)
    spent = till.command("expense.record", large)
    assert statuses(await till.results(shift, asked, spent)) == ["applied", "rejected", "needs_review"]
    rows = await shop.rows("select amount_cents, review from expenses where business_id = $1")
    assert rows == [(200_000, ["expenses.above_limit"])]
    await assert_invariants(shop.database, shop.business_id)


async def test_a_conflict_that_there_is_not_is_told_so(till: Device, shop: TradingShop) -> None:
    args = {"conflict_id": str(new_id()), "choice": "server"}
    manager = till.command("conflict.resolve", args, handed_over=False, staff_id=str(shop.actor.id))
    (verdict,) = await till.results(manager)
    assert (verdict["status"], verdict["error"]["code"]) == ("rejected", "sync.conflict_not_found"), verdict
