"""Random days of a shop: the database is what the model says, and a violation planted into any of them is named."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from uuid import UUID

import pytest

from payme.features.operations import check_invariants
from payme.runtime.database import Database, PoolLimits
from tests.fault_rows import FULL, FaultRow
from tests.features.operations.plants import UNFETTER
from tests.properties.trade.machine import play_days

pytestmark = pytest.mark.timeout(1_800 if FULL else 120)


@dataclass(frozen=True)
class Violation:
    """What somebody did behind our back, and the invariants that must say so. `$1` is the business."""

    what: str
    sql: str
    names: frozenset[str]


def missing(table: str, condition: str = "true") -> str:
    """Return the statement that takes one row of a business away."""
    return f"delete from {table} where {_one(table, condition)}"


def other(table: str, column: str, by: int, *, condition: str = "true") -> str:
    """Return the statement that moves one figure of a business."""
    return f"update {table} set {column} = {column} + {by} where {_one(table, condition)}"


def twice(table: str, condition: str = "true", *, key: str = "id") -> str:
    """Return the statement that repeats one row of a business under another key."""
    copy = f"to_jsonb(t) || jsonb_build_object('{key}', gen_random_uuid())"
    return (
        f"insert into {table} select again.* from (select {copy} as facts from {table} t where business_id = $1 and {condition}"
        f" limit 1) c, jsonb_populate_record(null::{table}, c.facts) again"
    )


def _one(table: str, condition: str) -> str:
    return f"ctid = (select ctid from {table} where business_id = $1 and {condition} limit 1)"


VIOLATIONS = (
    Violation("a posting is missing", missing("postings", "unit = 'KES'"), frozenset({"balance_is_sum"})),
    Violation("goods were booked twice", twice("postings", "kind = 'stock.purchase'", key="transaction_id"), frozenset({"posted_once", "balance_is_sum"})),
    Violation("a batch has a wrong cost", other("stock_batches", "remaining_cost_cents", -1, condition="is_open"), frozenset({"batch_is_its_movements"})),
    Violation("a purchase of goods is missing", missing("stock_movements", "kind = 'purchase'"), frozenset({"stock_quantity", "batch_is_its_movements"})),
    Violation("a sale took no goods", missing("stock_movements", "kind = 'sale'"), frozenset({"stock_quantity", "sale_took_its_goods"})),
    Violation("cash is there twice", twice("payments", "method = 'cash' and settlement = 'applied'"), frozenset({"counted_accounts", "sale_paid"})),
    Violation("an M-Pesa payment is there twice", twice("payments", "payee = 'business' and assurance = 'confirmed' and settlement = 'applied'"), frozenset({"mpesa_account", "late_by_evidence"})),
    Violation("M-Pesa never said so", missing("payment_evidence", "effect in ('succeeded', 'late_success')"), frozenset({"late_by_evidence"})),
    Violation("a receipt is forgotten", missing("mpesa_receipts"), frozenset({"receipt_registered"})),
    Violation("a sale is dearer than its lines", other("sales", "total_cents", 100), frozenset({"sale_total"})),
    Violation("a token is set aside for nobody", other("token_wallets", "reserved", 1), frozenset({"tokens_reserved"})),
    Violation("a sale was charged no token", missing("postings", "kind = 'token.sale'"), frozenset({"tokens_charged_once"})),
    Violation("a completed sale left no trace", missing("audit_log", "action = 'sale.completed'"), frozenset({"change_is_audited"})),
)  # fmt: skip


@pytest.mark.fault_row(11)
def test_the_database_is_what_the_model_says(row: FaultRow, owner_dsn: str) -> None:
    days, steps = row.size(20, 300), row.size(30, 50)
    world = play_days(owner_dsn, days, steps=steps, start=row.seed, shrink=FULL)
    assert len(world.days) >= days
    row.counts.update(days=len(world.days))


@pytest.mark.fault_row(11)
def test_a_violation_planted_into_any_day_is_named(row: FaultRow, make_database: Callable[..., Awaitable[str]]) -> None:
    async def make() -> str:
        return await make_database()

    dsn = asyncio.run(make())
    world = play_days(dsn, row.size(6, 40), steps=50, start=row.seed)
    planted, unnamed = asyncio.run(_plant(dsn, world.days))
    row.counts.update(planted=sum(planted.values()))
    assert unnamed == []
    assert [each for each, times in planted.items() if times == 0] == [], "no day had what these break"


async def _plant(dsn: str, days: list[UUID]) -> tuple[dict[str, int], list[str]]:
    """Plant every violation into every day, one at a time; return how many were planted of each, and which went unnamed."""
    planted, unnamed = {each.what: 0 for each in VIOLATIONS}, list[str]()
    owner = await Database(dsn, role=None, limits=PoolLimits(connections=1)).open()
    try:
        await owner.run(lambda uow: uow.execute(UNFETTER))
        for business_id in days:
            for each in VIOLATIONS:
                async with owner.unit_of_work(business_id=business_id) as uow:
                    if touched := await uow.execute(each.sql, business_id):
                        red = {finding.code for finding in await check_invariants(uow) if finding.violations}
                        if not each.names <= red:
                            unnamed.append(f"{each.what} in {business_id}: only {red}")
                    planted[each.what] += touched
                    await uow.execute("rollback")
                    await uow.execute("begin")
    finally:
        await owner.close()
    return planted, unnamed
