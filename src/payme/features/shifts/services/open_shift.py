"""Begin a shift: one that is open for a till, and one for a person."""

from uuid import UUID

from payme.features import audit, businesses, identity
from payme.features.shifts.errors import ShiftAlreadyOpen, ShiftExists
from payme.features.shifts.repository import shifts
from payme.features.shifts.repository.shifts import NewShift
from payme.features.shifts.schemas import OpenShift, ShiftView
from payme.features.shifts.services.read_shifts import tell
from payme.kit.ids import new_id
from payme.runtime.database import UnitOfWork


async def open_shift(uow: UnitOfWork, command: OpenShift, *, is_fact: bool = False) -> ShiftView:
    """Begin a shift; the same id with the same words again is the one there is.

    A fact is recorded beside another that is open, and named in `review`. Raises: businesses.TillNotFound, ShiftAlreadyOpen,
    ShiftExists.
    """
    till = await businesses.get_till(uow, command.till_id)
    person = await identity.find_person_behind(uow)
    shift = NewShift(
        id=command.id or new_id(), till_id=till.id, opened_by=person, float_cents=command.float_cents,
        occurred_at=command.occurred_at or uow.now, is_alone=True,
    )  # fmt: skip
    if not await shifts.insert_shift(uow, shift):
        known = await _same(uow, shift)
        if known is not None:
            return known
        if not is_fact:
            raise ShiftAlreadyOpen(till_id=till.id)
        beside = NewShift(
            shift.id, shift.till_id, person, shift.float_cents, shift.occurred_at, is_alone=False,
            review=[ShiftAlreadyOpen.code],
        )  # fmt: skip
        assert await shifts.insert_shift(uow, beside), "its id is free, and it need not be alone"
    audit.record(uow, "shift.opened", shift.id, till_id=till.id, float_cents=shift.float_cents, opened_by=person)
    return await tell(uow, shift.id)


async def _same(uow: UnitOfWork, shift: NewShift) -> ShiftView | None:
    known = await shifts.find_shift(uow, shift.id)
    if known is None:
        return None
    said: tuple[UUID, UUID, int] = (shift.till_id, shift.opened_by, shift.float_cents)
    if said != (known.till_id, known.opened_by, known.float_cents):
        raise ShiftExists(shift_id=shift.id)
    return known.view
