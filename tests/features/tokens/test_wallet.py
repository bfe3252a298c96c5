"""The wallet: what a request and a fact may take, reservations that end once, purchases credited once."""

from typing import Any
from uuid import UUID

import pytest

from payme.features import tokens
from payme.features.businesses import PLATFORM_BUSINESS_ID
from payme.features.ledger import AlreadyPosted
from payme.features.payments import PaymentSucceeded, PhoneInvalid
from payme.features.payments.enums import Outcome, Source
from payme.features.payments.rules.transitions import Message
from payme.features.tokens.errors import PackageUnknown, PurchaseNotFound, ReservationExists, ReservationMissing
from payme.features.tokens.events import TokensPurchased
from payme.features.tokens.schemas import BuyTokens, PurchaseView
from payme.features.tokens.services import (
    book_platform_revenue,
    buy_tokens,
    credit_purchase,
    get_wallet,
    list_movements,
    list_packages,
)
from payme.kit.ids import new_id
from payme.runtime.database import UnitOfWork
from tests.invariants import assert_invariants
from tests.trade import PHONE, TradingShop
from tests.unchanged import refused, unchanged


@pytest.fixture(autouse=True)
async def sound_at_the_end(shop: TradingShop):
    yield
    await assert_invariants(shop.database, shop.business_id)


async def charge(shop: TradingShop, cause: UUID | None = None, **how: Any) -> Any:
    async def work(uow: UnitOfWork) -> Any:
        # The name that invariants hold against sales is not this operation's.
        return tokens.charge(uow, cause or new_id(), "test", **how)

    return (await shop.run(work)).value


async def reserve(shop: TradingShop, cause: UUID, **how: Any) -> Any:
    async def work(uow: UnitOfWork) -> Any:
        return tokens.reserve(uow, cause, "test", **how)

    return (await shop.run(work)).value


async def settle(shop: TradingShop, cause: UUID, *, completed: bool) -> Any:
    async def work(uow: UnitOfWork) -> Any:
        return tokens.settle(uow, cause, "test", completed=completed)

    return (await shop.run(work)).value


async def buy(shop: TradingShop, **what: Any) -> PurchaseView:
    return await shop.run(lambda uow: buy_tokens(uow, BuyTokens(phone=PHONE, **what)))


async def test_a_new_business_is_welcomed_with_thirty(shop: TradingShop):
    wallet = await shop.run(get_wallet)
    assert wallet.model_dump() == {
        "balance": 30,
        "reserved": 0,
        "available": 30,
        "overdraft": 200,
        "warning": None,
        "top_up": None,
    }


async def test_the_welcome_is_granted_once(shop: TradingShop):
    await refused(shop, AlreadyPosted, lambda: shop.run(lambda uow: tokens.open_wallet(uow, welcome=30, overdraft=200)))


async def test_a_request_stops_at_zero_and_a_fact_at_the_overdraft(shop: TradingShop):
    await shop.run(
        lambda uow: uow.execute("update token_wallets set overdraft_limit = 3 where business_id = $1", uow.tenant)
    )
    await shop.set_tokens(1)
    assert await charge(shop) == {"charged": 1, "balance": 0, "available": 0}
    found = await refused(shop, tokens.TokensExhausted, lambda: charge(shop))
    assert found.facts == {"balance": 0, "available": 0}
    await refused(shop, tokens.TokensExhausted, lambda: reserve(shop, new_id()))
    for left in (-1, -2, -3):
        assert (await charge(shop, is_fact=True))["available"] == left
    await refused(shop, tokens.TokensExhausted, lambda: charge(shop, is_fact=True))
    await refused(shop, tokens.TokensExhausted, lambda: reserve(shop, new_id(), is_fact=True))
    assert (await shop.run(get_wallet)).warning == "exhausted"


async def test_what_is_reserved_is_not_available(shop: TradingShop):
    await shop.set_tokens(1)
    assert await reserve(shop, new_id()) == {"reserved": 1, "balance": 1, "available": 0}
    await refused(shop, tokens.TokensExhausted, lambda: charge(shop))
    assert await charge(shop, is_fact=True) == {"charged": 1, "balance": 0, "available": -1}


@pytest.mark.parametrize("completed", [True, False])
async def test_a_reservation_ends_once(shop: TradingShop, completed: bool):
    cause = new_id()
    await reserve(shop, cause)
    await refused(shop, ReservationExists, lambda: reserve(shop, cause))
    ended = await settle(shop, cause, completed=completed)
    left = 29 if completed else 30
    assert ended == {"charged" if completed else "released": 1, "balance": left, "available": left}
    # The wallet comes before the books, so it is the wallet that says no.
    await refused(shop, ReservationMissing, lambda: settle(shop, cause, completed=True))
    async with unchanged(shop):
        assert (await settle(shop, cause, completed=False))["released"] == 0
    if not completed:
        await reserve(shop, cause)
        assert await shop.wallet() == (left, 1)


async def test_an_operation_is_charged_once(shop: TradingShop):
    cause = new_id()
    await charge(shop, cause)
    await refused(shop, AlreadyPosted, lambda: charge(shop, cause))


async def test_what_tokens_were_spent_on_the_last_first(shop: TradingShop):
    causes = [new_id() for _ in range(3)]
    for cause in causes:
        await charge(shop, cause)
    await shop.run(lambda uow: tokens.grant(uow, 5, reason="a complaint"))
    rows = await shop.run(lambda uow: list_movements(uow, None, 10))
    assert [(each.kind, each.quantity) for each in rows] == [
        ("token.grant", 5), ("token.test", -1), ("token.test", -1), ("token.test", -1), ("token.welcome", 30),
    ]  # fmt: skip
    assert [each.cause for each in rows[1:4]] == causes[::-1]
    position = [rows[1].recorded_at.isoformat(), str(rows[1].cause), rows[1].kind]
    assert await shop.run(lambda uow: list_movements(uow, position, 2)) == rows[2:4]
    assert await shop.rows(
        "select facts ->> 'reason' from audit_log where business_id = $1 and action = 'tokens.granted'"
    ) == [("a complaint",)]


async def test_packages(shop: TradingShop):
    found = await shop.run(list_packages)
    assert [(each.quantity, each.price_cents) for each in found] == [
        (30, 5_000), (70, 10_000), (150, 20_000), (400, 50_000), (850, 100_000),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("what", "quantity", "cents"), [({"package": 150}, 150, 20_000), ({"quantity": 77}, 77, 15_400)]
)
async def test_a_purchase_is_credited_once_when_it_is_paid(
    shop: TradingShop, what: dict[str, int], quantity: int, cents: int
):
    bought = await buy(shop, **what)
    assert (bought.quantity, bought.price_cents, bought.state, bought.payment_status) == (
        quantity, cents, "awaiting_payment", "created",
    )  # fmt: skip
    assert await shop.wallet() == (30, 0)
    await shop.accept(bought.payment_id)
    await shop.paid(bought.payment_id, cents)
    assert await shop.wallet() == (30 + quantity, 0)
    async with unchanged(shop):
        await shop.hear(again=True)
    assert await shop.rows("select payee, settlement from payments where business_id = $1") == [("platform", "applied")]
    assert await shop.balances() == {
        "owner_equity": -cents, "platform_fees": cents, "tokens": 30 + quantity, "tokens_bought": -quantity, "tokens_granted": -30,
    }  # fmt: skip


async def test_a_failed_purchase_credits_nothing_until_it_is_paid_after_all(shop: TradingShop):
    bought = await buy(shop, package=30)
    await shop.fails(bought.payment_id)
    assert await shop.rows("select state from token_purchases where business_id = $1") == [("failed",)]
    async with unchanged(shop):
        await shop.hear(again=True)
    await shop.paid(bought.payment_id, 5_000)
    assert await shop.wallet() == (60, 0)


async def test_less_money_brings_fewer_tokens(shop: TradingShop):
    bought = await buy(shop, package=150)
    await shop.paid(bought.payment_id, 10_000)
    await shop.say(bought.payment_id, Message(Source.QUERY, Outcome.PAID))
    assert await shop.wallet() == (105, 0)
    assert (await shop.balances())["platform_fees"] == 10_000


@pytest.mark.parametrize(("excess_cents", "quantity"), [(25_100, 150 + 30), (30_000, 150 + 70), (100, 0)])
async def test_what_came_above_a_purchase_buys_more(shop: TradingShop, excess_cents: int, quantity: int):
    bought = await buy(shop, package=30)
    await shop.paid(bought.payment_id, 5_000 + excess_cents)
    assert await shop.wallet() == (30, 0)
    await shop.say(bought.payment_id, Message(Source.QUERY, Outcome.PAID))
    assert await shop.wallet() == (60 + quantity, 0)
    assert (await shop.balances())["platform_fees"] == 5_000 + excess_cents
    assert await shop.unclaimed() == []
    (sold,) = await shop.rows(
        "select payload ->> 'paid_cents', payload ->> 'booked_as' from events"
        " where business_id = $1 and name = 'tokens.purchased' and payload ->> 'booked_as' is not null"
    )
    assert (int(sold[0]), await shop.rows("select id::text from unclaimed_money where business_id = $1 and reason = 'overpaid'")) == (
        excess_cents, [(sold[1],)]
    )  # fmt: skip
    await refused(shop, AlreadyPosted, lambda: shop.hear(again=True))
    await assert_invariants(shop.database, shop.business_id)


async def test_what_was_paid_twice_buys_twice(shop: TradingShop):
    bought = await buy(shop, package=30)
    for _ in range(2):
        await shop.paid(bought.payment_id, 5_000)
    assert await shop.wallet() == (90, 0)
    assert await shop.unclaimed() == []
    await shop.paid(bought.payment_id, 2_000_000)
    assert (await shop.wallet(), len(await shop.unclaimed())) == ((90, 0), 1)
    await assert_invariants(shop.database, shop.business_id)


async def test_the_platform_books_what_it_sold_once(shop: TradingShop):
    event = TokensPurchased(subject_id=new_id(), quantity=30, paid_cents=5_000, payment_id=new_id())

    async def book() -> None:
        await shop.database.run(lambda uow: book_platform_revenue(uow, event), business_id=PLATFORM_BUSINESS_ID)

    platform = TradingShop(shop.database, PLATFORM_BUSINESS_ID)
    before = (await platform.balances()).get("mpesa", 0)
    await book()
    assert (await platform.balances())["mpesa"] == before + 5_000
    await refused(platform, AlreadyPosted, book)


async def test_what_cannot_be_bought(shop: TradingShop):
    await refused(shop, PackageUnknown, lambda: buy(shop, package=31))
    command = BuyTokens(package=30, phone="0201234567")
    await refused(shop, PhoneInvalid, lambda: shop.run(lambda uow: buy_tokens(uow, command)))


async def test_a_purchase_of_another_business_is_not_there(shop: TradingShop, other_shop: TradingShop):
    theirs = await buy(other_shop, package=30)
    event = PaymentSucceeded(
        subject_id=theirs.payment_id, payment_id=theirs.payment_id, purpose="token_purchase", purpose_id=theirs.id,
        applied_cents=theirs.price_cents,
    )  # fmt: skip
    await refused(other_shop, PurchaseNotFound, lambda: shop.run(lambda uow: credit_purchase(uow, event)))
