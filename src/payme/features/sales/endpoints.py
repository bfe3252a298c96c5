"""HTTP of sales."""

from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query

from payme.features.catalog import ProductNotFound
from payme.features.payments import (
    AlreadyClaimed,
    AmountOutsideLimits,
    ClaimLimit,
    MethodNotConfigured,
    MoneyInDispute,
    NotVerifiedYet,
    PhoneInvalid,
    PromptAlreadyOpen,
    PromptMayOwnIt,
    ReceiptAmountDiffers,
    ReceiptInvalid,
    ReceiptUsed,
    UnclaimedNotFound,
    WholeShillings,
    prompt_key,
)
from payme.features.sales import errors
from payme.features.sales.enums import SaleStatus
from payme.features.sales.schemas import (
    AddPayment,
    ClaimMoney,
    CreateSale,
    MpesaStkTender,
    SaleRow,
    SaleView,
    Suggestion,
    Tender,
)
from payme.features.sales.services.claim_money import claim_money, list_suggestions
from payme.features.sales.services.create_sale import create_sale
from payme.features.sales.services.list_sales import list_sales
from payme.features.sales.services.read_sale import get_sale
from payme.features.sales.services.settle_sale import add_payment, cancel_sale
from payme.features.tokens import TokensExhausted
from payme.kit.pagination import Page
from payme.kit.time import QueryInstant
from payme.runtime.database import UnitOfWork
from payme.runtime.http import Call, Feature, Paging, Response, Router

router = Router(prefix="/v1/businesses/{business_id}/sales", tag="sales")
tray = Router(prefix="/v1/businesses/{business_id}/unclaimed", tag="payments")
_TENDER_ERRORS = (
    TokensExhausted, errors.StockShort, errors.TendersDiffer, errors.ReceivedTooLittle, WholeShillings, PhoneInvalid,
    AmountOutsideLimits, MethodNotConfigured, PromptAlreadyOpen, ReceiptInvalid, ReceiptUsed, ReceiptAmountDiffers, ClaimLimit,
    AlreadyClaimed, MoneyInDispute, NotVerifiedYet, PromptMayOwnIt,
)  # fmt: skip


@router.post(
    operation="sales_create", status=201, response=SaleView, may="sales.create",
    errors=(
        *_TENDER_ERRORS, ProductNotFound, errors.ProductNotForSale, errors.TillNotFound, errors.BusinessSuspended,
        errors.DiscountTooLarge, errors.DiscountAboveLimit, errors.PriceOverrideForbidden, errors.OnePromptPerSale,
        errors.SaleExists,
    ),
)  # fmt: skip
async def create(call: Call, command: CreateSale) -> Response:
    """Sell a cart."""
    return await call.idempotent(
        command, lambda uow: create_sale(uow, command), before=lambda: _spend_prompts(call, command.tenders)
    )


@router.get(operation="sales_list", response=Page[SaleRow], may="sales.read")
async def list_page(
    call: Call,
    query: Paging,
    *,
    status: Annotated[SaleStatus | None, Query()] = None,
    since: Annotated[QueryInstant | None, Query(description="Recorded at or after; with a time zone.")] = None,
) -> Response:
    """List sales, newest first."""

    async def work(uow: UnitOfWork, after: list[Any] | None, limit: int) -> list[SaleRow]:
        return await list_sales(uow, after, limit, status=status, since=since)

    return await call.read_page(query, work, key=lambda row: [row.created_at.isoformat(), str(row.id)])


@router.get("/{sale_id}", operation="sales_get", response=SaleView, may="sales.read", errors=(errors.SaleNotFound,))
async def read(call: Call, sale_id: UUID) -> Response:
    """Read a sale with its lines and payments."""
    return await call.read(lambda uow: get_sale(uow, sale_id))


@router.post(
    "/{sale_id}/cancel", operation="sales_cancel", status=200, response=SaleView, may="sales.cancel",
    errors=(errors.SaleNotFound, errors.SaleNotOpen, errors.PromptOut),
)  # fmt: skip
async def cancel(call: Call, sale_id: UUID) -> Response:
    """Cancel a sale that is not paid; what it had set aside is released and counted parts go back."""
    return await call.idempotent(None, lambda uow: cancel_sale(uow, sale_id), status=200)


@router.post(
    "/{sale_id}/payments", operation="sales_pay", status=201, response=SaleView, may="sales.create",
    errors=(*_TENDER_ERRORS, errors.SaleNotFound, errors.SaleNotOpen, errors.PromptOut, errors.BusinessSuspended),
)  # fmt: skip
async def pay(call: Call, sale_id: UUID, command: AddPayment) -> Response:
    """Take another tender for a sale that is not paid yet."""
    return await call.idempotent(
        command,
        lambda uow: add_payment(uow, sale_id, command.root),
        before=lambda: _spend_prompts(call, [command.root]),
    )


async def _spend_prompts(call: Call, tenders: Sequence[Tender]) -> None:
    """Count a prompt to each phone, so that nobody is rung without end. Raises: RateLimited."""
    for tender in tenders:
        if isinstance(tender, MpesaStkTender):
            await call.spend("prompts", prompt_key(tender.phone))


@tray.get(
    "/{unclaimed_id}/suggestions", operation="unclaimed_suggestions", response=list[Suggestion], may="payments.read",
    errors=(UnclaimedNotFound,),
)  # fmt: skip
async def suggest(call: Call, unclaimed_id: UUID) -> Response:
    """List what money in the tray may be for, the likeliest first."""
    return await call.read(lambda uow: list_suggestions(uow, unclaimed_id))


@tray.post(
    "/{unclaimed_id}/claim", operation="unclaimed_claim", status=200, response=SaleView, may="payments.claim",
    errors=(
        UnclaimedNotFound, AlreadyClaimed, MoneyInDispute, NotVerifiedYet, PromptMayOwnIt, errors.SaleNotFound,
        errors.SaleNotOpen, TokensExhausted,
    ),
)  # fmt: skip
async def claim(call: Call, unclaimed_id: UUID, command: ClaimMoney) -> Response:
    """Say what money in the tray is for; of two tills one gets it."""
    return await call.idempotent(command, lambda uow: claim_money(uow, unclaimed_id, command), status=200)


feature = Feature("sales", "Carts that were paid, or are waiting to be.", (router, tray))
