"""A business that is older than the daily proof lacks its accounts until something is booked on them, and then gets them."""

import asyncpg
import pytest

from payme.features.identity import Role
from payme.features.payments.repository import claims
from payme.features.payments.rules.claims import Verdict
from tests.invariants import assert_invariants
from tests.reconciled import PRICE, Desk, row
from tests.staff import hire, owner_of
from tests.trade import cash, new_receipt

NEW = ["cash_over_short", "mpesa_fees", "mpesa_losses"]


@pytest.fixture
async def older(desk: Desk, owner_dsn: str) -> Desk:
    """Leave a shop with the chart of accounts of the release before."""
    connection = await asyncpg.connect(owner_dsn)
    try:
        await connection.execute(f"set payme.business_id = '{desk.shop.business_id}'")
        await connection.execute(
            "delete from account_balances b using accounts a where a.id = b.account_id and a.code = any($1)", NEW
        )
        await connection.execute("delete from accounts where code = any($1)", NEW)
    finally:
        await connection.close()
    assert await accounts(desk) == []
    return desk


async def accounts(desk: Desk) -> list[str]:
    codes = await desk.shop.rows("select code from accounts where business_id = $1 and code = any($2) order by 1", NEW)
    return [code for (code,) in codes]


async def assert_booked(older: Desk, account: str, cents: int) -> None:
    assert (await older.shop.balances())[account] == cents
    assert await accounts(older) == NEW
    await assert_invariants(older.shop.database, older.shop.business_id)


async def test_its_shortage_is_booked(older: Desk):
    shop = older.shop
    owner, manager = await owner_of(shop), await hire(shop, Role.MANAGER)
    await shop.sell(older.tea, tenders=[cash(PRICE)])
    await older.count(PRICE - 3_000, shop=manager.shop)
    await older.close(await older.one(await older.run(), "cash_short"), owner)
    await assert_booked(older, "cash_over_short", 3_000)


async def test_its_lost_claim_is_booked(older: Desk):
    manager, cashier = await hire(older.shop, Role.MANAGER), await hire(older.shop, Role.CASHIER)
    sale = await older.claimed(cashier.shop)
    await older.shop.run(lambda uow: claims.set_verdict(uow, sale.payments[0].id, Verdict.NOT_FOUND))
    await older.close(await older.one(await older.run(), "claim_not_found"), manager, "written_off")
    await assert_booked(older, "mpesa_losses", PRICE)


async def test_its_fee_is_booked(older: Desk):
    await older.upload(row(new_receipt(), "-6.50", "Pay Bill Charge", party="174379 - Duka"))
    await assert_booked(older, "mpesa_fees", 650)
