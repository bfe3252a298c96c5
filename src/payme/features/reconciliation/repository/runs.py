"""SQL of reconciled days: the day itself, its lines and totals by run, and counted cash."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Final
from uuid import UUID

from payme.features.reconciliation.enums import Account
from payme.features.reconciliation.rules.movements import Line
from payme.features.reconciliation.schemas import CashCountView, LineView, ReconciliationRow, SumView, TotalView
from payme.kit.ids import new_id
from payme.kit.values import value
from payme.runtime.database import UnitOfWork


@value
class StoredRun:
    """A reconciled day as it stands after its last run."""

    id: UUID
    day: date
    starts_at: datetime
    ends_at: datetime
    run: int
    requested_by: UUID
    finished_at: datetime
    rev: int


_COLUMNS: Final = "id, day, starts_at, ends_at, run, requested_by, finished_at, rev"
_FIND: Final = (
    "-- reconciliation.find_run\nselect " + _COLUMNS + " from reconciliations where business_id = $1 and id = $2"
)
_LOCK_DAY: Final = (
    "-- reconciliation.lock_day\nselect "
    + _COLUMNS
    + " from reconciliations where business_id = $1 and day = $2 for update"
)


async def lock_day(uow: UnitOfWork, day: date, *, bounds: tuple[datetime, datetime]) -> StoredRun:
    """Lock and return a day, made where it was never reconciled; a second run of it waits here."""
    await uow.execute(
        """-- reconciliation.ensure_day
        insert into reconciliations (business_id, id, day, starts_at, ends_at, requested_by, finished_at)
        values ($1, $2, $3, $4, $5, $6, $7) on conflict on constraint reconciliations_day_key do nothing""",
        uow.tenant, new_id(), day, *bounds, uow.actor.id, uow.now,
    )  # fmt: skip
    row = await uow.fetchrow(_LOCK_DAY, uow.tenant, day)
    assert row is not None, "it was made a moment ago, if it was not there"
    return StoredRun(**row)


async def finish_run(uow: UnitOfWork, run: StoredRun, *, requested_by: UUID) -> None:
    """Count one more run of a locked day."""
    await uow.execute(
        """-- reconciliation.finish_run
        update reconciliations set run = run + 1, requested_by = $3, finished_at = $4, rev = rev + 1
        where business_id = $1 and id = $2""",
        uow.tenant, run.id, requested_by, uow.now,
    )  # fmt: skip


async def touch_run(uow: UnitOfWork, reconciliation_id: UUID) -> None:
    """Count a change of a day's differences."""
    await uow.execute(
        """-- reconciliation.touch_run
        update reconciliations set rev = rev + 1 where business_id = $1 and id = $2""",
        uow.tenant, reconciliation_id,
    )  # fmt: skip


async def find_run(uow: UnitOfWork, reconciliation_id: UUID) -> StoredRun | None:
    """Return a reconciled day, or None."""
    row = await uow.fetchrow(_FIND, uow.tenant, reconciliation_id)
    return StoredRun(**row) if row else None


async def lock_run(uow: UnitOfWork, reconciliation_id: UUID) -> bool:
    """Lock a reconciled day; say whether there is one of that id."""
    found = await uow.fetchval(
        """-- reconciliation.lock_run
        select true from reconciliations where business_id = $1 and id = $2 for update""",
        uow.tenant, reconciliation_id,
    )  # fmt: skip
    return bool(found)


async def is_reconciled(uow: UnitOfWork, day: date) -> bool:
    """Say whether a day was ever reconciled."""
    return await uow.fetchval(
        """-- reconciliation.is_reconciled
        select exists (select from reconciliations where business_id = $1 and day = $2)""",
        uow.tenant, day,
    )  # fmt: skip


async def list_runs(uow: UnitOfWork, *, before: date | None, state: str | None, limit: int) -> list[ReconciliationRow]:
    """Return reconciled days, those of a state or all, the newest first, older than one."""
    rows = await uow.fetch(
        """-- reconciliation.list_runs
        select r.id, r.day as date, s.state, r.run, r.finished_at, r.rev, d.open_differences, d.needs_closing, d.open_cents
        from reconciliations r
        left join lateral (
          select count(*) as open_differences, count(*) filter (where state = 'needs_closing') as needs_closing,
            coalesce(sum(abs(amount_cents)), 0)::bigint as open_cents
          from differences where business_id = r.business_id and reconciliation_id = r.id and ended_at is null) d on true
        left join lateral (
          select case when d.open_differences > 0 or exists (
            select from reconciliation_sums t
            where t.business_id = r.business_id and t.reconciliation_id = r.id and t.run = r.run
              and t.received_cents <> t.applied_cents + t.unclaimed_cents + t.returned_cents)
            then 'open' else 'accounted_for' end as state) s on true
        where r.business_id = $1 and ($2::date is null or r.day < $2) and ($4::text is null or s.state = $4)
        order by r.day desc limit $3""",
        uow.tenant, before, limit, state,
    )  # fmt: skip
    return [ReconciliationRow(**row) for row in rows]


async def insert_lines(uow: UnitOfWork, run: StoredRun, lines: Sequence[Line]) -> None:
    """Keep the lines of a run, in their order."""
    await uow.execute(
        """-- reconciliation.insert_lines
        insert into reconciliation_lines (business_id, reconciliation_id, run, position, account, kind, subject_id, occurred_at,
          receipt, sales_cents, documents_cents, ledger_cents, statement_cents)
        select $1, $2, $3, t.position, t.account, t.kind, t.subject, t.at, t.receipt, t.sales, t.documents, t.ledger, t.statement
        from unnest($4::text[], $5::text[], $6::uuid[], $7::timestamptz[], $8::text[], $9::bigint[], $10::bigint[], $11::bigint[],
          $12::bigint[]) with ordinality t (account, kind, subject, at, receipt, sales, documents, ledger, statement, position)""",
        uow.tenant, run.id, run.run + 1,
        *([getattr(line, name) for line in lines] for name in (
            "account", "kind", "subject_id", "occurred_at", "receipt", "sales_cents", "documents_cents", "ledger_cents",
            "statement_cents",
        )),
    )  # fmt: skip


async def list_lines(uow: UnitOfWork, run: StoredRun, *, after: int, account: str | None, limit: int) -> list[LineView]:
    """Return lines of a day's last run after a position, of one account or all."""
    rows = await uow.fetch(
        """-- reconciliation.list_lines
        select position, account, kind, subject_id, occurred_at, receipt, sales_cents, documents_cents, ledger_cents, statement_cents
        from reconciliation_lines
        where business_id = $1 and reconciliation_id = $2 and run = $3 and position > $4 and ($5::text is null or account = $5)
        order by position limit $6""",
        uow.tenant, run.id, run.run, after, account, limit,
    )  # fmt: skip
    return [LineView(**row) for row in rows]


async def insert_total(uow: UnitOfWork, run: StoredRun, total: TotalView) -> None:
    """Keep the totals of one account."""
    await uow.execute(
        """-- reconciliation.insert_total
        insert into reconciliation_totals (business_id, reconciliation_id, run, account, sales_cents, documents_cents, ledger_cents,
          statement_cents, counted_cents, lines)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)""",
        uow.tenant, run.id, run.run + 1, total.account, total.sales_cents, total.documents_cents, total.ledger_cents,
        total.statement_cents, total.counted_cents, total.lines,
    )  # fmt: skip


async def list_totals(uow: UnitOfWork, run: StoredRun) -> list[TotalView]:
    """Return the totals of a day's last run, in the order of `Account`."""
    rows = await uow.fetch(
        """-- reconciliation.list_totals
        select account, sales_cents, documents_cents, ledger_cents, statement_cents, counted_cents, lines
        from reconciliation_totals where business_id = $1 and reconciliation_id = $2 and run = $3""",
        uow.tenant, run.id, run.run,
    )  # fmt: skip
    order = list(Account)
    return sorted((TotalView(**row) for row in rows), key=lambda total: order.index(total.account))


async def insert_sum(uow: UnitOfWork, run: StoredRun, each: SumView) -> None:
    """Keep where the evidence of a short code stood."""
    await uow.execute(
        """-- reconciliation.insert_sum
        insert into reconciliation_sums (business_id, reconciliation_id, run, shortcode, received_cents, applied_cents,
          unclaimed_cents, returned_cents)
        values ($1, $2, $3, $4, $5, $6, $7, $8)""",
        uow.tenant, run.id, run.run + 1, each.shortcode, each.received_cents, each.applied_cents, each.unclaimed_cents,
        each.returned_cents,
    )  # fmt: skip


async def list_sums(uow: UnitOfWork, run: StoredRun) -> list[SumView]:
    """Return where evidence stood at a day's last run, by short code."""
    rows = await uow.fetch(
        """-- reconciliation.list_sums
        select shortcode, received_cents, applied_cents, unclaimed_cents, returned_cents,
          received_cents = applied_cents + unclaimed_cents + returned_cents as is_whole
        from reconciliation_sums where business_id = $1 and reconciliation_id = $2 and run = $3 order by shortcode""",
        uow.tenant, run.id, run.run,
    )  # fmt: skip
    return [SumView(**row) for row in rows]


async def lock_count_rev(uow: UnitOfWork, day: date) -> int | None:
    """Lock a day's count and return its revision, or None where nobody has counted."""
    return await uow.fetchval(
        """-- reconciliation.lock_count_rev
        select rev from cash_counts where business_id = $1 and day = $2 for update""",
        uow.tenant, day,
    )  # fmt: skip


async def store_count(uow: UnitOfWork, day: date, *, counted_cash_cents: int, float_cents: int, note: str) -> None:
    """Keep what was counted, in place of what was counted before."""
    await uow.execute(
        """-- reconciliation.store_count
        insert into cash_counts as kept (business_id, day, id, counted_cents, float_cents, note, counted_by, counted_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8)
        on conflict (business_id, day) do update set id = excluded.id, counted_cents = excluded.counted_cents,
          float_cents = excluded.float_cents, note = excluded.note, counted_by = excluded.counted_by,
          counted_at = excluded.counted_at, rev = kept.rev + 1""",
        uow.tenant, day, new_id(), counted_cash_cents, float_cents, note, uow.actor.id, uow.now,
    )  # fmt: skip


async def find_count(uow: UnitOfWork, day: date) -> tuple[UUID, CashCountView] | None:
    """Return what was counted last, with its id, or None."""
    row = await uow.fetchrow(
        """-- reconciliation.find_count
        select id, day as date, counted_cents as counted_cash_cents, float_cents, note, counted_by, counted_at, rev from cash_counts
        where business_id = $1 and day = $2""",
        uow.tenant, day,
    )  # fmt: skip
    return (row["id"], CashCountView(**{name: row[name] for name in CashCountView.model_fields})) if row else None


async def list_open_days(uow: UnitOfWork, *, since: date, before: date) -> list[date]:
    """Return the days in a stretch, the first in it and the last not, that have open differences; oldest first."""
    rows = await uow.fetch(
        """-- reconciliation.list_open_days
        select r.day from reconciliations r
        where r.business_id = $1 and r.day >= $2 and r.day < $3 and exists (
          select from differences d where d.business_id = r.business_id and d.reconciliation_id = r.id and d.ended_at is null)
        order by r.day""",
        uow.tenant, since, before,
    )  # fmt: skip
    return [row["day"] for row in rows]


async def list_reconciled_days(uow: UnitOfWork, *, since: date, until: date) -> list[date]:
    """Return the days from one to another, both included, that were reconciled; oldest first."""
    rows = await uow.fetch(
        """-- reconciliation.list_reconciled_days
        select day from reconciliations where business_id = $1 and day between $2 and $3 order by day""",
        uow.tenant, since, until,
    )  # fmt: skip
    return [row["day"] for row in rows]
