"""HTTP of shifts."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Query

from payme.features.businesses import TillNotFound
from payme.features.ledger import AlreadyPosted
from payme.features.shifts.enums import ShiftState
from payme.features.shifts.errors import ShiftAlreadyOpen, ShiftClosed, ShiftExists, ShiftNotFound, ShiftNotYours
from payme.features.shifts.repository.shifts import Wanted
from payme.features.shifts.schemas import CloseShift, DrawerMovementView, MoveDrawer, OpenShift, ShiftView
from payme.features.shifts.services.close_shift import close_shift
from payme.features.shifts.services.move_drawer import move_drawer
from payme.features.shifts.services.open_shift import open_shift
from payme.features.shifts.services.read_shifts import get_shift, list_shifts
from payme.kit.pagination import Page
from payme.runtime.database import UnitOfWork
from payme.runtime.http import Call, Feature, Paging, Response, Router

router = Router(prefix="/v1/businesses/{business_id}/shifts", tag="shifts")


@router.post(
    operation="shifts_open", status=201, response=ShiftView, may="shifts.work",
    errors=(TillNotFound, ShiftAlreadyOpen, ShiftExists),
)  # fmt: skip
async def begin(call: Call, command: OpenShift) -> Response:
    """Begin to work from a till's drawer."""
    return await call.idempotent(command, lambda uow: open_shift(uow, command))


@router.get(operation="shifts_list", response=Page[ShiftView], may="shifts.read")
async def list_page(
    call: Call,
    query: Paging,
    *,
    state: Annotated[ShiftState | None, Query()] = None,
    till_id: Annotated[UUID | None, Query()] = None,
    opened_by: Annotated[UUID | None, Query()] = None,
) -> Response:
    """List shifts, newest first."""
    wanted = Wanted(state, till_id, opened_by)

    async def work(uow: UnitOfWork, after: list[Any] | None, limit: int) -> list[ShiftView]:
        return await list_shifts(uow, after, limit, wanted=wanted)

    return await call.read_page(query, work, key=lambda row: [row.opened_at.isoformat(), str(row.id)])


@router.get("/{shift_id}", operation="shifts_get", response=ShiftView, may="shifts.read", errors=(ShiftNotFound,))
async def read(call: Call, shift_id: UUID) -> Response:
    """Read a shift; what is expected in its drawer only once it is closed."""
    return await call.read(lambda uow: get_shift(uow, shift_id))


@router.post(
    "/{shift_id}/close", operation="shifts_close", status=200, response=ShiftView, may="shifts.work",
    errors=(ShiftNotFound, ShiftNotYours, ShiftClosed),
)  # fmt: skip
async def close(call: Call, shift_id: UUID, command: CloseShift) -> Response:
    """Count the drawer and close the shift; a large difference waits for a second person."""
    return await call.idempotent(command, lambda uow: close_shift(uow, shift_id, command), status=200)


@router.post(
    "/{shift_id}/drawer-movements", operation="shifts_move_drawer", status=201, response=DrawerMovementView, may="shifts.work",
    errors=(ShiftNotFound, ShiftNotYours, ShiftClosed, AlreadyPosted),
)  # fmt: skip
async def move(call: Call, shift_id: UUID, command: MoveDrawer) -> Response:
    """Put cash into the drawer or take some out."""
    return await call.idempotent(command, lambda uow: move_drawer(uow, shift_id, command))


feature = Feature("shifts", "Who has which drawer, and what was counted in it.", (router,))
