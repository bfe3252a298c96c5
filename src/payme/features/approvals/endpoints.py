"""HTTP of approvals."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Query

from payme.features.approvals import services
from payme.features.approvals.enums import ApprovalState
from payme.features.approvals.errors import (
    AlreadyDecided,
    ApprovalExpired,
    ApprovalNotFound,
    MayNotApprove,
    OwnRequest,
)
from payme.features.approvals.schemas import ApprovalView, Approve, Reject
from payme.features.identity import PersonNeeded, ProofWrong, TooManyFailures
from payme.kit.pagination import Page
from payme.runtime.database import UnitOfWork
from payme.runtime.http import Call, Feature, Paging, Response, Router

router = Router(prefix="/v1/businesses/{business_id}/approvals", tag="approvals")
_DECISION_ERRORS = (ApprovalNotFound, OwnRequest, MayNotApprove, AlreadyDecided, ApprovalExpired, PersonNeeded)


@router.get(operation="approvals_list", response=Page[ApprovalView], may="approvals.read")
async def list_page(call: Call, query: Paging, *, state: Annotated[ApprovalState | None, Query()] = None) -> Response:
    """List requests for a second person's word, newest first."""

    async def work(uow: UnitOfWork, after: list[Any] | None, limit: int) -> list[ApprovalView]:
        before = UUID(after[0]) if after else None
        return await services.list_approvals(uow, state=state, before=before, limit=limit)

    return await call.read_page(query, work, key=lambda row: [str(row.id)])


@router.get(
    "/{approval_id}", operation="approvals_get", response=ApprovalView, may="approvals.read", errors=(ApprovalNotFound,)
)
async def read(call: Call, approval_id: UUID) -> Response:
    """Read a request."""
    return await call.read(lambda uow: services.get_approval(uow, approval_id))


@router.post(
    "/{approval_id}/approve", operation="approvals_approve", response=ApprovalView, may="approvals.decide",
    errors=(*_DECISION_ERRORS, ProofWrong, TooManyFailures),
)  # fmt: skip
async def approve(call: Call, approval_id: UUID, command: Approve) -> Response:
    """Agree to what somebody else asks for, showing by PIN or password that it is you."""
    proven = await services.prove_decider(
        call.database, approval_id, command.proof, business_id=call.business_id, caller=services.caller_of(call)
    )
    return await call.write(lambda uow: services.approve(uow, approval_id, proven=proven, note=command.note))


@router.post(
    "/{approval_id}/reject", operation="approvals_reject", response=ApprovalView, may="approvals.decide",
    errors=_DECISION_ERRORS,
)  # fmt: skip
async def reject(call: Call, approval_id: UUID, command: Reject) -> Response:
    """Say no to what somebody else asks for."""
    services.caller_of(call)
    return await call.write(lambda uow: services.reject(uow, approval_id, note=command.note))


feature = Feature("approvals", "Requests that need a second person.", (router,))
