"""News of requests, for screens and for the feature that asked."""

from typing import ClassVar
from uuid import UUID

from payme.kit.events import Event


class ApprovalRequested(Event):
    """Somebody wants to do something above a limit. `about_id` is what is to be done, such as a refund."""

    name: ClassVar[str] = "approval.requested"
    kind: str
    about_id: UUID
    amount_cents: int


class ApprovalApproved(Event):
    """Somebody else agreed. Published once for each request."""

    name: ClassVar[str] = "approval.approved"
    kind: str
    about_id: UUID
    decided_by: UUID


class ApprovalRejected(Event):
    """Somebody else said no. Published once for each request."""

    name: ClassVar[str] = "approval.rejected"
    kind: str
    about_id: UUID
    decided_by: UUID


class ApprovalLapsed(Event):
    """Nobody said anything in time. Published once for each request."""

    name: ClassVar[str] = "approval.expired"
    kind: str
    about_id: UUID
