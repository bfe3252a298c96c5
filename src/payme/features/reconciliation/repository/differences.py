"""SQL of differences."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from asyncpg import Record

from payme.features.reconciliation.enums import DifferenceState
from payme.features.reconciliation.rules.findings import Found
from payme.features.reconciliation.rules.wording import SENTENCES
from payme.features.reconciliation.schemas import DifferenceView
from payme.kit.ids import new_id
from payme.runtime.database import UnitOfWork

_COLUMNS: Final = (
    "id, reconciliation_id, kind, account, subject_id, amount_cents, receipt, state, made_by, found_at, reason, note, closed_by, "
    "ended_at, rev"
)
_FIND: Final = (
    "-- reconciliation.find_difference\nselect " + _COLUMNS + " from differences where business_id = $1 and id = $2"
)
_LOCK: Final = (
    "-- reconciliation.lock_difference\nselect "
    + _COLUMNS
    + " from differences where business_id = $1 and id = $2 for update"
)
_LIST: Final = (
    "-- reconciliation.list_differences\nselect " + _COLUMNS + " from differences"
    " where business_id = $1 and reconciliation_id = $2 and ($3::uuid is null or id > $3) and ($4::text is null or state = $4)"
    " order by id limit $5"
)


async def store_found(
    uow: UnitOfWork, reconciliation_id: UUID, found: Sequence[tuple[Found, DifferenceState]], *, requested_by: UUID
) -> None:
    """Keep what was found; what a person has closed stays closed, what had gone away and is back is open again.

    What is found resolved went away because its money was brought in.
    """
    await uow.execute(
        """-- reconciliation.store_found
        insert into differences as kept (business_id, id, reconciliation_id, kind, account, subject_id, amount_cents, receipt, state,
          made_by, found_at, reason, ended_at)
        select $1, t.id, $2, t.kind, t.account, t.subject, t.amount, t.receipt, t.state, t.maker, $3,
          case t.state when 'resolved' then 'brought_in' end, case t.state when 'resolved' then $3::timestamptz end
        from unnest($4::uuid[], $5::text[], $6::text[], $7::uuid[], $8::bigint[], $9::text[], $10::text[], $11::uuid[])
          t (id, kind, account, subject, amount, receipt, state, maker)
        on conflict on constraint differences_key do update set state = excluded.state, reason = excluded.reason,
          ended_at = excluded.ended_at, rev = kept.rev + 1
        where kept.state <> 'closed' and kept.state <> excluded.state""",
        uow.tenant, reconciliation_id, uow.now,
        [new_id() for _ in found],
        [each.kind for each, _ in found],
        [each.account for each, _ in found],
        [each.subject_id for each, _ in found],
        [each.amount_cents for each, _ in found],
        [each.receipt for each, _ in found],
        [state for _, state in found],
        [each.made_by or requested_by for each, _ in found],
    )  # fmt: skip


async def resolve_others(
    uow: UnitOfWork, reconciliation_id: UUID, found: Sequence[Found], *, reason: str
) -> list[UUID]:
    """End the open differences of a day that were not found any more; return them."""
    rows = await uow.fetch(
        """-- reconciliation.resolve_others
        update differences d set state = 'resolved', reason = $3, ended_at = $4, rev = rev + 1
        where business_id = $1 and reconciliation_id = $2 and ended_at is null and not exists (
          select from unnest($5::text[], $6::uuid[], $7::bigint[]) t (kind, subject, amount)
          where t.kind = d.kind and t.subject = d.subject_id and t.amount = d.amount_cents)
        returning id""",
        uow.tenant, reconciliation_id, reason, uow.now, [each.kind for each in found], [each.subject_id for each in found],
        [each.amount_cents for each in found],
    )  # fmt: skip
    return [row["id"] for row in rows]


async def close(uow: UnitOfWork, difference_id: UUID, *, reason: str, note: str, closed_by: UUID) -> None:
    """Record that a person closed a difference that is locked."""
    await uow.execute(
        """-- reconciliation.close_difference
        update differences set state = 'closed', reason = $3, note = $4, closed_by = $5, ended_at = $6, rev = rev + 1
        where business_id = $1 and id = $2 and ended_at is null""",
        uow.tenant, difference_id, reason, note, closed_by, uow.now,
    )  # fmt: skip


async def find_difference(uow: UnitOfWork, difference_id: UUID) -> DifferenceView | None:
    """Return a difference, or None."""
    row = await uow.fetchrow(_FIND, uow.tenant, difference_id)
    return _shown(row) if row else None


async def lock_difference(uow: UnitOfWork, difference_id: UUID) -> DifferenceView | None:
    """Lock and return a difference, or None."""
    row = await uow.fetchrow(_LOCK, uow.tenant, difference_id)
    return _shown(row) if row else None


async def list_differences(
    uow: UnitOfWork, reconciliation_id: UUID, *, after: UUID | None, state: str | None, limit: int
) -> list[DifferenceView]:
    """Return differences of a day in the order in which they were found."""
    return [_shown(row) for row in await uow.fetch(_LIST, uow.tenant, reconciliation_id, after, state, limit)]


async def count_open(uow: UnitOfWork, reconciliation_id: UUID) -> tuple[int, int, int]:
    """Return how many differences of a day are open, how many of those need closing, and what they come to in cents."""
    row = await uow.fetchrow(
        """-- reconciliation.count_open
        select count(*) as open, count(*) filter (where state = 'needs_closing') as needs_closing,
          coalesce(sum(abs(amount_cents)), 0)::bigint as cents
        from differences where business_id = $1 and reconciliation_id = $2 and ended_at is null""",
        uow.tenant, reconciliation_id,
    )  # fmt: skip
    assert row is not None, "an aggregate has a row"
    return row["open"], row["needs_closing"], row["cents"]


async def sum_posted_cash(uow: UnitOfWork, reconciliation_id: UUID) -> int:
    """Return what closed differences of a day's cash have posted, in cents."""
    return await uow.fetchval(
        """-- reconciliation.sum_posted_cash
        select coalesce(sum(amount_cents), 0)::bigint from differences
        where business_id = $1 and reconciliation_id = $2 and kind in ('cash_short', 'cash_over') and state = 'closed'""",
        uow.tenant, reconciliation_id,
    )  # fmt: skip


def _shown(row: Record) -> DifferenceView:
    fields = dict(row)
    sentence, sentence_sw = SENTENCES[fields["kind"]]
    return DifferenceView(**fields, sentence=sentence, sentence_sw=sentence_sw)
