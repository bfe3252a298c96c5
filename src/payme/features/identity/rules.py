"""Who may do what, as a table; whose power reaches whom; what a refresh token is worth. Pure, and deny by default.

Invariant: nobody gives, takes or changes a power that they do not hold themselves.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import Enum
from typing import Final

from payme.features.identity.enums import Role

SHORTEST_PIN: Final = 4
LONGEST_PIN: Final = 8
PERMISSIONS: Final = frozenset(
    {
        "api_keys.manage",
        "approvals.decide",
        "approvals.read",
        "audit.read",
        "business.configure",
        "business.read",
        "catalog.read",
        "catalog.write",
        "credit.manage",
        "credit.read",
        "credit.repay",
        "customers.read",
        "customers.read_phone",
        "customers.write",
        "devices.manage",
        "devices.read",
        "events.read",
        "expenses.approve",
        "expenses.approve_any",
        "expenses.read",
        "expenses.record",
        "ledger.read",
        "members.manage",
        "members.read",
        "payments.check",
        "payments.claim",
        "payments.configure",
        "payments.read",
        "payouts.request",
        "reconciliation.close",
        "reconciliation.count",
        "reconciliation.read",
        "reconciliation.run",
        "sales.cancel",
        "sales.create",
        "sales.discount_above_limit",
        "sales.override_price",
        "sales.read",
        "sales.read_cost",
        "sales.refund",
        "sales.void",
        "shifts.manage",
        "shifts.read",
        "shifts.work",
        "stock.adjust",
        "stock.approve",
        "stock.read",
        "stock.receive",
        "stock.spoil",
        "sync.pull",
        "sync.push",
        "sync.review",
        "tokens.buy",
        "tokens.read",
    }
)
_READING: Final = frozenset(
    {
        "approvals.read",
        "business.read",
        "catalog.read",
        "credit.read",
        "customers.read",
        "events.read",
        "expenses.read",
        "ledger.read",
        "members.read",
        "payments.read",
        "reconciliation.read",
        "sales.read",
        "sales.read_cost",
        "shifts.read",
        "stock.read",
        "tokens.read",
    }
)
OF_DEVICE: Final = frozenset({"sync.pull", "sync.push"})
"""What a registered device may do by itself; what it sends is judged by who did it."""
_OF_ROLE: Final[dict[Role, frozenset[str]]] = {
    Role.OWNER: PERMISSIONS,
    Role.MANAGER: PERMISSIONS
    - {"members.manage", "payments.configure", "api_keys.manage", "reconciliation.run", "expenses.approve_any"},
    Role.CASHIER: frozenset(
        {
            "business.read",
            "catalog.read",
            "credit.read",
            "credit.repay",
            "customers.read",
            "customers.write",
            "events.read",
            "expenses.read",
            "expenses.record",
            "payments.check",
            "payments.claim",
            "payments.read",
            "sales.cancel",
            "sales.create",
            "sales.read",
            "sales.refund",
            "shifts.read",
            "shifts.work",
            "stock.read",
            "sync.pull",
            "sync.push",
            "tokens.read",
        }
    ),
    Role.ACCOUNTANT: _READING | {"reconciliation.run"},
    Role.AUDITOR: _READING | {"audit.read"},
}


class Refresh(Enum):
    """What a refresh token is worth now."""

    ROTATE = "rotate"
    REPEAT = "repeat"
    REUSED = "reused"
    ENDED = "ended"


def permissions_of(roles: Iterable[str]) -> frozenset[str]:
    """Return what all these roles together may do; an unknown role may do nothing."""
    known = {role.value: role for role in Role}
    return frozenset[str]().union(*(_OF_ROLE[known[role]] for role in roles if role in known))


def roles_that_may(permissions: frozenset[str]) -> frozenset[Role]:
    """Return the roles each of which holds all of these permissions."""
    return frozenset(role for role, held in _OF_ROLE.items() if permissions <= held)


def is_pin(secret: str) -> bool:
    """Say whether a secret has the form of a PIN, 4 to 8 digits; no password is as short."""
    return secret.isascii() and secret.isdigit() and SHORTEST_PIN <= len(secret) <= LONGEST_PIN


def reaches(held: frozenset[str], *changes: Iterable[str]) -> bool:
    """Say whether somebody who holds these permissions may hand out, take away or change all those of the roles named."""
    return all(permissions_of(roles) <= held for roles in changes)


def worth_of_refresh(
    *, presented: int, generation: int, refreshed_at: datetime, now: datetime, grace: timedelta, is_open: bool
) -> Refresh:
    """Decide about the refresh token of generation `presented` in a session that stands at `generation`.

    The present one rotates. The one before it, within the grace, gets the answer of the rotation again, because the first
    answer may have been lost on the way. Anything older was copied.
    """
    if not is_open:
        return Refresh.ENDED
    if presented == generation:
        return Refresh.ROTATE
    if presented == generation - 1 and now - refreshed_at <= grace:
        return Refresh.REPEAT
    return Refresh.REUSED
