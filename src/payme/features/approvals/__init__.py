"""Requests that need a second person: limits, approvers, decisions.

An approver is never the requester. What the decision permits is done by the feature that asked. Either the request waits:

    request_approval(uow, Wanted(kind, subject_id, amount_cents, document))   then hear ApprovalApproved, …Rejected, …Lapsed

or an approver stands at the till and gives a PIN with the request itself:

    await prove_in_place(call, command.approver, proofs)                          ahead of the transaction, for a hash takes long
    approved_by = await verify_approver(uow, proven, kind=…, subject_id=…)        inside it

or whoever calls decides about what another has made: `prove_caller` ahead of the transaction, `verify_decider` inside it.
"""

from payme.features.approvals.enums import ApprovalKind, ApprovalState
from payme.features.approvals.errors import (
    AlreadyDecided,
    ApprovalExpired,
    ApprovalNotFound,
    MayNotApprove,
    OwnRequest,
)
from payme.features.approvals.events import ApprovalApproved, ApprovalLapsed, ApprovalRejected, ApprovalRequested
from payme.features.approvals.rules import Wanted
from payme.features.approvals.schemas import ApprovalView, Approve, Approver, Reject
from payme.features.approvals.services import (
    approve,
    caller_of,
    get_approval,
    list_approvers,
    prove_approver,
    prove_caller,
    prove_decider,
    prove_in_place,
    reject,
    request_approval,
    verify_approver,
    verify_decider,
)

__all__ = [
    "AlreadyDecided",
    "ApprovalApproved",
    "ApprovalExpired",
    "ApprovalKind",
    "ApprovalLapsed",
    "ApprovalNotFound",
    "ApprovalRejected",
    "ApprovalRequested",
    "ApprovalState",
    "ApprovalView",
    "Approve",
    "Approver",
    "MayNotApprove",
    "OwnRequest",
    "Reject",
    "Wanted",
    "approve",
    "caller_of",
    "get_approval",
    "list_approvers",
    "prove_approver",
    "prove_caller",
    "prove_decider",
    "prove_in_place",
    "reject",
    "request_approval",
    "verify_approver",
    "verify_decider",
]
