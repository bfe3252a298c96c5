"""Keep what somebody counted in the drawers. Whoever counts is not told what the books expect."""

from datetime import date

from payme.features import audit, businesses
from payme.features.reconciliation.errors import DayAhead
from payme.features.reconciliation.repository import runs
from payme.features.reconciliation.schemas import CashCountView, CountCash
from payme.kit.time import business_day
from payme.runtime.database import UnitOfWork


async def count_cash(uow: UnitOfWork, day: date, command: CountCash) -> CashCountView:
    """Keep what was counted at the end of a day; the next run of the day compares it. Raises: DayAhead."""
    business = await businesses.get_business(uow)
    today = business_day(uow.now, business.day_starts_at)
    if day > today:
        raise DayAhead(day=day.isoformat(), today=today.isoformat())
    await runs.store_count(
        uow, day, counted_cents=command.counted_cents, float_cents=command.float_cents, note=command.note
    )
    found = await runs.find_count(uow, day)
    assert found is not None, "it was written a moment ago"
    count_id, view = found
    audit.record(
        uow, "cash.counted", count_id, day=day.isoformat(), counted_cents=command.counted_cents,
        float_cents=command.float_cents,
    )  # fmt: skip
    uow.touch("cash_counts", count_id)
    return view


async def revision_of_count(uow: UnitOfWork, day: date) -> int | None:
    """Hold a day's count and return its revision, or None where nobody has counted."""
    return await runs.lock_count_rev(uow, day)
