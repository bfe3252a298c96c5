"""Read shifts; tell of them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from payme.features.shifts.errors import ShiftNotFound
from payme.features.shifts.events import ShiftChanged
from payme.features.shifts.repository import shifts
from payme.features.shifts.repository.shifts import Wanted
from payme.features.shifts.schemas import ShiftView
from payme.runtime.database import UnitOfWork

COLLECTION: Final = "shifts"


async def get_shift(uow: UnitOfWork, shift_id: UUID) -> ShiftView:
    """Return a shift as it stands. Raises: ShiftNotFound."""
    shift = await shifts.find_shift(uow, shift_id)
    if shift is None:
        raise ShiftNotFound(shift_id=shift_id)
    return shift.view


async def check_shift(uow: UnitOfWork, shift_id: UUID | None) -> None:
    """Refuse where somebody names a shift that there is not. Raises: ShiftNotFound."""
    if shift_id is not None:
        await get_shift(uow, shift_id)


async def list_shifts(uow: UnitOfWork, after: list[Any] | None, limit: int, *, wanted: Wanted) -> list[ShiftView]:
    """Return shifts, the newest first; `after` is the position that a cursor holds."""
    before = (datetime.fromisoformat(after[0]), UUID(after[1])) if after else None
    return await shifts.list_shifts(uow, wanted, before=before, limit=limit)


async def list_shifts_of(uow: UnitOfWork, shift_ids: Sequence[UUID]) -> list[ShiftView]:
    """Return those shifts that there are of some ids, in no order."""
    return await shifts.list_shifts_of(uow, shift_ids)


async def tell(uow: UnitOfWork, shift_id: UUID) -> ShiftView:
    """Tell synced devices and live screens that a shift has changed, and return it as it stands."""
    view = await get_shift(uow, shift_id)
    uow.touch(COLLECTION, shift_id)
    uow.publish(ShiftChanged(subject_id=shift_id, state=view.state, variance=view.variance))
    return view
