"""Who may decide about what, and until when."""

from datetime import UTC, datetime, timedelta

import pytest

from payme.features.approvals.enums import ApprovalKind, ApprovalState
from payme.features.approvals.errors import AlreadyDecided, ApprovalExpired, MayNotApprove, OwnRequest
from payme.features.approvals.rules import Standing, check_approver, check_open, permissions_for
from payme.features.identity import PERMISSIONS
from payme.kit.ids import new_id

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
ALSO = {
    ApprovalKind.REFUND: {"sales.refund"},
    ApprovalKind.VOID: {"sales.void"},
    ApprovalKind.DISCOUNT: {"sales.discount_above_limit"},
    ApprovalKind.WRITE_OFF: {"stock.approve"},
    ApprovalKind.PAYOUT: {"payouts.request"},
    ApprovalKind.VARIANCE: {"reconciliation.close"},
}


@pytest.mark.parametrize("kind", ApprovalKind)
def test_an_approver_holds_the_power_to_decide_and_to_do(kind: ApprovalKind):
    needed = permissions_for(kind)
    assert needed == {"approvals.decide"} | ALSO[kind]
    assert needed <= PERMISSIONS
    check_approver(kind, new_id(), requester=new_id(), permissions=needed)
    for each in needed:
        with pytest.raises(MayNotApprove):
            check_approver(kind, new_id(), requester=new_id(), permissions=PERMISSIONS - {each})


def test_nobody_decides_about_their_own_request_whatever_they_may():
    somebody = new_id()
    with pytest.raises(OwnRequest):
        check_approver(ApprovalKind.REFUND, somebody, requester=somebody, permissions=PERMISSIONS)


@pytest.mark.parametrize(
    ("state", "left", "refusal"),
    [
        (ApprovalState.REQUESTED, timedelta(microseconds=1), None),
        (ApprovalState.REQUESTED, timedelta(), ApprovalExpired),
        (ApprovalState.EXPIRED, timedelta(hours=1), ApprovalExpired),
        (ApprovalState.APPROVED, timedelta(hours=1), AlreadyDecided),
        (ApprovalState.REJECTED, -timedelta(hours=1), AlreadyDecided),
    ],
)
def test_a_request_is_decided_once_and_in_time(state: ApprovalState, left: timedelta, refusal: type[Exception] | None):
    standing = Standing(ApprovalKind.PAYOUT, state, new_id(), NOW + left)
    if refusal is None:
        check_open(standing, NOW)
        return
    with pytest.raises(refusal):
        check_open(standing, NOW)
