"""Add up all evidence of money and where it stands, without reading all of it each time.

A row counts on the day on which it began, so what a day of UTC holds is known when it is over; only where its money stands can
still change. Days that are over are carried, the few of which anything moved since are added up again, and once a week all are:
what the carried days said otherwise is written into the audit log. Invariant: the sum is that over all evidence ever received.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, time, timedelta
from operator import attrgetter
from typing import Final

from payme.features import audit
from payme.features.payments.repository import sums
from payme.features.payments.repository.sums import BEGINNING, END, Mark, ShortcodeSum
from payme.runtime.database import UnitOfWork

_DAY: Final = timedelta(days=1)
_OVERLAP: Final = timedelta(hours=1)
"""A change carries the time at which its transaction began; none takes so long to commit."""
_CHECKED_EVERY: Final = timedelta(days=7)
_CENTS: Final = ("received_cents", "applied_cents", "unclaimed_cents", "returned_cents")


async def sum_by_shortcode(uow: UnitOfWork) -> list[ShortcodeSum]:
    """Return, per short code, all evidence of money that arrived and where it stands now. Locks how far is carried."""
    mark = await sums.lock_mark(uow)
    yesterday = datetime.combine((uow.now - _DAY).astimezone(UTC).date(), time(), UTC)
    closed_until, checked_at = max(yesterday, mark.closed_until), mark.checked_at
    await _bring_up_to_date(uow, mark, closed_until)
    if uow.now - checked_at >= _CHECKED_EVERY:
        await _check(uow, closed_until)
        checked_at = uow.now
    await sums.store_mark(uow, Mark(closed_until, uow.now, checked_at))
    return _together([*await sums.sum_carried(uow), *await sums.sum_between(uow, closed_until, END)])


async def _bring_up_to_date(uow: UnitOfWork, mark: Mark, closed_until: datetime) -> None:
    for day in await sums.list_moved_days(uow, since=mark.summed_at - _OVERLAP, before=mark.closed_until):
        begins_at = datetime.combine(day, time(), UTC)
        await sums.carry_anew(uow, begins_at, begins_at + _DAY)
    if mark.closed_until < closed_until:
        await sums.carry_anew(uow, mark.closed_until, closed_until)


async def _check(uow: UnitOfWork, closed_until: datetime) -> None:
    carried = await sums.sum_carried(uow)
    await sums.carry_anew(uow, BEGINNING, closed_until)
    if carried != await sums.sum_carried(uow):
        audit.record(uow, "payments.sums_corrected", uow.tenant, closed_until=closed_until.isoformat())


def _together(parts: Iterable[ShortcodeSum]) -> list[ShortcodeSum]:
    found: dict[str, list[int]] = {}
    for each in parts:
        known = found.setdefault(each.shortcode, [0] * len(_CENTS))
        found[each.shortcode] = [a + b for a, b in zip(known, attrgetter(*_CENTS)(each), strict=True)]
    return [ShortcodeSum(shortcode, *cents) for shortcode, cents in sorted(found.items())]
