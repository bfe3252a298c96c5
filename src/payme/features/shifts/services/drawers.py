"""The drawer that cash moves in: held against its close ahead of every other lock, and told what moved.

Invariant: a shift that is closed under its lock has seen every movement but those that come after it, and they settle it anew.
"""

from collections.abc import Sequence
from uuid import UUID

from payme.features import audit, identity
from payme.features.shifts.errors import ShiftClosed, ShiftNotFound, ShiftNotYours, ShiftOfAnotherTill
from payme.features.shifts.repository import shifts
from payme.features.shifts.repository.shifts import StoredShift
from payme.features.shifts.rules import Cash
from payme.features.shifts.services.read_shifts import tell
from payme.features.shifts.services.settle_variance import settle_variance
from payme.kit.values import value
from payme.runtime.database import UnitOfWork

MANAGES = "shifts.manage"


@value
class Drawer:
    """A drawer that is held; `is_late`: its shift was closed before. `review` names what a fact would have been refused for."""

    shift_id: UUID
    till_id: UUID
    is_late: bool
    review: tuple[str, ...] = ()


async def take_drawer(uow: UnitOfWork, shift_id: UUID, *, till_id: UUID | None = None, is_fact: bool = False) -> Drawer:
    """Hold the drawer of a shift for somebody who moves cash in it; a fact is never refused for whose or how old it is.

    Raises: ShiftNotFound; for a request ShiftClosed, ShiftNotYours, ShiftOfAnotherTill.
    """
    shift = await shifts.hold_shift(uow, shift_id)
    if shift is None:
        raise ShiftNotFound(shift_id=shift_id)
    odd: list[type[ShiftClosed | ShiftNotYours | ShiftOfAnotherTill]] = []
    if shift.closed_at is not None:
        odd.append(ShiftClosed)
    if not await _is_theirs(uow, shift):
        odd.append(ShiftNotYours)
    if till_id not in {None, shift.till_id}:
        odd.append(ShiftOfAnotherTill)
    if odd and not is_fact:
        raise odd[0](shift_id=shift_id)
    return Drawer(shift_id, shift.till_id, shift.closed_at is not None, tuple(each.code for each in odd))


async def find_drawer_after(uow: UnitOfWork, shift_id: UUID) -> Drawer:
    """Hold the drawer that stands there now for what began in a shift: its own, or the till's next one. Raises: ShiftNotFound."""
    shift = await shifts.hold_shift(uow, shift_id)
    if shift is None:
        raise ShiftNotFound(shift_id=shift_id)
    present = shift if shift.closed_at is None else await shifts.hold_open_of(uow, shift.till_id)
    found = present or shift
    return Drawer(found.id, found.till_id, found.closed_at is not None)


async def move_cash(uow: UnitOfWork, drawer: Drawer, cash: Sequence[Cash]) -> None:
    """Note what postings of this transaction move through a held drawer; where it was counted before, settle it anew.

    A posting of nothing moves nothing.
    """
    moving = [each for each in cash if each.amount_cents]
    if not moving:
        return
    shifts.defer_movements(uow, drawer.shift_id, moving, is_late=drawer.is_late)
    if not drawer.is_late:
        return
    amount_cents = sum(each.amount_cents for each in moving)
    settled = await shifts.lock_settled(uow, drawer.shift_id)
    assert settled is not None, "it is held"
    await shifts.add_late(uow, drawer.shift_id, amount_cents, count=len(moving))
    audit.record(uow, "shift.late_fact", drawer.shift_id, amount_cents=amount_cents, causes=[e.cause for e in moving])
    await settle_variance(uow, drawer.shift_id)
    await tell(uow, drawer.shift_id)


async def _is_theirs(uow: UnitOfWork, shift: StoredShift) -> bool:
    if shift.opened_by == uow.actor.id or uow.actor.may(MANAGES):
        return True
    return shift.opened_by == await identity.find_person_behind(uow)
