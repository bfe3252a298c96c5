"""Count a drawer and close its shift. Whoever counts is told only then what should have lain there."""

from uuid import UUID

from payme.features import audit, identity
from payme.features.shifts.errors import ShiftClosed, ShiftNotFound, ShiftNotYours
from payme.features.shifts.repository import shifts
from payme.features.shifts.schemas import CloseShift, ShiftView
from payme.features.shifts.services.drawers import MANAGES
from payme.features.shifts.services.read_shifts import tell
from payme.features.shifts.services.settle_variance import settle_variance
from payme.runtime.database import UnitOfWork


async def close_shift(uow: UnitOfWork, shift_id: UUID, command: CloseShift, *, is_fact: bool = False) -> ShiftView:
    """Close a shift with what was counted; the difference is booked, above the threshold once somebody else agrees.

    A fact may be somebody else's; one that comes after another count changes nothing and returns what was counted first.
    Raises: ShiftNotFound, ShiftNotYours, ShiftClosed.
    """
    shift = await shifts.lock_shift(uow, shift_id)
    if shift is None:
        raise ShiftNotFound(shift_id=shift_id)
    person = await identity.find_person_behind(uow)
    if shift.opened_by != person and not uow.actor.may(MANAGES) and not is_fact:
        raise ShiftNotYours(shift_id=shift_id)
    if shift.closed_at is not None:
        if is_fact:
            audit.record(uow, "shift.counted_again", shift_id, counted_cents=command.counted_cents, counted_by=person)
            return shift.view
        raise ShiftClosed(shift_id=shift_id)
    expected_cents = shift.float_cents + await shifts.sum_movements(uow, shift_id)
    await shifts.close(
        uow, shift_id, counted_cents=command.counted_cents, expected_cents=expected_cents, counted_by=person,
        note=command.note,
    )  # fmt: skip
    audit.record(
        uow, "shift.closed", shift_id, counted_cents=command.counted_cents, expected_cents=expected_cents, counted_by=person
    )  # fmt: skip
    await settle_variance(uow, shift_id)
    return await tell(uow, shift_id)
