"""Where an expense may go, and who may take it there."""

from uuid import uuid4

import pytest

from payme.features.expenses.enums import ExpenseState as State
from payme.features.expenses.errors import ExpenseAboveLimit, OwnExpense, WrongState
from payme.features.expenses.rules import Limits, check_decider, check_step, is_above_drawer

STEPS = {
    (State.RECORDED, State.VERIFIED),
    (State.VERIFIED, State.APPROVED),
    (State.APPROVED, State.PAID),
    (State.RECORDED, State.CANCELLED),
    (State.VERIFIED, State.CANCELLED),
    (State.APPROVED, State.CANCELLED),
}
LIMITS = Limits(drawer_cents=100, approval_cents=1_000)
RECORDER, OTHER = uuid4(), uuid4()


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("wanted", [State.VERIFIED, State.APPROVED, State.PAID, State.CANCELLED])
def test_an_expense_goes_one_step_at_a_time(state: State, wanted: State):
    if (state, wanted) in STEPS:
        check_step(state, wanted)
        return
    with pytest.raises(WrongState):
        check_step(state, wanted)


@pytest.mark.parametrize(
    ("cents", "may_approve", "may_any", "above"),
    [(100, False, False, False), (101, False, False, True), (101, True, False, False), (1_000, True, False, False),
     (1_001, True, False, True), (1_001, True, True, False)],
)  # fmt: skip
def test_out_of_a_drawer_goes_what_the_role_allows(cents: int, may_approve: bool, may_any: bool, above: bool):
    assert is_above_drawer(cents, LIMITS, may_approve=may_approve, may_any=may_any) is above


def test_somebody_else_agrees_up_to_their_limit():
    check_decider(OTHER, recorded_by=RECORDER, amount_cents=1_000, limit_cents=1_000, may_any=False)
    check_decider(RECORDER, recorded_by=RECORDER, amount_cents=9_000, limit_cents=1_000, may_any=True)
    with pytest.raises(OwnExpense):
        check_decider(RECORDER, recorded_by=RECORDER, amount_cents=1, limit_cents=1_000, may_any=False)
    with pytest.raises(ExpenseAboveLimit):
        check_decider(OTHER, recorded_by=RECORDER, amount_cents=1_001, limit_cents=1_000, may_any=False)
