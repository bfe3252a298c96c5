"""Money that came by hand becomes a purchase once, whoever tells of it how often."""

import asyncio
import json

import asyncpg
import pytest

from payme.features.businesses import PLATFORM_BUSINESS_ID
from payme.features.payments import WalletPaid, list_unplaced
from payme.features.payments.enums import Source
from payme.features.payments.services.place_money import Arrival
from payme.features.payments.services.platform_money import take_pulled
from payme.features.tokens.services import TopUpDesk, top_up
from payme.runtime.database import UnitOfWork
from tests.invariants import assert_invariants
from tests.payment_room import a_receipt
from tests.trade import TradingShop


def paid(shop: TradingShop, cents: int = 30_000) -> WalletPaid:
    return WalletPaid(
        subject_id=shop.business_id, wallet_id=shop.business_id, receipt=a_receipt(), amount_cents=cents, shortcode="650880",
        paid_at=None, source=Source.C2B,
    )  # fmt: skip


async def test_a_receipt_buys_once(shop: TradingShop, other_shop: TradingShop) -> None:
    news = paid(shop)

    async def hear() -> None:
        await shop.run(lambda uow: top_up(uow, news))

    await asyncio.gather(*(hear() for _ in range(8)))
    await other_shop.run(lambda uow: top_up(uow, news))
    assert await shop.rows("select quantity, price_cents, state from token_purchases where business_id = $1") == [
        (220, 30_000, "awaiting_payment")
    ]
    assert await other_shop.rows("select 1 from token_purchases where business_id = $1") == []
    assert await shop.rows("select count(*) from payments where business_id = $1") == [(1,)]


@pytest.mark.parametrize("spelt", ["{0}", " {0} ", "{1}-{2}", "tokens {1} {2}"])
async def test_an_account_names_one_wallet_however_it_is_typed(
    shop: TradingShop, other_shop: TradingShop, spelt: str
) -> None:
    ((code,),) = await shop.rows("select code from token_top_up_codes where business_id = $1")

    async def ask(uow: UnitOfWork) -> object:
        return await TopUpDesk().find_wallet(uow, spelt.format(code, code[:4], code[4:]), 200)

    assert await other_shop.run(ask) == shop.business_id
    for nothing in ("", "x", code[:-1], f"{code}0"):
        assert await shop.run(lambda uow, typed=nothing: TopUpDesk().find_wallet(uow, typed, 200)) is None
    assert await shop.run(lambda uow: TopUpDesk().find_wallet(uow, code, 199)) is None
    await assert_invariants(shop.database, shop.business_id)


async def test_two_payments_for_one_wallet_are_two_pieces_of_news(shop: TradingShop, owner_dsn: str) -> None:
    ((code,),) = await shop.rows("select code from token_top_up_codes where business_id = $1")
    receipts = sorted([a_receipt(), a_receipt()])

    async def pulled(uow: UnitOfWork) -> None:
        for receipt in receipts:
            await take_pulled(
                uow, Arrival(Source.PULL, receipt, 2_000_000, "650880", ["650880"], bill_reference=str(code))
            )

    for _ in range(2):
        await shop.database.run(pulled, business_id=PLATFORM_BUSINESS_ID)
    connection = await asyncpg.connect(owner_dsn)
    try:
        found = await connection.fetch("select payload from pgqueuer where entrypoint = 'tokens.top_up'")
    finally:
        await connection.close()
    queued = [json.loads(each["payload"]) for each in found]
    assert sorted(each["receipt"] for each in queued if each["wallet_id"] == str(shop.business_id)) == receipts


async def test_what_pull_shows_and_names_nobody_is_kept_once(shop: TradingShop) -> None:
    arrival = Arrival(Source.PULL, a_receipt(), 12_345, "650880", ["650880"], bill_reference="nobody")
    for _ in range(2):
        await shop.database.run(lambda uow: take_pulled(uow, arrival), business_id=PLATFORM_BUSINESS_ID)
    waiting = await shop.database.run(list_unplaced, business_id=PLATFORM_BUSINESS_ID)
    (found,) = [each for each in waiting if each.receipt == arrival.receipt]
    sql = """select count(*) from callback_inbox i join callback_routes r on r.subject_id = i.subject_id and r.kind = i.kind
        and r.business_id = i.business_id where $1::uuid is not null and position(convert_to($2::text, 'UTF8') in i.body) > 0"""
    assert await shop.rows(sql, arrival.receipt) == [(1,)]
    assert (found.amount_cents, found.account) == (12_345, "nobody")
