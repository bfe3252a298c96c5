"""SQL of approvals."""

from typing import Any
from uuid import UUID

from payme.features.approvals.enums import ApprovalState
from payme.features.approvals.schemas import ApprovalView
from payme.runtime.database import UnitOfWork


async def insert_approval(uow: UnitOfWork, approval: ApprovalView) -> None:
    """Add a request."""
    await uow.execute(
        """-- approvals.insert_approval
        insert into approvals (business_id, id, kind, subject_id, amount_cents, reason, document, requested_by, requested_at, expires_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)""",
        uow.tenant, approval.id, approval.kind, approval.subject_id, approval.amount_cents, approval.reason, approval.document,
        approval.requested_by, approval.requested_at, approval.expires_at,
    )  # fmt: skip


async def find_approval(uow: UnitOfWork, approval_id: UUID) -> ApprovalView | None:
    """Return a request, or None."""
    row = await uow.fetchrow(
        """-- approvals.find_approval
        select id, kind, subject_id, amount_cents, reason, document, state, requested_by, requested_at, expires_at, decided_by,
          decided_at, note, rev
        from approvals where business_id = $1 and id = $2""",
        uow.tenant,
        approval_id,
    )
    return _view(row)


async def lock_approval(uow: UnitOfWork, approval_id: UUID) -> ApprovalView | None:
    """Lock and return a request, or None; it is locked before what it is about."""
    row = await uow.fetchrow(
        """-- approvals.lock_approval
        select id, kind, subject_id, amount_cents, reason, document, state, requested_by, requested_at, expires_at, decided_by,
          decided_at, note, rev
        from approvals where business_id = $1 and id = $2 for update""",
        uow.tenant,
        approval_id,
    )
    return _view(row)


async def decide(
    uow: UnitOfWork, approval_id: UUID, state: ApprovalState, *, decided_by: UUID | None, note: str = ""
) -> None:
    """Store how a locked request ended."""
    await uow.execute(
        """-- approvals.decide
        update approvals set state = $3, decided_by = $4, decided_at = $5, note = $6, rev = rev + 1
        where business_id = $1 and id = $2""",
        uow.tenant, approval_id, state, decided_by, uow.now, note,
    )  # fmt: skip


async def list_approvals(
    uow: UnitOfWork, *, state: ApprovalState | None, before: UUID | None, limit: int
) -> list[ApprovalView]:
    """Return requests, the newest first, older than one."""
    rows = await uow.fetch(
        """-- approvals.list_approvals
        select id, kind, subject_id, amount_cents, reason, document, state, requested_by, requested_at, expires_at, decided_by,
          decided_at, note, rev
        from approvals
        where business_id = $1 and id < coalesce($3, 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid) and ($2::text is null or state = $2)
        order by id desc limit $4""",
        uow.tenant, state, before, limit,
    )  # fmt: skip
    return [ApprovalView.model_validate(dict(row)) for row in rows]


def _view(row: Any) -> ApprovalView | None:
    return None if row is None else ApprovalView.model_validate(dict(row))
