"""Where an expense may go, who may take it there, and up to which amount. No database, no clock."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final
from uuid import UUID

from payme.features.expenses.enums import ExpenseState
from payme.features.expenses.errors import ExpenseAboveLimit, OwnExpense, WrongState
from payme.kit.values import value

_FROM: Final[Mapping[ExpenseState, frozenset[ExpenseState]]] = MappingProxyType(
    {
        ExpenseState.VERIFIED: frozenset({ExpenseState.RECORDED}),
        ExpenseState.APPROVED: frozenset({ExpenseState.VERIFIED}),
        ExpenseState.PAID: frozenset({ExpenseState.APPROVED}),
        ExpenseState.CANCELLED: frozenset({ExpenseState.RECORDED, ExpenseState.VERIFIED, ExpenseState.APPROVED}),
    }
)


@value
class Limits:
    """Amounts in cents: what may leave a drawer before anybody agrees, and what a manager may agree to; an owner has none."""

    drawer_cents: int
    approval_cents: int


def check_step(state: ExpenseState, wanted: ExpenseState) -> None:
    """Refuse a step that an expense cannot make. Raises: WrongState."""
    if state not in _FROM[wanted]:
        raise WrongState(state=state, wanted=wanted)


def is_above_drawer(amount_cents: int, limits: Limits, *, may_approve: bool, may_any: bool) -> bool:
    """Say whether this is more than somebody may take out of a drawer before anybody else agrees."""
    if may_any:
        return False
    return amount_cents > (limits.approval_cents if may_approve else limits.drawer_cents)


def check_decider(decider: UUID, *, recorded_by: UUID, amount_cents: int, limit_cents: int, may_any: bool) -> None:
    """Refuse who recorded it, and who may not agree to as much; an owner may both. Raises: OwnExpense, ExpenseAboveLimit."""
    if may_any:
        return
    if decider == recorded_by:
        raise OwnExpense
    if amount_cents > limit_cents:
        raise ExpenseAboveLimit(limit_cents=limit_cents)
