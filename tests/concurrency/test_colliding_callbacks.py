"""Thousands of callbacks and answers, shuffled, doubled and colliding: every payment takes its money once.

The same run against a copy without the row lock, and one without the unique key of receipts, must be caught by the same
checks: they prove that it is the lock and the key which hold. `PAYME_COLLIDING_PAYMENTS=100` is the full size, 2,000 notices;
`PAYME_SEED` another order.
"""

import asyncio
import os
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from payme.entrypoints.features import wire
from payme.entrypoints.wiring import tools_of
from payme.features.payments.enums import Outcome, Source
from payme.features.payments.rules import Message
from payme.features.payments.services.conclude_check import conclude_check
from payme.features.payments.services.handle_callback import handle_callback
from payme.kit.time import FrozenClock
from payme.runtime.database import Database, PoolLimits, UnitOfWork
from payme.runtime.settings import Settings
from tests.payment_room import SETTINGS, Till, a_receipt, open_till, stk_callback

NOTICES = 20
PAYMENTS = int(os.environ.get("PAYME_COLLIDING_PAYMENTS", "25"))
SEED = int(os.environ.get("PAYME_SEED", "20261122"))
GONE = Message(Source.QUERY, Outcome.FAILED, reason="unreachable", result_code="1037")
SILENT = Message(Source.QUERY, Outcome.PENDING)
LOCK = ("-- payments.lock_payment", " for update", "")
KEY = ("-- payments.register_receipt", " on conflict on constraint mpesa_receipts_pkey do nothing", "")
DROP_KEY = "alter table mpesa_receipts drop constraint mpesa_receipts_pkey"

MakeDatabase = Callable[..., Awaitable[str]]
pytestmark = pytest.mark.faults


@dataclass(frozen=True)
class Prompt:
    """A prompt that is out, and the receipt of its money; a twin shares its receipt with another prompt."""

    payment_id: UUID
    token: str
    checkout_id: str
    receipt: str
    is_twin: bool


@dataclass
class Outcomes:
    """What a run left behind."""

    errors: list[str]
    violations: list[str]


@asynccontextmanager
async def opened_shop(dsn: str) -> AsyncIterator[Till]:
    clock = FrozenClock(datetime(2026, 11, 22, 7, 0, tzinfo=UTC))
    wiring = wire(tools_of(Settings.from_values(SETTINGS | {"DATABASE_URL": dsn})))
    limits = PoolLimits(connections=10, acquire_seconds=60, lock_seconds=10, share_of_one_business=1)
    database = await Database(dsn, wiring=wiring, clock=clock, limits=limits).open()
    try:
        yield await open_till(database, clock, owner_dsn=dsn)
    finally:
        await database.close()


async def collide(dsn: str, *, payments: int, seed: int = SEED) -> Outcomes:
    """Send the notices of every prompt at once, and hold what is left against what must hold."""
    rng = random.Random(seed)
    async with opened_shop(dsn) as shop:
        prompts = await _prompts(shop, payments)
        shop.clock.advance(timedelta(minutes=5))
        errors: list[str] = []
        for place in range(0, len(prompts), 2):
            work = [each for prompt in prompts[place : place + 2] for each in await _notices(shop, prompt)]
            rng.shuffle(work)
            results = await asyncio.gather(*(each() for each in work), return_exceptions=True)
            errors += [f"{type(each).__name__}: {each}"[:200] for each in results if isinstance(each, BaseException)]
        return Outcomes(errors, await _violations(shop, prompts))


async def _prompts(shop: Till, count: int) -> list[Prompt]:
    made: list[Prompt] = []
    for number in range(count):
        payment_id, token, checkout_id = await shop.sent()
        # Every tenth pair is told the same receipt, of which only one of the two may have the money.
        is_twin = number % 20 in {0, 1} and count > 1
        receipt = made[-1].receipt if is_twin and number % 2 else a_receipt()
        made.append(Prompt(payment_id, token, checkout_id, receipt, is_twin))
    return made


async def _notices(shop: Till, prompt: Prompt) -> list[Callable[[], Awaitable[Any]]]:
    """Return the 20 notices of a prompt: ten times its success, six times a failure, four answers to questions."""
    paid = stk_callback(prompt.checkout_id, receipt=prompt.receipt)
    gone = stk_callback(prompt.checkout_id, code=1032)
    stored = [await shop.receive(prompt.token, body) for body in [paid] * 5 + [gone] * 3]

    def understand(inbox_id: UUID) -> Callable[[], Awaitable[Any]]:
        return lambda: shop.run(lambda uow: handle_callback(uow, inbox_id))

    def answer(message: Message) -> Callable[[], Awaitable[Any]]:
        return lambda: shop.run(lambda uow: conclude_check(uow, prompt.payment_id, message))

    # Each stored callback is handed to two workers at once.
    return [understand(inbox_id) for inbox_id in stored * 2] + [answer(each) for each in (GONE, SILENT) * 2]


async def _violations(shop: Till, prompts: list[Prompt]) -> list[str]:
    found = await shop.broken(1, 5, 6)
    rows = await shop.rows(
        "select id, status, coalesce(paid_cents, 0), mpesa_receipt_number from payments where business_id = $1"
    )
    state = {row[0]: row[1:] for row in rows}
    for prompt in prompts:
        status, paid, receipt = state[prompt.payment_id]
        if not prompt.is_twin and (status, paid, receipt) != ("succeeded", 15_000, prompt.receipt):
            found.append(f"{prompt.payment_id}: {status} with {paid} and {receipt}")
    credited = Counter(row[3] for row in rows if row[1] == "succeeded")
    found += [f"{receipt} credited {times} times" for receipt, times in credited.items() if times != 1]
    told = await shop.rows(
        """select subject_id, count(*) from audit_log where business_id = $1
        and action in ('payment.succeeded', 'payment.late_success') group by 1 having count(*) <> 1"""
    )
    found += [f"{row[0]} told of success {row[1]} times" for row in told]
    events = await shop.rows(
        """select subject_id, count(*) from events where business_id = $1 and name = 'payment.succeeded'
        group by 1 having count(*) <> 1"""
    )
    found += [f"{row[0]} published {row[1]} times" for row in events]
    total = 15_000 * len({prompt.receipt for prompt in prompts})
    balances = await shop.balances()
    if balances != {"mpesa": total, "payments_held": -total}:
        found.append(f"the books say {balances}, {total} arrived")
    notices = await shop.rows("select count(*) from payment_evidence where business_id = $1 and source <> 'acceptance'")
    if notices[0][0] != len(prompts) * (NOTICES - 8):
        found.append(f"{notices[0][0]} pieces of evidence")
    return found


def _rewrite(monkeypatch: pytest.MonkeyPatch, method: str, change: tuple[str, str, str]) -> None:
    """Have one statement of the payments' repository written differently."""
    name, wanted, instead = change
    original = getattr(UnitOfWork, method)

    async def rewritten(uow: UnitOfWork, sql: str, *arguments: Any) -> Any:
        if name in sql:
            assert wanted in sql, f"the statement {name} has changed"
            sql = sql.replace(wanted, instead)
        return await original(uow, sql, *arguments)

    monkeypatch.setattr(UnitOfWork, method, rewritten)


async def test_every_payment_takes_its_money_once(make_database: MakeDatabase) -> None:
    outcomes = await collide(await make_database(), payments=PAYMENTS)
    assert outcomes.errors == []
    assert outcomes.violations == []


async def test_without_the_row_lock_the_checks_turn_red(
    make_database: MakeDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    _rewrite(monkeypatch, "fetchrow", LOCK)
    outcomes = await collide(await make_database(), payments=10)
    assert outcomes.violations != []


async def test_without_the_key_of_receipts_the_checks_turn_red(
    make_database: MakeDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    dsn = await make_database()
    owner = await asyncpg.connect(dsn)
    await owner.execute(DROP_KEY)
    await owner.close()
    _rewrite(monkeypatch, "execute", KEY)
    outcomes = await collide(dsn, payments=10)
    assert any("credited 2 times" in each for each in outcomes.violations), outcomes
