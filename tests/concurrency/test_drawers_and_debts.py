"""Sales, refunds, repayments, expenses and closes at once: nothing deadlocks, nothing is lost between a drawer and the books."""

import asyncio
from collections import Counter
from typing import Any

from payme.features.credit import (
    LimitExceeded,
    MoreThanOwed,
    OpenCreditAccount,
    RepayCredit,
    get_account,
    open_account,
    repay,
)
from payme.features.customers import CreateCustomer, create_customer
from payme.features.expenses import RecordExpense, record_expense
from payme.features.shifts import CloseShift, OpenShift, ShiftClosed, close_shift, get_shift, open_shift
from tests.invariants import assert_invariants
from tests.stock_room import make_product, receive
from tests.trade import TradingShop, cash, database, other_shop, shop

__all__ = ["database", "other_shop", "shop"]
PRICE, FLOAT, ROUNDS = 10_000, 100_000, 12
REFUSED = (ShiftClosed, LimitExceeded, MoreThanOwed)


async def test_everything_that_moves_a_drawer_at_once(shop: TradingShop):
    await shop.set_tokens(500)
    product = await make_product(shop, price_cents=PRICE)
    await receive(shop, product, "500", 500_000)
    customer = await shop.run(lambda uow: create_customer(uow, CreateCustomer(name="Achieng")))
    terms = OpenCreditAccount(customer_id=customer.id, limit_cents=8 * PRICE)
    account = await shop.run(lambda uow: open_account(uow, terms))
    shift = await shop.run(lambda uow: open_shift(uow, OpenShift(float_cents=FLOAT)))
    half = {"method": "credit", "amount_cents": PRICE, "credit_account_id": account.id}
    sold = [await shop.sell((product, 2), tenders=[half, cash(PRICE)], shift_id=shift.id) for _ in range(4)]
    outcomes: Counter[str] = Counter()

    async def attempt(name: str, work: Any) -> None:
        try:
            await work
        except REFUSED as refusal:
            name = refusal.code
        outcomes[name] += 1

    def errands() -> list[Any]:
        money = RepayCredit(amount_cents=PRICE, shift_id=shift.id)
        fuel = RecordExpense.model_validate(
            {"category": "transportation", "amount_cents": 700, "method": "cash", "shift_id": shift.id}
        )
        return [
            attempt("sold", shop.sell((product, 2), tenders=[half, cash(PRICE)], shift_id=shift.id)),
            attempt("repaid", shop.run(lambda uow: repay(uow, account.id, money))),
            attempt("spent", shop.run(lambda uow: record_expense(uow, fuel))),
        ]

    closing = attempt("closed", shop.run(lambda uow: close_shift(uow, shift.id, CloseShift(counted_cents=FLOAT))))
    refunds = [attempt("refunded", shop.refund(each, shift_id=shift.id)) for each in sold]
    await asyncio.gather(
        *(each for _ in range(ROUNDS) for each in errands()), *refunds, closing
    )  # fmt: skip
    assert (outcomes["closed"], outcomes.total()) == (1, 3 * ROUNDS + 5)
    assert set(outcomes) <= {"sold", "repaid", "spent", "refunded", "closed", *(each.code for each in REFUSED)}
    ended = await shop.run(lambda uow: get_shift(uow, shift.id))
    moved = await shop.value("select sum(amount_cents)::bigint from shift_movements where business_id = $1")
    assert (ended.expected_cents, ended.late_movements) == (FLOAT + moved, 0)
    owed = (await shop.run(lambda uow: get_account(uow, account.id))).balance_cents
    assert owed == (await shop.balances()).get("receivables", 0) <= 8 * PRICE
    await assert_invariants(shop.database, shop.business_id)
