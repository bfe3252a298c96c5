"""Book what a counted drawer is over or short, or ask a second person first; and anew when a late fact explains some of it.

The callers hold the lock of the shift.
"""

from uuid import UUID

from payme.features import approvals, audit, businesses, ledger
from payme.features.approvals import ApprovalApproved, ApprovalKind, ApprovalLapsed, ApprovalRejected, Wanted
from payme.features.ledger import AccountCode, Posting
from payme.features.shifts.enums import Variance
from payme.features.shifts.repository import shifts
from payme.features.shifts.repository.shifts import StoredShift
from payme.features.shifts.rules import VARIANCE, Count, needs_approval, to_book
from payme.features.shifts.services.read_shifts import tell
from payme.kit.ids import new_id
from payme.runtime.database import UnitOfWork


async def settle_variance(uow: UnitOfWork, shift_id: UUID) -> None:
    """Have the books hold the difference of a closed and locked shift, if nobody has to agree to it, else nothing of it.

    A second person is asked once at a time; one who said no is not asked again.
    """
    shift = await _read(uow, shift_id)
    count, threshold = _count(shift), (await businesses.get_business(uow)).cash_variance_basis_points
    if not needs_approval(count, threshold):
        await _book(uow, shift, count.difference_cents, may_stand=True)
        variance = Variance.BOOKED if count.difference_cents else Variance.NONE
        await shifts.settle(uow, shift.id, variance, posted_cents=count.difference_cents, approval_id=None)
        return
    await _book(uow, shift, count.difference_cents, may_stand=False)
    if shift.variance == Variance.REJECTED:
        await shifts.settle(uow, shift.id, shift.variance, posted_cents=0, approval_id=shift.approval_id)
        return
    approval_id = shift.approval_id
    if shift.variance != Variance.AWAITING_APPROVAL or approval_id is None:
        approval_id = (await approvals.request_approval(uow, _wanted(shift, count))).id
    await shifts.settle(uow, shift.id, Variance.AWAITING_APPROVAL, posted_cents=0, approval_id=approval_id)


async def hear_of_approval(uow: UnitOfWork, event: ApprovalApproved) -> None:
    """Book the difference of a shift that a second person agreed to; approvals of other things are passed over."""
    shift = await _lock_waiting(uow, event)
    if shift is None:
        return
    difference = _count(shift).difference_cents
    await _book(uow, shift, difference, may_stand=True)
    await shifts.settle(uow, shift.id, Variance.BOOKED, posted_cents=difference, approval_id=shift.approval_id)
    audit.record(
        uow, "shift.variance_approved", shift.id, amount_cents=difference, approved_by=event.decided_by
    )  # fmt: skip
    await tell(uow, shift.id)


async def hear_of_refusal(uow: UnitOfWork, event: ApprovalRejected | ApprovalLapsed) -> None:
    """Leave the difference of a shift that nobody agreed to out of the books; the day's reconciliation shows it."""
    shift = await _lock_waiting(uow, event)
    if shift is None:
        return
    await shifts.settle(uow, shift.id, Variance.REJECTED, posted_cents=0, approval_id=shift.approval_id)
    audit.record(uow, "shift.variance_rejected", shift.id, amount_cents=_count(shift).difference_cents)
    await tell(uow, shift.id)


async def _lock_waiting(
    uow: UnitOfWork, event: ApprovalApproved | ApprovalRejected | ApprovalLapsed
) -> StoredShift | None:
    if event.kind != ApprovalKind.VARIANCE:
        return None
    shift = await shifts.lock_settled(uow, event.about_id)
    waits = shift is not None and shift.variance == Variance.AWAITING_APPROVAL and shift.approval_id == event.subject_id
    return shift if waits else None


async def _book(uow: UnitOfWork, shift: StoredShift, difference_cents: int, *, may_stand: bool) -> None:
    amount_cents = to_book(difference_cents, posted_cents=shift.posted_cents, may_stand=may_stand)
    if not amount_cents:
        return
    variance_id = new_id()
    await shifts.insert_variance(uow, variance_id, shift_id=shift.id, amount_cents=amount_cents)
    ledger.post(uow, [Posting(VARIANCE, AccountCode.CASH_OVER_SHORT, AccountCode.CASH, amount_cents, variance_id)])
    audit.record(uow, "shift.variance_booked", shift.id, amount_cents=amount_cents, variance_id=variance_id)


def _count(shift: StoredShift) -> Count:
    assert shift.counted_cents is not None, "a closed shift was counted"
    assert shift.expected_cents is not None, "a closed shift was counted"
    return Count(shift.float_cents, shift.expected_cents, shift.counted_cents)


def _wanted(shift: StoredShift, count: Count) -> Wanted:
    document = {
        "till_id": str(shift.till_id), "opened_by": str(shift.opened_by), "expected_cents": count.expected_cents,
        "counted_cents": count.counted_cents,
    }  # fmt: skip
    return Wanted(ApprovalKind.VARIANCE, shift.id, abs(count.difference_cents), document, shift.note)


async def _read(uow: UnitOfWork, shift_id: UUID) -> StoredShift:
    shift = await shifts.find_shift(uow, shift_id)
    assert shift is not None, "it is locked"
    return shift
