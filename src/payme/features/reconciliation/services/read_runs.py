"""Show reconciled days: a day, its lines, its differences."""

from datetime import date
from typing import Any
from uuid import UUID

from payme.features.reconciliation.errors import ReconciliationNotFound
from payme.features.reconciliation.repository import differences, runs
from payme.features.reconciliation.repository.runs import StoredRun
from payme.features.reconciliation.rules.wording import verdict
from payme.features.reconciliation.schemas import DifferenceView, LineView, ReconciliationRow, ReconciliationView
from payme.kit.money import shillings_text
from payme.runtime.database import UnitOfWork


async def list_runs(
    uow: UnitOfWork, after: list[Any] | None, *, state: str | None, limit: int
) -> list[ReconciliationRow]:
    """Return reconciled days, those of a state or all, the newest first."""
    return await runs.list_runs(uow, before=date.fromisoformat(after[0]) if after else None, state=state, limit=limit)


async def show_run(uow: UnitOfWork, reconciliation_id: UUID) -> ReconciliationView:
    """Return a reconciled day with its totals. Raises: ReconciliationNotFound."""
    run = await get_run(uow, reconciliation_id)
    sums = await runs.list_sums(uow, run)
    open_differences, needs_closing, open_cents = await differences.count_open(uow, run.id)
    is_whole = all(each.is_whole for each in sums)
    sentence, sentence_sw = verdict(
        open_differences, needs_closing, open_amount=f"KES {shillings_text(open_cents)}", is_whole=is_whole
    )
    return ReconciliationView(
        id=run.id, date=run.day, run=run.run, starts_at=run.starts_at, ends_at=run.ends_at, requested_by=run.requested_by,
        finished_at=run.finished_at, verdict=sentence, verdict_sw=sentence_sw,
        is_accounted_for=is_whole and not open_differences, totals=await runs.list_totals(uow, run), sums=sums,
        open_differences=open_differences, needs_closing=needs_closing, open_cents=open_cents, rev=run.rev,
    )  # fmt: skip


async def list_lines(
    uow: UnitOfWork, reconciliation_id: UUID, after: list[Any] | None, *, account: str | None, limit: int
) -> list[LineView]:
    """Return the lines of a day's last run, in time's order. Raises: ReconciliationNotFound."""
    run = await get_run(uow, reconciliation_id)
    return await runs.list_lines(uow, run, after=int(after[0]) if after else 0, account=account, limit=limit)


async def list_differences(
    uow: UnitOfWork, reconciliation_id: UUID, after: list[Any] | None, *, state: str | None, limit: int
) -> list[DifferenceView]:
    """Return the differences of a day, open and ended. Raises: ReconciliationNotFound."""
    run = await get_run(uow, reconciliation_id)
    last = UUID(after[0]) if after else None
    return await differences.list_differences(uow, run.id, after=last, state=state, limit=limit)


async def get_run(uow: UnitOfWork, reconciliation_id: UUID) -> StoredRun:
    """Return a reconciled day as it stands. Raises: ReconciliationNotFound."""
    run = await runs.find_run(uow, reconciliation_id)
    if run is None:
        raise ReconciliationNotFound(reconciliation_id=reconciliation_id)
    return run
