"""Customers who pay by prompt, one after the other and several at once, whatever happens to the worker; and how it must end.

Each sale has a phone of its own, so that the pushes which reached M-Pesa are counted by sale.
"""

import asyncio
import itertools
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final, Self

import asyncpg
import httpx2

from payme.features import tokens
from payme.features.audit import verify
from payme.features.payments import list_unsettled
from payme.kit.ids import new_id
from payme.runtime.database import UnitOfWork
from tests.invariants import assert_invariants
from tests.stack import Stack, StackShop

PRICE_CENTS: Final = 15_000
STOCK: Final = ((Decimal(100_000), 10_000),)
_SETTLED_WITHIN_SECONDS: Final = 45.0
_LONGEST_WAIT_SECONDS: Final = 3.0
_numbers = itertools.count(new_id().int % 9_000 * 100)


async def open_prompting_shop(stack: Stack) -> StackShop:
    """Make a shop that never runs short."""
    shop = await stack.make_shop(price_cents=PRICE_CENTS, layers=STOCK)

    async def fill(uow: UnitOfWork) -> None:
        await tokens.grant(uow, 100_000, reason="test")

    await stack.database.run(fill, business_id=shop.business_id)
    return shop


@dataclass
class Prompting:
    """Customers at the counter until told to stop. `sales` has the phone of each sale."""

    shop: StackShop
    count: int = 4
    sales: dict[str, str] = field(default_factory=dict)
    statuses: Counter[int] = field(default_factory=Counter)
    _stop: asyncio.Event = field(default_factory=asyncio.Event)
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)

    async def __aenter__(self) -> Self:
        self._tasks = [asyncio.create_task(self._sell_on()) for _ in range(self.count)]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._stop.set()
        await asyncio.gather(*self._tasks)

    async def sell_once(self) -> None:
        """Have one more customer pay, after all others have left."""
        self._stop.clear()
        await self._sell(_new_phone(), key=str(new_id()))

    async def _sell_on(self) -> None:
        while not self._stop.is_set():
            await self._sell(_new_phone(), key=str(new_id()))

    async def _sell(self, phone: str, *, key: str) -> None:
        lines = [{"product_id": str(self.shop.products[0]), "quantity": "1"}]
        tenders = [{"method": "mpesa_stk", "amount_cents": PRICE_CENTS, "phone": phone}]
        end = asyncio.get_running_loop().time() + 60
        while asyncio.get_running_loop().time() < end:
            try:
                answer = await self.shop.call("POST", "/sales", {"lines": lines, "tenders": tenders}, key=key)
            except httpx2.TransportError:
                await asyncio.sleep(0.05)
                continue
            self.statuses[answer.status_code] += 1
            if answer.status_code == 201:
                self.sales[answer.json()["id"]] = phone
                await self._watch(answer.json()["id"])
                return
            assert answer.status_code in {409, 503}, answer.text
            await asyncio.sleep(0.1)
        raise AssertionError(f"{key} was never answered: {self.statuses}")

    async def _watch(self, sale_id: str) -> None:
        """Wait a little for the money, as a cashier would, and turn to the next customer."""
        end = asyncio.get_running_loop().time() + _LONGEST_WAIT_SECONDS
        while asyncio.get_running_loop().time() < end and not self._stop.is_set():
            try:
                answer = await self.shop.call("GET", f"/sales/{sale_id}")
            except httpx2.TransportError:
                continue
            if answer.status_code == 200 and answer.json()["status"] != "awaiting_payment":
                return
            await asyncio.sleep(0.1)


def _new_phone() -> str:
    return f"2547{next(_numbers) % 1_000_000:06d}00"


async def everything_settles(shop: StackShop, prompting: Prompting) -> Counter[str]:
    """Wait until nothing is left to be done, and fail unless each sale was prompted for once at most and the books agree.

    Returns how the payments ended. One whose process died around the push, without a callback, stays unknown and is listed for a
    person: it is never pushed again.
    """
    end = asyncio.get_running_loop().time() + _SETTLED_WITHIN_SECONDS
    while left := await _what_is_left(shop.stack, shop):
        assert asyncio.get_running_loop().time() < end, left
        await asyncio.sleep(0.1)
    rows = await shop.rows(
        "select p.id, p.purpose_id, p.status, p.checkout_request_id, s.status as sale from payments p"
        " join sales s on s.business_id = p.business_id and s.id = p.purpose_id where p.business_id = $1"
    )
    assert {str(row["purpose_id"]) for row in rows} == set(prompting.sales), "a sale that nobody asked for, or none"
    assert all((row["sale"] == "completed") == (row["status"] == "succeeded") for row in rows)
    pushed = await pushes_by_phone(shop.stack)
    often = {phone: pushed[phone] for phone in prompting.sales.values() if pushed[phone] > 1}
    assert often == {}, "pushed more than once"
    open_ids = {row["id"] for row in rows if row["status"] not in {"succeeded", "failed", "expired"}}
    listed = await shop.stack.database.run(
        lambda uow: list_unsettled(uow, older_than=timedelta()), business_id=shop.business_id
    )
    assert open_ids == {each.payment_id for each in listed}
    await _agrees_with_mpesa(shop, prompting.sales, rows)
    await assert_invariants(shop.stack.database, shop.business_id)
    verified = await shop.stack.database.run(verify, business_id=shop.business_id, read_only=True)
    assert verified.faults == []
    return Counter(row["status"] for row in rows)


async def pushes_by_phone(stack: Stack) -> Counter[str]:
    """Count the pushes that reached M-Pesa for each number."""
    found: Counter[str] = Counter()
    for entry in await stack.simulator.control.transcript(event="request", product="stkpush", limit="20000"):
        found[entry["msisdn"]] += 1
    return found


async def seal_now(owner: asyncpg.Connection) -> None:
    """Have the audit log sealed, as the clock does each minute."""
    job, key = "businesses.seal_audit", "schedule:businesses.seal_audit"
    await owner.fetch("select jobs_enqueue($1, $2, $3, $4)", [job], ['{"business_id": null}'], [None], [key])


async def _what_is_left(stack: Stack, shop: StackShop) -> list[Any]:
    """Return the jobs that run or are due, and the payments whose end is still to be heard of; a dead letter is a failure."""
    stack.require_alive()
    dead = await stack.owner.fetch(
        "select name, attempts, error_class, error_message from job_dead_letters where resolution is null"
    )
    assert dead == [], [dict(each) for each in dead]
    due = await stack.owner.fetch(
        "select entrypoint, status::text, now() - execute_after as overdue, convert_from(payload, 'UTF8') as payload"
        " from pgqueuer where status <> 'queued' or execute_after <= now()"
    )
    unheard = await shop.rows(
        "select id, status, settlement, checks from payments where business_id = $1 and (status in ('created', 'sending', 'pending')"
        " or (status = 'unknown' and checkout_request_id is not null) or (status = 'succeeded' and settlement is null))"
    )
    return [dict(each) for each in (*due, *unheard)]


async def _agrees_with_mpesa(shop: StackShop, sales: dict[str, str], rows: list[Any]) -> None:
    """Compare every payment with what left its customer's wallet; only one that we call unknown may be either."""
    paid = Counter[str]()
    for each in (await shop.stack.simulator.control.ledger())["payments"]:
        paid[each["msisdn"]] += each["amount_cents"]
    known = [row for row in rows if row["status"] != "unknown"]
    differing = [
        dict(row)
        for row in known
        if paid[sales[str(row["purpose_id"])]] != (PRICE_CENTS if row["status"] == "succeeded" else 0)
    ]
    assert differing == []
    assert (await shop.balances())["mpesa"] == PRICE_CENTS * sum(row["status"] == "succeeded" for row in rows)
