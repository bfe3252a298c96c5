"""Who may decide about what, and whether there is still something to decide. No database, no clock.

Invariant: whoever asks never decides, not even the only person who could.
"""

from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from payme.features.approvals.enums import ApprovalKind, ApprovalState
from payme.features.approvals.errors import AlreadyDecided, ApprovalExpired, MayNotApprove, OwnRequest
from payme.kit.values import value

DECIDES: Final = "approvals.decide"
# Nobody approves what they could not do themselves, limits apart.
_DOES: Final[dict[ApprovalKind, str]] = {
    ApprovalKind.REFUND: "sales.refund",
    ApprovalKind.VOID: "sales.void",
    ApprovalKind.DISCOUNT: "sales.discount_above_limit",
    ApprovalKind.WRITE_OFF: "stock.approve",
    ApprovalKind.PAYOUT: "payouts.request",
    ApprovalKind.VARIANCE: "reconciliation.close",
}


@value
class Wanted:
    """What is to be done, how much money it is about in cents, and the document that the approver is shown."""

    kind: ApprovalKind
    subject_id: UUID
    amount_cents: int
    document: dict[str, Any]
    reason: str = ""


@value
class Standing:
    """Where a request stands, as far as a decision depends on it."""

    kind: ApprovalKind
    state: ApprovalState
    requested_by: UUID
    expires_at: datetime


def permissions_for(kind: ApprovalKind) -> frozenset[str]:
    """Return everything that somebody must hold to decide about such a request."""
    return frozenset({DECIDES} | ({_DOES[kind]} if kind in _DOES else set[str]()))


def check_approver(kind: ApprovalKind, approver: UUID, *, requester: UUID, permissions: AbstractSet[str]) -> None:
    """Refuse whoever may not decide. Raises: OwnRequest, MayNotApprove."""
    if approver == requester:
        raise OwnRequest
    if not permissions_for(kind) <= permissions:
        raise MayNotApprove


def check_open(standing: Standing, now: datetime) -> None:
    """Refuse where there is nothing left to decide. Raises: AlreadyDecided, ApprovalExpired."""
    if standing.state == ApprovalState.EXPIRED or (
        standing.state == ApprovalState.REQUESTED and now >= standing.expires_at
    ):
        raise ApprovalExpired(expires_at=standing.expires_at)
    if standing.state != ApprovalState.REQUESTED:
        raise AlreadyDecided(state=standing.state)
