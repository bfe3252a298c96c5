"""Put cash into a drawer, or take some out, that is no sale and no expense: the owner's money."""

from uuid import UUID

from payme.features import audit, ledger
from payme.features.ledger import AccountCode, Posting
from payme.features.shifts.enums import Direction
from payme.features.shifts.rules import DRAWER_IN, DRAWER_OUT, Cash
from payme.features.shifts.schemas import DrawerMovementView, MoveDrawer
from payme.features.shifts.services.drawers import move_cash, take_drawer
from payme.kit.ids import new_id
from payme.runtime.database import UnitOfWork


async def move_drawer(
    uow: UnitOfWork, shift_id: UUID, command: MoveDrawer, *, is_fact: bool = False
) -> DrawerMovementView:
    """Move cash between a drawer and its owner. Raises: those of `take_drawer`; at the flush ledger.AlreadyPosted for a known id."""
    drawer = await take_drawer(uow, shift_id, is_fact=is_fact)
    cause, comes_in = command.id or new_id(), command.direction == Direction.IN
    kind, amount = (DRAWER_IN, command.amount_cents) if comes_in else (DRAWER_OUT, -command.amount_cents)
    ledger.post(uow, [Posting(kind, AccountCode.OWNER_EQUITY, AccountCode.CASH, amount, cause)])
    await move_cash(uow, drawer, [Cash(kind, cause, amount, command.reason)])
    audit.record(uow, "drawer.moved", cause, shift_id=shift_id, amount_cents=amount, reason=command.reason)
    return DrawerMovementView(
        id=cause, shift_id=shift_id, direction=command.direction, amount_cents=command.amount_cents, reason=command.reason,
        recorded_at=uow.now,
    )  # fmt: skip
