"""HTTP of sales."""

from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query

from payme.features.approvals import MayNotApprove, OwnRequest, prove_in_place
from payme.features.catalog import ProductNotFound
from payme.features.credit import AccountClosed, CreditAccountNotFound, LimitExceeded
from payme.features.customers import CustomerNotFound
from payme.features.identity import MemberNotFound, ProofWrong, Proven, TooManyFailures
from payme.features.payments import (
    AlreadyClaimed,
    AmountOutsideLimits,
    ClaimLimit,
    MethodNotConfigured,
    MoneyInDispute,
    NotVerifiedYet,
    PayoutExists,
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
from payme.features.sales.enums import RefundState, SaleStatus
from payme.features.sales.schemas.credit_notes import CreditNoteHistory, CreditNoteKey, CreditNoteView
from payme.features.sales.schemas.refunds import RefundSale, RefundView, VoidSale
from payme.features.sales.schemas.sales import (
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
from payme.features.sales.services.credit_notes import get_credit_note, list_credit_notes
from payme.features.sales.services.list_sales import list_sales
from payme.features.sales.services.read_refunds import list_refunds
from payme.features.sales.services.read_sale import get_sale
from payme.features.sales.services.refund_sale import refund_sale, void_sale
from payme.features.sales.services.return_sale import UNPAYABLE
from payme.features.sales.services.settle_sale import add_payment, cancel_sale
from payme.features.shifts import ShiftClosed, ShiftNotFound, ShiftNotYours, ShiftOfAnotherTill
from payme.features.tokens import TokensExhausted
from payme.kit.pagination import Page
from payme.kit.time import QueryInstant
from payme.runtime.database import UnitOfWork
from payme.runtime.http import Call, Feature, Paging, Response, Router

router = Router(prefix="/v1/businesses/{business_id}/sales", tag="sales")
notes = Router(prefix="/v1/businesses/{business_id}/credit-notes", tag="sales")
tray = Router(prefix="/v1/businesses/{business_id}/unclaimed", tag="payments")
_TENDER_ERRORS = (
    TokensExhausted, errors.StockShort, errors.TendersDiffer, errors.ReceivedTooLittle, WholeShillings, PhoneInvalid,
    AmountOutsideLimits, MethodNotConfigured, PromptAlreadyOpen, ReceiptInvalid, ReceiptUsed, ReceiptAmountDiffers, ClaimLimit,
    AlreadyClaimed, MoneyInDispute, NotVerifiedYet, PromptMayOwnIt, errors.CreditNoteNotFound, errors.CreditNoteShort,
    CreditAccountNotFound, AccountClosed, LimitExceeded, errors.OneCreditAccount,
)  # fmt: skip
_APPROVER_ERRORS = (OwnRequest, MayNotApprove, MemberNotFound, ProofWrong, TooManyFailures)
_SHIFT_ERRORS = (ShiftNotFound, ShiftClosed, ShiftNotYours)
_RETURN_ERRORS = (errors.SaleNotFound, errors.RefundExists, *_SHIFT_ERRORS, *_APPROVER_ERRORS)
_LATER = {202: "It waits, for a second person or for a payout; money and goods have not moved yet"}


@router.post(
    operation="sales_create", status=201, response=SaleView, may="sales.create",
    errors=(
        *_TENDER_ERRORS, ProductNotFound, errors.ProductNotForSale, errors.TillNotFound, errors.BusinessSuspended,
        errors.DiscountTooLarge, errors.DiscountAboveLimit, errors.PriceOverrideForbidden, errors.OnePromptPerSale,
        errors.SaleExists, errors.ReceiptNumberOfDevice, errors.LineTwice, CustomerNotFound, ShiftOfAnotherTill, *_SHIFT_ERRORS, *_APPROVER_ERRORS,
    ),
)  # fmt: skip
async def create(call: Call, command: CreateSale) -> Response:
    """Sell a cart; a discount above the limit needs a second person at the till."""
    proofs: list[Proven] = []

    async def prepare() -> None:
        await prove_in_place(call, command.approver, proofs)
        await _spend_prompts(call, command.tenders)

    return await call.idempotent(
        command, lambda uow: create_sale(uow, command, proven=next(iter(proofs), None)), before=prepare
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


@router.post(
    "/{sale_id}/refunds", operation="sales_refund", status=201, response=RefundView, may="sales.refund", also=_LATER,
    errors=(
        *UNPAYABLE, PayoutExists,
        *_RETURN_ERRORS, errors.NotRefundable, errors.SaleLineNotFound, errors.RefundTooMuch, errors.MpesaPaidLess,
        errors.NothingToCredit, errors.CreditNotePaidPart, WholeShillings,
    ),
)  # fmt: skip
async def refund(call: Call, sale_id: UUID, command: RefundSale) -> Response:
    """Give back a part of a sale, or all of it; above the limit it waits for a second person, unless one is there."""
    proofs: list[Proven] = []
    return await call.idempotent(
        command,
        lambda uow: refund_sale(uow, sale_id, command, proven=next(iter(proofs), None)),
        status=_status_of,
        before=lambda: prove_in_place(call, command.approver, proofs),
    )


@router.post(
    "/{sale_id}/void", operation="sales_void", status=201, response=RefundView, may="sales.void", also=_LATER,
    errors=(*_RETURN_ERRORS, errors.NotVoidable, errors.VoidTooLate, errors.VoidOfMpesa),
)  # fmt: skip
async def void(call: Call, sale_id: UUID, command: VoidSale) -> Response:
    """Undo a sale on its own business day; above the limit it waits for a second person, unless one is there."""
    proofs: list[Proven] = []
    return await call.idempotent(
        command,
        lambda uow: void_sale(uow, sale_id, command, proven=next(iter(proofs), None)),
        status=_status_of,
        before=lambda: prove_in_place(call, command.approver, proofs),
    )


@router.get(
    "/{sale_id}/refunds", operation="sales_list_refunds", response=list[RefundView], may="sales.read",
    errors=(errors.SaleNotFound,),
)  # fmt: skip
async def list_sale_refunds(call: Call, sale_id: UUID) -> Response:
    """List what went back of a sale, or is to, the oldest first."""
    return await call.read(lambda uow: list_refunds(uow, sale_id))


def _status_of(view: RefundView) -> int:
    return 201 if view.state == RefundState.COMPLETED else 202


async def _spend_prompts(call: Call, tenders: Sequence[Tender]) -> None:
    """Count a prompt to each phone, so that nobody is rung without end. Raises: RateLimited."""
    for tender in tenders:
        if isinstance(tender, MpesaStkTender):
            await call.spend("prompts", prompt_key(tender.phone))


@notes.get(operation="credit_notes_list", response=Page[CreditNoteView], may="sales.read")
async def list_notes(
    call: Call,
    query: Paging,
    *,
    only_open: Annotated[bool, Query(description="Only notes that can still be spent.")] = False,
) -> Response:
    """List credit notes, newest first."""

    async def work(uow: UnitOfWork, after: list[Any] | None, limit: int) -> list[CreditNoteView]:
        return await list_credit_notes(uow, after, limit, only_open=only_open)

    return await call.read_page(query, work, key=lambda row: [row.issued_at.isoformat(), str(row.id)])


@notes.get(
    "/{credit_note_id}", operation="credit_notes_get", response=CreditNoteHistory, may="sales.read",
    errors=(errors.CreditNoteNotFound,),
)  # fmt: skip
async def read_note(call: Call, credit_note_id: CreditNoteKey) -> Response:
    """Read a credit note by its id or its number, with what was spent of it."""
    return await call.read(lambda uow: get_credit_note(uow, credit_note_id))


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


feature = Feature("sales", "Carts that were paid, or are waiting to be.", (router, notes, tray))
