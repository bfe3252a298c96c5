"""Ask, approve, reject, let lapse; and approve in place, at the till. What a decision permits is done by whoever asked."""

from datetime import timedelta
from typing import Final, Protocol
from uuid import UUID

from pydantic import SecretStr

from payme.features import audit, identity
from payme.features.approvals import repository
from payme.features.approvals.enums import ApprovalKind, ApprovalState
from payme.features.approvals.errors import ApprovalNotFound, MayNotApprove, OwnRequest
from payme.features.approvals.events import ApprovalApproved, ApprovalLapsed, ApprovalRejected, ApprovalRequested
from payme.features.approvals.rules import Standing, Wanted, check_approver, check_open, permissions_for
from payme.features.approvals.schemas import ApprovalView, Approver
from payme.features.identity import Proven
from payme.kit.actor import Actor
from payme.kit.ids import new_id
from payme.runtime.database import Database, UnitOfWork


class Caller(Protocol):
    """What is asked of a call: who makes it, and from where."""

    actor: Actor

    @property
    def client_address(self) -> str:
        """The network address."""
        ...


class Till(Protocol):
    """What is asked of a call with which an approver may show that they are there."""

    @property
    def database(self) -> Database:
        """Where members are looked up."""
        ...

    @property
    def business_id(self) -> UUID:
        """The business of the path."""
        ...

    @property
    def client_address(self) -> str:
        """The network address."""
        ...


LIFE: Final = timedelta(hours=24)
_COLLECTION: Final = "approvals"


async def request_approval(uow: UnitOfWork, wanted: Wanted, *, life: timedelta = LIFE) -> ApprovalView:
    """Ask for somebody else's word; unanswered, the request lapses after its life. The feature that asks hears by events."""
    approval = ApprovalView(
        id=new_id(), kind=wanted.kind, subject_id=wanted.subject_id, amount_cents=wanted.amount_cents, reason=wanted.reason,
        document=wanted.document, state=ApprovalState.REQUESTED, requested_by=await identity.find_person_behind(uow),
        requested_at=uow.now, expires_at=uow.now + life,
    )  # fmt: skip
    await repository.insert_approval(uow, approval)
    _record(uow, approval, ApprovalState.REQUESTED, reason=wanted.reason)
    uow.publish(
        ApprovalRequested(
            subject_id=approval.id, kind=wanted.kind, about_id=wanted.subject_id, amount_cents=wanted.amount_cents
        )
    )
    uow.enqueue("approvals.expire", {"approval_id": str(approval.id)}, execute_after=life)
    return approval


async def approve(uow: UnitOfWork, approval_id: UUID, *, proven: Proven, note: str = "") -> ApprovalView:
    """Agree to a request. Saying the same again changes nothing.

    Raises: ApprovalNotFound, OwnRequest, MayNotApprove, AlreadyDecided, ApprovalExpired.
    """
    assert (proven.business_id, proven.user_id) == (uow.tenant, uow.actor.id), "somebody else has shown who they are"
    return await _decide(uow, approval_id, ApprovalState.APPROVED, note=note)


async def reject(uow: UnitOfWork, approval_id: UUID, *, note: str = "") -> ApprovalView:
    """Say no to a request. Saying the same again changes nothing.

    Raises: ApprovalNotFound, OwnRequest, MayNotApprove, AlreadyDecided, ApprovalExpired.
    """
    return await _decide(uow, approval_id, ApprovalState.REJECTED, note=note)


async def expire_approval(uow: UnitOfWork, approval_id: UUID) -> timedelta | None:
    """Let a request lapse that nobody decided in time; return how long to wait where it still has time. Raises: ApprovalNotFound."""
    approval = await _lock(uow, approval_id)
    if approval.state != ApprovalState.REQUESTED:
        return None
    if uow.now < approval.expires_at:
        return approval.expires_at - uow.now
    await repository.decide(uow, approval_id, ApprovalState.EXPIRED, decided_by=None)
    _record(uow, approval, ApprovalState.EXPIRED)
    uow.publish(ApprovalLapsed(subject_id=approval_id, kind=approval.kind, about_id=approval.subject_id))
    return None


async def prove_decider(
    database: Database, approval_id: UUID, proof: SecretStr, *, business_id: UUID, caller: tuple[UUID, str]
) -> Proven:
    """Return that the caller (person, network address) is there, for a request that exists; ahead of the transaction.

    Raises: ApprovalNotFound, identity.MemberNotFound, identity.ProofWrong, identity.TooManyFailures.
    """
    await database.run(lambda uow: get_approval(uow, approval_id), business_id=business_id, read_only=True)
    return await prove_caller(database, proof, business_id=business_id, caller=caller)


async def prove_approver(database: Database, approver: Approver, *, business_id: UUID, address: str) -> Proven:
    """Return that an approver stands at the till, by their PIN; ahead of the transaction, in which `verify_approver` goes on.

    Raises: identity.MemberNotFound, identity.ProofWrong, identity.TooManyFailures.
    """
    return await identity.prove_member(
        database, approver.user_id, approver.pin, business_id=business_id, address=address
    )


async def prove_in_place(call: Till, approver: Approver | None, proofs: list[Proven]) -> None:
    """Note in `proofs` that the approver of a request is there, if it names one; ahead of the transaction.

    Raises: identity.MemberNotFound, identity.ProofWrong, identity.TooManyFailures.
    """
    if approver is not None:
        proofs[:] = [
            await prove_approver(call.database, approver, business_id=call.business_id, address=call.client_address)
        ]


async def verify_approver(uow: UnitOfWork, proven: Proven, *, kind: ApprovalKind, subject_id: UUID) -> UUID:
    """Accept the word of an approver who has shown at the till that they are there; return who it is.

    Raises: OwnRequest, MayNotApprove.
    """
    assert proven.business_id == uow.tenant, "a proof is worth something in one business"
    roles = await identity.find_roles(uow, proven.user_id) or []
    requester = await identity.find_person_behind(uow)
    await _check(uow, kind, proven.user_id, requester=requester, permissions=identity.permissions_of(roles))
    audit.record(uow, "approval.given_in_place", subject_id, kind=kind, approved_by=proven.user_id)
    return proven.user_id


async def prove_caller(database: Database, proof: SecretStr, *, business_id: UUID, caller: tuple[UUID, str]) -> Proven:
    """Return that the caller (person, network address) is there, by PIN or password; ahead of the transaction.

    Raises: identity.MemberNotFound, identity.ProofWrong, identity.TooManyFailures.
    """
    return await identity.prove_member(database, caller[0], proof, business_id=business_id, address=caller[1])


async def verify_decider(
    uow: UnitOfWork, proven: Proven, *, kind: ApprovalKind, subject_id: UUID, made_by: UUID
) -> UUID:
    """Accept the word of a caller who has shown that they are there, about something of another's making; return who it is.

    Raises: OwnRequest, MayNotApprove.
    """
    assert (proven.business_id, proven.user_id) == (uow.tenant, uow.actor.id), "somebody else has shown who they are"
    maker = await identity.find_person(uow, made_by)
    await _check(uow, kind, proven.user_id, requester=maker, permissions=uow.actor.permissions)
    audit.record(uow, "approval.given_in_place", subject_id, kind=kind, approved_by=proven.user_id)
    return proven.user_id


def caller_of(call: Caller) -> tuple[UUID, str]:
    """Return who is signed in, and from which address. Raises: PersonNeeded for an API key, which is nobody who could agree."""
    if call.actor.kind != "user":
        raise identity.PersonNeeded
    return call.actor.id, call.client_address


async def list_approvers(uow: UnitOfWork, kind: ApprovalKind) -> list[dict[str, str]]:
    """Return who could agree to such a request of whoever acts now, by id and name, so that the till can say whom to call."""
    return await _names(uow, kind, but=await identity.find_person_behind(uow))


async def get_approval(uow: UnitOfWork, approval_id: UUID) -> ApprovalView:
    """Return a request. Raises: ApprovalNotFound."""
    approval = await repository.find_approval(uow, approval_id)
    if approval is None:
        raise ApprovalNotFound(approval_id=approval_id)
    return approval


async def list_approvals(
    uow: UnitOfWork, *, state: ApprovalState | None, before: UUID | None, limit: int
) -> list[ApprovalView]:
    """Return requests, the newest first, older than one."""
    return await repository.list_approvals(uow, state=state, before=before, limit=limit)


async def _decide(uow: UnitOfWork, approval_id: UUID, state: ApprovalState, *, note: str) -> ApprovalView:
    approval, decider = await _lock(uow, approval_id), await identity.find_person_behind(uow)
    if (approval.state, approval.decided_by) == (state, decider):
        return approval
    await _check(uow, approval.kind, decider, requester=approval.requested_by, permissions=uow.actor.permissions)
    check_open(Standing(approval.kind, approval.state, approval.requested_by, approval.expires_at), uow.now)
    await repository.decide(uow, approval_id, state, decided_by=decider, note=note)
    _record(uow, approval, state, decided_by=decider, note=note)
    news = ApprovalApproved if state == ApprovalState.APPROVED else ApprovalRejected
    uow.publish(news(subject_id=approval_id, kind=approval.kind, about_id=approval.subject_id, decided_by=decider))
    return await get_approval(uow, approval_id)


async def _check(
    uow: UnitOfWork, kind: ApprovalKind, approver: UUID, *, requester: UUID, permissions: frozenset[str]
) -> None:
    try:
        check_approver(kind, approver, requester=requester, permissions=permissions)
    except (OwnRequest, MayNotApprove) as refusal:
        # So that the till can say whom to call.
        raise type(refusal)(approvers=await _names(uow, kind, but=requester)) from None


async def _names(uow: UnitOfWork, kind: ApprovalKind, *, but: UUID) -> list[dict[str, str]]:
    others = await identity.list_members_who_may(uow, permissions_for(kind), but=but)
    return [{"user_id": str(each.user_id), "display_name": each.display_name} for each in others]


async def _lock(uow: UnitOfWork, approval_id: UUID) -> ApprovalView:
    approval = await repository.lock_approval(uow, approval_id)
    if approval is None:
        raise ApprovalNotFound(approval_id=approval_id)
    return approval


def _record(uow: UnitOfWork, approval: ApprovalView, state: ApprovalState, **facts: object) -> None:
    audit.record(
        uow, f"approval.{state}", approval.id, kind=approval.kind, about_id=approval.subject_id,
        amount_cents=approval.amount_cents, **facts,
    )  # fmt: skip
    uow.touch(_COLLECTION, approval.id)
