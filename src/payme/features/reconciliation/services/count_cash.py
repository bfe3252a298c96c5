"""Keep what somebody counted in the drawers. Whoever counts is not told what the books expect."""

from datetime import date

from payme.features import audit, businesses
from payme.features.reconciliation.errors import CountNotAllowed, DayAhead
from payme.features.reconciliation.repository import runs
from payme.features.reconciliation.schemas import CashCountView, CountCash
from payme.kit.time import business_day
from payme.runtime.database import UnitOfWork


async def count_cash(uow: UnitOfWork, day: date, command: CountCash) -> CashCountView:
    """Keep what was counted at the end of a day; the next run of the day compares it. Raises: DayAhead."""
    business = await businesses.get_business(uow)
    today = business_day(uow.now, business.day_starts_at)
    if day > today:
        raise DayAhead(date=day.isoformat(), today=today.isoformat())
    await runs.store_count(
        uow, day, counted_cash_cents=command.counted_cash_cents, float_cents=command.float_cents, note=command.note
    )
    found = await runs.find_count(uow, day)
    assert found is not None, "it was written a moment ago"
    count_id, view = found
    audit.record(
        uow, "cash.counted", count_id, date=day.isoformat(), counted_cash_cents=command.counted_cash_cents,
        float_cents=command.float_cents,
    )  # fmt: skip
    uow.touch("cash_counts", count_id)
    return view


async def keep_count(uow: UnitOfWork, day: date, counted_cash_cents: int) -> None:
    """Keep a count that comes with the wish to reconcile; the float stays, and the same count again changes nothing.

    Raises: CountNotAllowed, DayAhead.
    """
    if not uow.actor.may("reconciliation.count"):
        raise CountNotAllowed
    await runs.lock_count_rev(uow, day)
    known = await runs.find_count(uow, day)
    if known is not None and known[1].counted_cash_cents == counted_cash_cents:
        return
    float_cents = known[1].float_cents if known else 0
    await count_cash(uow, day, CountCash(counted_cash_cents=counted_cash_cents, float_cents=float_cents))


async def revision_of_count(uow: UnitOfWork, day: date) -> int | None:
    """Hold a day's count and return its revision, or None where nobody has counted."""
    return await runs.lock_count_rev(uow, day)
