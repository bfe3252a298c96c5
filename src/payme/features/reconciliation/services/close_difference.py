"""Close a difference: somebody else than its maker says why it is none any more, and the books follow.

A difference of counted cash is posted once; a claim that was not borne out is written off. Of two people who close at once one
does, because the row is locked; its day is locked before it, as by a run of the day.
"""

from uuid import UUID

from payme.features import approvals, audit, ledger, payments
from payme.features.approvals import ApprovalKind
from payme.features.identity import Proven
from payme.features.ledger import AccountCode, Posting
from payme.features.payments import MoneyDocument
from payme.features.reconciliation.enums import CASH_VARIANCES, CLAIMS, OPEN_STATES, Reason
from payme.features.reconciliation.errors import (
    AlreadyEnded,
    DifferenceNotFound,
    NoteNeeded,
    ReasonDoesNotFit,
    ReconciliationNotFound,
)
from payme.features.reconciliation.events import DifferenceClosed
from payme.features.reconciliation.repository import differences, runs, statements
from payme.features.reconciliation.rules.facts import CASH_VARIANCE
from payme.features.reconciliation.schemas import CloseDifference, DifferenceView
from payme.features.reconciliation.services.read_runs import get_run
from payme.runtime.database import UnitOfWork


async def close_difference(
    uow: UnitOfWork, difference_id: UUID, command: CloseDifference, *, reconciliation_id: UUID, proven: Proven
) -> DifferenceView:
    """Close an open difference of a day for a reason. Locks the day and it.

    Raises: ReconciliationNotFound, DifferenceNotFound, AlreadyEnded, NoteNeeded, ReasonDoesNotFit, approvals.OwnRequest,
    approvals.MayNotApprove, and for a write-off payments.OwnClaim, payments.ClaimNotOpen, payments.ClaimStillAwaited.
    """
    if not await runs.lock_run(uow, reconciliation_id):
        raise ReconciliationNotFound(reconciliation_id=reconciliation_id)
    difference = await differences.lock_difference(uow, difference_id)
    if difference is None or difference.reconciliation_id != reconciliation_id:
        raise DifferenceNotFound(difference_id=difference_id)
    if difference.state not in OPEN_STATES:
        raise AlreadyEnded(state=difference.state, closed_by=str(difference.closed_by or ""))
    reason = Reason(command.reason)
    if reason is Reason.OTHER and not command.note.strip():
        raise NoteNeeded
    is_write_off = reason is Reason.WRITTEN_OFF
    if is_write_off and difference.kind not in CLAIMS:
        raise ReasonDoesNotFit(kind=difference.kind, reason=reason)
    kind = ApprovalKind.WRITE_OFF if is_write_off else ApprovalKind.VARIANCE
    closed_by = await approvals.verify_decider(
        uow, proven, kind=kind, subject_id=difference_id, made_by=difference.made_by
    )
    await differences.close(uow, difference_id, reason=reason, note=command.note.strip(), closed_by=closed_by)
    if is_write_off:
        await _write_off(uow, difference, closed_by=closed_by)
    elif difference.kind in CASH_VARIANCES:
        await _post_variance(uow, difference)
    return await _tell(uow, difference)


async def get_difference(uow: UnitOfWork, difference_id: UUID, *, reconciliation_id: UUID) -> DifferenceView:
    """Return a difference of a day. Raises: ReconciliationNotFound, DifferenceNotFound."""
    await get_run(uow, reconciliation_id)
    difference = await differences.find_difference(uow, difference_id)
    if difference is None or difference.reconciliation_id != reconciliation_id:
        raise DifferenceNotFound(difference_id=difference_id)
    return difference


async def _post_variance(uow: UnitOfWork, difference: DifferenceView) -> None:
    await ledger.open_accounts(uow)
    over_short, drawers = AccountCode.CASH_OVER_SHORT, AccountCode.CASH
    ledger.post(uow, [Posting(CASH_VARIANCE, over_short, drawers, difference.amount_cents, difference.id)])


async def _write_off(uow: UnitOfWork, difference: DifferenceView, *, closed_by: UUID) -> None:
    (claim,) = [each for each in await payments.list_documents(uow, [difference.subject_id]) if each.kind == "payment"]
    await payments.write_off_claim(
        uow, claim.id, written_off_by=closed_by, is_covered=await _is_covered(uow, claim), reason=difference.kind
    )


async def _is_covered(uow: UnitOfWork, claim: MoneyDocument) -> bool:
    """Say whether statements cover the time of a claim, on every short code that its money can have come to.

    Where one showed the claim, that would be proved. A cashier's word names no short code, so the money can be on each that the
    shop collects by; money on the owner's phone stands in no statement of any.
    """
    if claim.verdict == "declared":
        return False
    known = await payments.find_collecting_number(uow, claim.shortcode) if claim.shortcode else None
    wanted = {known} if known else set(await payments.list_collecting_numbers(uow))
    stretches = await statements.list_covered(uow, since=claim.began_at, until=claim.began_at)
    covered = {each.shortcode for each in stretches if each.first_at <= claim.began_at <= each.last_at}
    return bool(wanted) and wanted <= covered


async def _tell(uow: UnitOfWork, closed: DifferenceView) -> DifferenceView:
    view = await get_difference(uow, closed.id, reconciliation_id=closed.reconciliation_id)
    assert view.reason is not None, "it was closed a moment ago"
    await runs.touch_run(uow, view.reconciliation_id)
    audit.record(
        uow, "difference.closed", view.id, kind=view.kind, amount_cents=view.amount_cents, reason=view.reason, note=view.note
    )  # fmt: skip
    uow.touch("differences", view.id)
    uow.touch("reconciliations", view.reconciliation_id)
    uow.publish(
        DifferenceClosed(subject_id=view.id, kind=view.kind, reason=view.reason, amount_cents=view.amount_cents)
    )
    return view
