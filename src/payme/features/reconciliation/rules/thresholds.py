"""What a threshold forgives: small differences need no closing, and are listed all the same."""

from collections.abc import Iterable
from typing import Final

from payme.features.reconciliation.enums import OF_BOOKS, Account, DifferenceKind, DifferenceState
from payme.features.reconciliation.rules.findings import Found
from payme.kit.values import value

_WHOLE: Final = 10_000
_CASH: Final = frozenset({Account.CASH})
_MPESA: Final = frozenset({Account.MPESA, Account.MPESA_TO_CONFIRM, Account.MPESA_UNCLAIMED})


@value
class Threshold:
    """What may differ: basis points of the day's money in cents."""

    basis_points: int
    base_cents: int

    def forgives(self, amounts_cents: Iterable[int]) -> bool:
        """Say whether differences together, whichever way each goes, are within it."""
        return sum(map(abs, amounts_cents)) * _WHOLE <= abs(self.base_cents) * self.basis_points


@value
class Thresholds:
    """Those of a day."""

    cash: Threshold
    mpesa: Threshold


def standings(found: Iterable[Found], thresholds: Thresholds) -> list[tuple[Found, DifferenceState]]:
    """Return each difference with whether somebody has to close it.

    Differences of cash are weighed together, so are those of M-Pesa; those of our own books are never forgiven, and neither is
    cash that nobody counted.
    """
    every = list(found)
    weighed = [each for each in every if _may_be_forgiven(each) and not each.is_brought_in]
    forgiven = {
        account
        for accounts, threshold in ((_CASH, thresholds.cash), (_MPESA, thresholds.mpesa))
        if threshold.forgives(each.amount_cents for each in weighed if each.account in accounts)
        for account in accounts
    }
    return [(each, _standing(each, is_forgiven=each.account in forgiven)) for each in every]


def _may_be_forgiven(found: Found) -> bool:
    return found.kind not in OF_BOOKS and found.kind is not DifferenceKind.CASH_NOT_COUNTED


def _standing(found: Found, *, is_forgiven: bool) -> DifferenceState:
    if found.is_brought_in:
        return DifferenceState.RESOLVED
    is_within = is_forgiven and _may_be_forgiven(found)
    return DifferenceState.WITHIN_THRESHOLD if is_within else DifferenceState.NEEDS_CLOSING
