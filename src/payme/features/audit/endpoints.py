"""The log of who did what over HTTP."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Query

from payme.features.audit.schemas import AuditEntry
from payme.features.audit.services import list_entries
from payme.kit.pagination import Page
from payme.runtime.database import UnitOfWork
from payme.runtime.http import Call, Feature, Paging, Response, Router

Action = Annotated[
    str, Query(pattern=r"^[a-z_.]{1,80}$", description="Only this kind of act", examples=["sale.completed"])
]
router = Router(prefix="/v1/businesses/{business_id}/audit", tag="audit")


@router.get(operation="audit_list", may="audit.read", response=Page[AuditEntry])
async def list_audit(
    call: Call, query: Paging, *, action: Action | None = None, subject_id: UUID | None = None
) -> Response:
    """List what was done, newest first."""

    async def work(uow: UnitOfWork, after: list[Any] | None, limit: int) -> list[AuditEntry]:
        before = UUID(after[0]) if after else None
        return await list_entries(uow, before=before, limit=limit, action=action, subject_id=subject_id)

    return await call.read_page(query, work, key=lambda entry: [entry.id])


feature = Feature("audit", "What was done, by whom.", (router,))
