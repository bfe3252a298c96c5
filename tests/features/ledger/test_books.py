"""Books: postings move balances once, undo with their savepoint, and are reversed without touching the wallet."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from payme.features import ledger, tokens
from payme.features.ledger import AccountCode, AlreadyPosted, Posting
from payme.features.ledger.errors import ReversalIsFinal, TransactionNotFound
from payme.features.ledger.services import trial_balance
from payme.kit.ids import new_id
from payme.runtime.database import UnitOfWork
from tests.invariants import assert_invariants
from tests.trade import TradingShop
from tests.unchanged import refused, unchanged


def moved(amount: int, cause: UUID, *, kind: str = "test.moved") -> Posting:
    return Posting(kind, AccountCode.OWNER_EQUITY, AccountCode.PLATFORM_FEES, amount, cause)


async def post(shop: TradingShop, *postings: Posting) -> UUID:
    async def work(uow: UnitOfWork) -> UUID:
        for each in postings:
            ledger.post(uow, [each])
        return uow.transaction_id

    return await shop.run(work)


async def test_a_new_business_has_every_account_and_its_welcome(shop: TradingShop):
    balance = await shop.run(trial_balance)
    assert {each.code for each in balance.accounts} == set(AccountCode)
    assert (balance.sum_cents, balance.sum_tokens) == (0, 0)
    assert await shop.balances() == {"tokens": 30, "tokens_granted": -30}


async def test_opening_the_books_again_changes_nothing(shop: TradingShop):
    async with unchanged(shop):
        await shop.run(ledger.open_accounts)


async def test_postings_of_one_transaction_are_one_call_and_one_event(shop: TradingShop):
    cause = new_id()
    transaction_id = await post(shop, moved(500, cause), moved(-200, new_id()), moved(0, new_id()))
    assert await shop.run(
        lambda uow: ledger.balances_of(uow, [AccountCode.PLATFORM_FEES, AccountCode.OWNER_EQUITY])
    ) == {
        "platform_fees": 300,
        "owner_equity": -300,
    }
    assert await shop.rows(
        "select distinct transaction_id from postings where business_id = $1 and kind = 'test.moved'"
    ) == [(transaction_id,)]


async def test_each_posting_keeps_when_it_happened(shop: TradingShop):
    then = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)

    async def work(uow: UnitOfWork) -> datetime:
        ledger.post(uow, [moved(1, new_id(), kind="test.past")], occurred_at=then)
        ledger.post(uow, [moved(1, new_id(), kind="test.present")])
        return uow.now

    now = await shop.run(work)
    rows = await shop.rows(
        "select kind, occurred_at from postings where business_id = $1 and kind ~ '^test' order by 1"
    )
    assert rows == [("test.past", then), ("test.present", now)]


async def test_a_cause_is_booked_once_for_each_kind(shop: TradingShop):
    cause = new_id()
    await post(shop, moved(500, cause), moved(500, cause, kind="test.other"))
    await refused(shop, AlreadyPosted, lambda: post(shop, moved(500, cause)))


async def test_what_a_savepoint_undoes_is_not_booked(shop: TradingShop):
    async def work(uow: UnitOfWork) -> None:
        ledger.post(uow, [moved(100, new_id())])
        with pytest.raises(ZeroDivisionError):
            await fail_inside(uow)
        async with uow.savepoint():
            ledger.post(uow, [moved(10, new_id())])

    async def fail_inside(uow: UnitOfWork) -> None:
        async with uow.savepoint():
            ledger.post(uow, [moved(1_000, new_id())])
            raise ZeroDivisionError

    await shop.run(work)
    assert (await shop.balances())["platform_fees"] == 110


async def test_a_reversal_undoes_the_money_and_leaves_the_token_spent(shop: TradingShop):
    async def work(uow: UnitOfWork) -> UUID:
        ledger.post(uow, [moved(700, new_id()), moved(5, new_id(), kind="test.other")])
        tokens.charge(uow, new_id(), "test")
        return uow.transaction_id

    transaction_id = await shop.run(work)
    await shop.run(lambda uow: ledger.reverse_transaction(uow, transaction_id))
    assert await shop.balances() == {"tokens": 29, "tokens_granted": -30, "tokens_used": 1}
    assert await shop.wallet() == (29, 0)
    await refused(shop, AlreadyPosted, lambda: shop.run(lambda uow: ledger.reverse_transaction(uow, transaction_id)))
    back: UUID = await shop.value(
        "select transaction_id from postings where business_id = $1 and kind = 'test.moved.reversed'"
    )
    await refused(shop, ReversalIsFinal, lambda: shop.run(lambda uow: ledger.reverse_transaction(uow, back)))


async def test_a_transaction_of_nobody_or_of_another_business(shop: TradingShop, other_shop: TradingShop):
    theirs = await post(other_shop, moved(500, new_id()))
    for transaction_id in (theirs, new_id()):
        await refused(
            shop, TransactionNotFound, lambda t=transaction_id: shop.run(lambda uow: ledger.reverse_transaction(uow, t))
        )
    await assert_invariants(shop.database, other_shop.business_id)
