"""HTTP of payouts: money that leaves, asked for by one person and agreed to by another."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Query

from payme.features import approvals
from payme.features.approvals import (
    AlreadyDecided,
    ApprovalExpired,
    ApprovalNotFound,
    Approve,
    MayNotApprove,
    OwnRequest,
    Reject,
)
from payme.features.identity import PersonNeeded, ProofWrong, Proven, TooManyFailures
from payme.features.payments.errors import (
    AlreadyClaimed,
    MoneyInDispute,
    NoReceiptExpected,
    NotReturnable,
    NotVerifiedYet,
    OperatorMissing,
    PayoutAboveLimit,
    PayoutDecided,
    PayoutExists,
    PayoutNotFound,
    PayoutNotInDoubt,
    PayoutStillAsked,
    PayoutTooSmall,
    PhoneInvalid,
    PromptMayOwnIt,
    ReceiptInvalid,
    ReceiptUsed,
    UnclaimedNotFound,
    WholeShillings,
)
from payme.features.payments.rules.payouts import PayoutState
from payme.features.payments.schemas import PayoutView, RequestPayout, ReturnMoney, SettlePayout
from payme.features.payments.services import read_payouts
from payme.features.payments.services.read_payouts import get_payout
from payme.features.payments.services.request_payout import request_payout, return_money
from payme.features.payments.services.settle_payout import settle_payout
from payme.kit.pagination import Page
from payme.runtime.database import UnitOfWork
from payme.runtime.http import Call, Paging, Response, Router

router = Router(prefix="/v1/businesses/{business_id}", tag="payments")
_DECISION_ERRORS = (
    PayoutNotFound, PayoutDecided, ApprovalNotFound, OwnRequest, MayNotApprove, AlreadyDecided, ApprovalExpired, PersonNeeded,
)  # fmt: skip


@router.post(
    "/payouts", operation="payouts_create", status=201, response=PayoutView, may="payouts.request",
    errors=(WholeShillings, PayoutTooSmall, PhoneInvalid, PayoutAboveLimit, OperatorMissing, PayoutExists),
)  # fmt: skip
async def create(call: Call, command: RequestPayout) -> Response:
    """Ask for a person to be paid by M-Pesa; somebody else must agree."""
    return await call.idempotent(command, lambda uow: request_payout(uow, command))


@router.get("/payouts", operation="payouts_list", response=Page[PayoutView], may="payments.read")
async def list_page(
    call: Call,
    query: Paging,
    *,
    state: Annotated[PayoutState | None, Query()] = None,
    left_to_person: Annotated[bool, Query(description="Only those whose end somebody has to say.")] = False,
) -> Response:
    """List payouts, newest first."""

    async def work(uow: UnitOfWork, after: list[Any] | None, limit: int) -> list[PayoutView]:
        return await read_payouts.list_payouts(uow, after, limit, state=state, left_to_person=left_to_person)

    return await call.read_page(query, work, key=lambda row: [row.created_at.isoformat(), str(row.id)])


@router.get(
    "/payouts/{payout_id}", operation="payouts_get", response=PayoutView, may="payments.read", errors=(PayoutNotFound,)
)
async def read(call: Call, payout_id: UUID) -> Response:
    """Read a payout."""
    return await call.read(lambda uow: get_payout(uow, payout_id))


@router.post(
    "/payouts/{payout_id}/approve", operation="payouts_approve", response=PayoutView, may="approvals.decide",
    errors=(*_DECISION_ERRORS, ProofWrong, TooManyFailures),
)  # fmt: skip
async def approve(call: Call, payout_id: UUID, command: Approve) -> Response:
    """Agree to a payout that somebody else asks for, showing by PIN or password that it is you."""
    approval_id = await call.database.run(
        lambda uow: read_payouts.approval_of(uow, payout_id), business_id=call.business_id, read_only=True
    )
    proven = await approvals.prove_decider(
        call.database, approval_id, command.proof, business_id=call.business_id, caller=approvals.caller_of(call)
    )

    async def work(uow: UnitOfWork) -> PayoutView:
        await approvals.approve(uow, approval_id, proven=proven, note=command.note)
        return await get_payout(uow, payout_id)

    return await call.write(work)


@router.post(
    "/payouts/{payout_id}/reject", operation="payouts_reject", response=PayoutView, may="approvals.decide",
    errors=_DECISION_ERRORS,
)  # fmt: skip
async def reject(call: Call, payout_id: UUID, command: Reject) -> Response:
    """Say no to a payout that somebody else asks for."""
    approvals.caller_of(call)

    async def work(uow: UnitOfWork) -> PayoutView:
        await approvals.reject(uow, await read_payouts.approval_of(uow, payout_id), note=command.note)
        return await get_payout(uow, payout_id)

    return await call.write(work)


@router.post(
    "/payouts/{payout_id}/settle", operation="payouts_settle", status=200, response=PayoutView, may="approvals.decide",
    errors=(
        PayoutNotFound, PayoutNotInDoubt, PayoutStillAsked, ReceiptInvalid, NoReceiptExpected, ReceiptUsed, OwnRequest,
        MayNotApprove, PersonNeeded, ProofWrong, TooManyFailures,
    ),
)  # fmt: skip
async def settle(call: Call, payout_id: UUID, command: SettlePayout) -> Response:
    """Say how a payout ended that somebody else asked for and M-Pesa no longer tells of, showing by PIN or password that it is you."""
    proofs: list[Proven] = []
    return await call.idempotent(
        command,
        lambda uow: settle_payout(uow, payout_id, command, proven=proofs[0]),
        status=200,
        before=lambda: _prove(call, payout_id, command, proofs=proofs),
    )


async def _prove(call: Call, payout_id: UUID, command: SettlePayout, *, proofs: list[Proven]) -> None:
    """Note that the caller is there, for a payout that exists. Raises: PayoutNotFound, PersonNeeded, ProofWrong, TooManyFailures."""
    caller, business_id = approvals.caller_of(call), call.business_id
    await call.database.run(lambda uow: get_payout(uow, payout_id), business_id=business_id, read_only=True)
    proofs[:] = [await approvals.prove_caller(call.database, command.proof, business_id=business_id, caller=caller)]


@router.post(
    "/unclaimed/{unclaimed_id}/return", operation="unclaimed_return", status=201, response=PayoutView,
    may="payouts.request",
    errors=(
        UnclaimedNotFound, AlreadyClaimed, MoneyInDispute, NotVerifiedYet, PromptMayOwnIt, NotReturnable, OperatorMissing,
        PayoutExists,
    ),
)  # fmt: skip
async def send_back(call: Call, unclaimed_id: UUID, command: ReturnMoney) -> Response:
    """Ask for money in the tray to be sent back whole to its sender; somebody else must agree."""
    return await call.idempotent(command, lambda uow: return_money(uow, unclaimed_id, command))
