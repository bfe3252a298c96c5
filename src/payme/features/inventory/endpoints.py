"""HTTP of the stock room."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Query

from payme.features.approvals import MayNotApprove, OwnRequest, prove_in_place
from payme.features.catalog import ProductNotFound
from payme.features.identity import MemberNotFound, ProofWrong, Proven, TooManyFailures
from payme.features.inventory.enums import MovementKind
from payme.features.inventory.errors import (
    AlreadyRecorded,
    ApprovalNeeded,
    NotTracked,
    ReceivedInFuture,
    StockShort,
    TooMuch,
)
from payme.features.inventory.schemas import (
    AdjustStock,
    MovementFilter,
    MovementRow,
    ReceiveGoods,
    SpoilStock,
    StockAlert,
    StockChangeView,
    StockRow,
    Valuation,
)
from payme.features.inventory.services import read_stock
from payme.features.inventory.services.correct_stock import adjust_stock, spoil_stock
from payme.features.inventory.services.receive_goods import receive_goods
from payme.features.ledger import AlreadyPosted
from payme.kit.pagination import Page
from payme.kit.time import QueryInstant
from payme.runtime.database import UnitOfWork
from payme.runtime.http import Call, Feature, Paging, Response, Router

router = Router(prefix="/v1/businesses/{business_id}/stock", tag="inventory")
_APPROVER_ERRORS = (OwnRequest, MayNotApprove, MemberNotFound, ProofWrong, TooManyFailures)


@router.post(
    "/receipts", operation="stock_receive", status=201, response=StockChangeView, may="stock.receive",
    errors=(ProductNotFound, NotTracked, ReceivedInFuture, TooMuch, AlreadyRecorded, AlreadyPosted),
)  # fmt: skip
async def receive(call: Call, command: ReceiveGoods) -> Response:
    """Record goods received."""
    return await call.idempotent(command, lambda uow: receive_goods(uow, command))


@router.post(
    "/adjustments", operation="stock_adjust", status=201, response=StockChangeView, may="stock.adjust",
    errors=(ProductNotFound, NotTracked, StockShort, ApprovalNeeded, TooMuch, AlreadyRecorded, AlreadyPosted, *_APPROVER_ERRORS),
)  # fmt: skip
async def adjust(call: Call, command: AdjustStock) -> Response:
    """Correct what is on hand, up or down."""
    proofs: list[Proven] = []
    return await call.idempotent(
        command,
        lambda uow: adjust_stock(uow, command, proven=next(iter(proofs), None)),
        before=lambda: prove_in_place(call, command.approver, proofs),
    )


@router.post(
    "/spoilage", operation="stock_spoil", status=201, response=StockChangeView, may="stock.spoil",
    errors=(ProductNotFound, NotTracked, StockShort, ApprovalNeeded, AlreadyRecorded, AlreadyPosted, *_APPROVER_ERRORS),
)  # fmt: skip
async def spoil(call: Call, command: SpoilStock) -> Response:
    """Write off goods that were lost."""
    proofs: list[Proven] = []
    return await call.idempotent(
        command,
        lambda uow: spoil_stock(uow, command, proven=next(iter(proofs), None)),
        before=lambda: prove_in_place(call, command.approver, proofs),
    )


@router.get(operation="stock_list", response=Page[StockRow], may="stock.read")
async def list_levels(
    call: Call,
    query: Paging,
    *,
    product_id: UUID | None = None,
    below_reorder: Annotated[bool, Query(description="Only products at or below their reorder point")] = False,
) -> Response:
    """List what is on hand, set aside and available. Unchanged stock answers 304 to If-None-Match."""
    return await call.read_page(
        query,
        lambda uow, after, limit: read_stock.list_stock(
            uow, product_id=product_id, below_reorder=below_reorder, after=_id_of(after), limit=limit
        ),
        key=lambda row: [str(row.product_id)],
        version=read_stock.stock_version,
    )


@router.get("/movements", operation="stock_movements", response=Page[MovementRow], may="stock.read")
async def list_movements(
    call: Call,
    query: Paging,
    *,
    product_id: UUID | None = None,
    kind: MovementKind | None = None,
    since: QueryInstant | None = None,
    until: QueryInstant | None = None,
) -> Response:
    """List movements, the newest first; the period is by when they happened, its end excluded."""
    wanted = MovementFilter(product_id=product_id, kind=kind, since=since, until=until)

    return await call.read_page(
        query,
        lambda uow, after, limit: read_stock.list_movements(uow, wanted, before=_id_of(after), limit=limit),
        key=lambda row: [str(row.id)],
    )


@router.get("/alerts", operation="stock_alerts", response=Page[StockAlert], may="stock.read")
async def list_alerts(call: Call) -> Response:
    """List what to order, with a suggested quantity, and what expires soon; at most two hundred of each."""

    async def work(uow: UnitOfWork) -> Page[StockAlert]:
        return Page(data=await read_stock.list_alerts(uow))

    return await call.read(work)


@router.get("/valuation", operation="stock_valuation", response=Valuation, may="sales.read_cost")
async def value(call: Call, at: QueryInstant | None = None) -> Response:
    """Tell what the stock is worth at cost, now or at a past instant."""
    return await call.read(lambda uow: read_stock.value_stock(uow, at=at))


def _id_of(after: list[Any] | None) -> UUID | None:
    return UUID(after[0]) if after else None


feature = Feature("inventory", "What is in the shop, what it cost, and every movement of it.", (router,))
