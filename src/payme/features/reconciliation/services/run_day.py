"""Reconcile a business day: gather, compare line by line, keep lines, totals and differences. Again, it is the next run of the day.

What a person has closed stays closed. An open difference that is not found any more has resolved itself.
"""

from datetime import date
from uuid import UUID

from payme.features import audit, businesses, payments
from payme.features.businesses import BusinessSettings
from payme.features.reconciliation.enums import Account, Reason
from payme.features.reconciliation.errors import DayAhead
from payme.features.reconciliation.events import ReconciliationFinished
from payme.features.reconciliation.repository import differences, runs
from payme.features.reconciliation.repository.runs import StoredRun
from payme.features.reconciliation.rules.facts import Sources
from payme.features.reconciliation.rules.findings import arrived_cents, expected_takings_cents, findings
from payme.features.reconciliation.rules.movements import Line, lines_of, total_of
from payme.features.reconciliation.rules.thresholds import Threshold, Thresholds, standings
from payme.features.reconciliation.schemas import ReconciliationView, RunDay, SumView, TotalView
from payme.features.reconciliation.services.count_cash import keep_count
from payme.features.reconciliation.services.gather import gather
from payme.features.reconciliation.services.read_runs import show_run
from payme.kit.time import business_day, day_bounds
from payme.runtime.database import UnitOfWork


async def reconcile(uow: UnitOfWork, command: RunDay) -> ReconciliationView:
    """Keep the count of cash that comes with the wish, if one does, and reconcile the day. Raises: CountNotAllowed, DayAhead."""
    if command.counted_cash_cents is not None:
        await keep_count(uow, command.date, command.counted_cash_cents)
    return await run_day(uow, command.date)


async def run_day(uow: UnitOfWork, day: date) -> ReconciliationView:
    """Reconcile a day that has begun. Locks the day. Raises: DayAhead."""
    business = await businesses.get_business(uow)
    today = business_day(uow.now, business.day_starts_at)
    if day > today:
        raise DayAhead(date=day.isoformat(), today=today.isoformat())
    run = await runs.lock_day(uow, day, bounds=day_bounds(day, business.day_starts_at))
    sources = await gather(uow, run)
    lines = lines_of(sources)
    found = findings(sources, run.id)
    await runs.insert_lines(uow, run, lines)
    await _keep_totals(uow, run, sources, lines=lines)
    standing = standings(found, _thresholds(business, sources))
    await differences.store_found(uow, run.id, standing, requested_by=uow.actor.id)
    for difference_id in await differences.resolve_others(uow, run.id, found, reason=Reason.SETTLED):
        audit.record(uow, "difference.resolved", difference_id, reason=Reason.SETTLED)
    await runs.finish_run(uow, run, requested_by=uow.actor.id)
    return await _tell(uow, run.id)


async def _keep_totals(uow: UnitOfWork, run: StoredRun, sources: Sources, *, lines: list[Line]) -> None:
    for account in Account:
        of_account = [line for line in lines if line.account is account]
        count = sources.count if account is Account.CASH else None
        has_statement = account is Account.MPESA and bool(sources.rows)
        if of_account or count:
            await runs.insert_total(
                uow,
                run,
                TotalView(
                    account=account,
                    sales_cents=total_of(of_account, lambda line: line.sales_cents),
                    documents_cents=total_of(of_account, lambda line: line.documents_cents),
                    ledger_cents=total_of(of_account, lambda line: line.ledger_cents),
                    statement_cents=total_of(of_account, lambda line: line.statement_cents) if has_statement else None,
                    counted_cents=count.takings_cents if count else None,
                    lines=len(of_account),
                ),
            )
    for each in await payments.sum_by_shortcode(uow):
        shown = SumView(
            shortcode=each.shortcode, received_cents=each.received_cents, applied_cents=each.applied_cents,
            unclaimed_cents=each.unclaimed_cents, returned_cents=each.returned_cents, is_whole=each.is_whole,
        )  # fmt: skip
        await runs.insert_sum(uow, run, shown)


def _thresholds(business: BusinessSettings, sources: Sources) -> Thresholds:
    return Thresholds(
        cash=Threshold(business.cash_variance_basis_points, expected_takings_cents(sources)),
        mpesa=Threshold(business.mpesa_variance_basis_points, arrived_cents(sources)),
    )


async def _tell(uow: UnitOfWork, reconciliation_id: UUID) -> ReconciliationView:
    view = await show_run(uow, reconciliation_id)
    audit.record(
        uow, "reconciliation.finished", view.id, date=view.date.isoformat(), run=view.run,
        open_differences=view.open_differences, open_cents=view.open_cents,
    )  # fmt: skip
    uow.touch("reconciliations", view.id)
    uow.publish(
        ReconciliationFinished(
            subject_id=view.id, date=view.date, run=view.run, open_differences=view.open_differences, open_cents=view.open_cents
        )
    )  # fmt: skip
    return view
