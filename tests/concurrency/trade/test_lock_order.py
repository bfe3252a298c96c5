"""Shared rows are written by the flush alone, in the one declared order, whatever a transaction does."""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import pytest

from payme.features import tokens
from payme.features.sales import CreateSale, create_sale
from payme.features.tokens.schemas import BuyTokens
from payme.features.tokens.services import buy_tokens
from payme.kit.ids import new_id
from payme.runtime.database import UnitOfWork, WriteOrder
from payme.runtime.database.unit_of_work import Reply
from tests.stock_room import adjust, make_product, receive, spoil
from tests.trade import PHONE, TradingShop, by_note, card, cash, stk

PLACE = {
    "audit_record": WriteOrder.COLD,
    "jobs_enqueue": WriteOrder.COLD,
    "payments_record_counted": WriteOrder.COLD,
    "inventory_take": WriteOrder.STOCK,
    "inventory_reserve": WriteOrder.STOCK,
    "inventory_release": WriteOrder.STOCK,
    "inventory_bring_in": WriteOrder.STOCK,
    "sales_record": WriteOrder.TILL,
    "credit_notes_issue": WriteOrder.CREDIT_NOTES,
    "credit_notes_move": WriteOrder.CREDIT_NOTES,
    "tokens_charge": WriteOrder.WALLET,
    "tokens_reserve": WriteOrder.WALLET,
    "tokens_settle": WriteOrder.WALLET,
    "tokens_credit": WriteOrder.WALLET,
    "ledger_post": WriteOrder.BALANCES,
    "idempotency_store": WriteOrder.REPLY,
    "sync_record": WriteOrder.SYNC,
}
SHARED = "stock_levels|stock_batches|stock_owed|till_counters|credit_note_counters|credit_notes|token_wallets|account_balances|sync_counters|sync_changes"
WRITES = re.compile(rf"\b(update|insert into|delete from)\s+({SHARED})\b")
CALL = re.compile(r"\b([a-z]+_[a-z_]+)\(\$")


class Watch:
    """Every statement that the shop's transactions run."""

    def __init__(self) -> None:
        self.statements: list[str] = []

    def hear(self, record: asyncpg.connection.LoggedQuery) -> None:
        self.statements.append(record.query)

    def flushes(self) -> list[list[str]]:
        """Return the calls of every flush as they run: the inner select is complete before the outer one."""
        found = [each.partition(" from (") for each in self.statements if each.startswith("-- unit_of_work.flush")]
        return [CALL.findall(inner) + CALL.findall(outer) for outer, _, inner in found]

    def wrap(self, shop: TradingShop) -> TradingShop:
        """Return the same shop, overheard."""
        watch = self

        class Overheard(TradingShop):
            async def run(self, work: Callable[[UnitOfWork], Awaitable[Any]]) -> Any:
                async def heard(uow: UnitOfWork) -> Any:
                    uow.connection.add_query_logger(watch.hear)
                    try:
                        result = await work(uow)
                        await uow.flush()
                    finally:
                        uow.connection.remove_query_logger(watch.hear)
                    return result

                return await super().run(heard)

        return Overheard(shop.database, shop.business_id, shop.actor, shop.owner, shop.heard)


async def test_every_combination_is_flushed_in_the_declared_order(shop: TradingShop):
    tea = await make_product(shop, price_cents=10_000)
    milk = await make_product(shop, price_cents=10_000, name="Maziwa")
    watch = Watch()
    heard = watch.wrap(shop)
    for product in (tea, milk):
        await receive(heard, product, "20", 20_000)
    await adjust(heard, tea, "-1")
    await adjust(heard, milk, "1")
    await spoil(heard, tea, "1")
    await heard.sell(tea, milk, tenders=[cash(12_000), card(8_000)])
    paid = await heard.sell((tea, 2), milk, tenders=[cash(10_000), stk(20_000)])
    await heard.paid(paid.payments[1].id, 20_000)
    failed = await heard.sell(tea, tenders=[stk(10_000)])
    await heard.fails(failed.payments[0].id)
    await heard.pay(failed.id, **cash(4_000))
    await heard.pay(failed.id, **cash(5_000))
    await heard.paid(failed.payments[0].id, 10_000)
    again = await heard.sell(tea, tenders=[stk(10_000)])
    await heard.fails(again.payments[0].id)
    await heard.pay(again.id, **cash(10_000))
    dropped = await heard.sell(tea, tenders=[cash(3_000), stk(7_000)])
    await heard.fails(dropped.payments[1].id)
    await heard.cancel(dropped.id)
    sold = await heard.sell((tea, 2), (milk, 2), tenders=[cash(40_000)])
    await heard.refund(sold, (1, 1, False), (0, 1))
    whole = await heard.sell(milk, tenders=[card(10_000)])
    await heard.void(whole.id)
    noted = await heard.sell((milk, 2), tenders=[cash(20_000)])
    await heard.refund(noted, (0, 1), method="credit_note")
    (note,) = await heard.credit_notes()
    await heard.sell(tea, tenders=[by_note(note, 10_000)])
    bought = await heard.run(lambda uow: buy_tokens(uow, BuyTokens(package=30, phone=PHONE)))
    await heard.paid(bought.payment_id, 5_000)
    await heard.run(lambda uow: tokens.grant(uow, 1, reason="test"))
    flushes = watch.flushes()
    seen = {call for calls in flushes for call in calls}
    assert seen == set(PLACE) - {"idempotency_store"}
    for calls in flushes:
        assert calls == sorted(calls, key=PLACE.__getitem__)
        assert calls.count("ledger_post") <= 1
        assert calls.count("sync_record") <= 1
    others = [each for each in watch.statements if not each.startswith("-- unit_of_work.flush")]
    assert [each for each in others if WRITES.search(each)] == []


async def test_the_reply_is_stored_after_the_books_and_before_the_counter(shop: TradingShop):
    watch = Watch()

    async def work(uow: UnitOfWork) -> None:
        uow.connection.add_query_logger(watch.hear)
        uow.touch("products", new_id())
        tokens.charge(uow, new_id(), "test")
        await uow.flush(Reply("test", str(new_id()), b"f", 201, "{}"))
        uow.connection.remove_query_logger(watch.hear)

    await shop.run(work)
    assert watch.flushes() == [["tokens_charge", "ledger_post", "idempotency_store", "sync_record"]]


ORDER = ("stock_levels", "till_counters", "token_wallets", "account_balances", "idempotency_keys", "sync_counters")
TAKEN = """
select coalesce(array_agg(distinct c.relname::text) filter (where c.relname = any ($1)), '{}')
from pg_stat_activity a join pg_locks l on l.pid = a.pid
left join pg_class c on c.oid = l.relation and l.mode in ('RowShareLock', 'RowExclusiveLock')
where a.datname = current_database() and a.wait_event_type = 'Lock' group by a.pid
"""


@pytest.mark.parametrize("held", [each for each in ORDER if each != "idempotency_keys"])
async def test_postgresql_takes_the_locks_in_that_order(shop: TradingShop, owner_dsn: str, held: str):
    """Somebody holds the rows of one table: a sale that waits for them has taken what comes before and nothing behind."""
    tea = await make_product(shop, price_cents=10_000)
    await receive(shop, tea, "5", 5_000)
    await shop.sell(tea, tenders=[cash(10_000)])
    command = CreateSale.model_validate({"lines": [{"product_id": tea, "quantity": "1"}], "tenders": [cash(10_000)]})

    async def work(uow: UnitOfWork) -> None:
        await create_sale(uow, command)
        await uow.flush(Reply("test", str(new_id()), b"f", 201, "{}"))

    holder, observer = await asyncpg.connect(owner_dsn), await asyncpg.connect(owner_dsn)
    async with holder.transaction():
        await holder.execute(f"set local payme.business_id = '{shop.business_id}'")
        assert await holder.fetch(f"select 1 from {held} where business_id = $1 for update", shop.business_id)
        sale = asyncio.create_task(shop.run(work))
        taken = await _waiting(observer)
    await sale
    await holder.close()
    await observer.close()
    place = ORDER.index(held)
    assert set(taken) == set(ORDER[: place + 1])


async def _waiting(observer: asyncpg.Connection) -> list[str]:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if await observer.fetch(TAKEN, list(ORDER)):
            # The view reads locks and waits one after the other: only what is read after somebody waits is whole.
            return (await observer.fetch(TAKEN, list(ORDER)))[0][0]
        await asyncio.sleep(0.02)
    raise AssertionError("nobody waits")


async def test_nothing_is_written_after_the_flush(shop: TradingShop):
    async def work(uow: UnitOfWork) -> None:
        await uow.flush()
        for late in (
            lambda: tokens.charge(uow, new_id(), "test"),
            lambda: uow.defer(WriteOrder.COLD, "tokens_credit($1,$2)", uow.tenant, 1),
            lambda: uow.touch("products", new_id()),
            lambda: uow.enqueue("payments.send_stk_push", {}),
        ):
            with pytest.raises(AssertionError, match="flushed"):
                late()

    await shop.run(work)
