"""Which purchase a repayment settles: the oldest first. No database, no clock.

Invariant: what is left of all purchases is the debt, or nothing where more was paid than is owed.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import date
from typing import Final
from uuid import UUID

from payme.features.credit.enums import EntryKind
from payme.kit.values import value

_PAID: Final = frozenset({EntryKind.REPAYMENT, EntryKind.TAKEN_BACK})


@value
class Entry:
    """A reason why a debt moved, in cents, above zero where it grew."""

    kind: EntryKind
    amount_cents: int
    sale_id: UUID | None
    due_on: date | None


@value
class OpenCharge:
    """A purchase that is not settled yet; cents."""

    sale_id: UUID
    amount_cents: int
    left_cents: int
    due_on: date


def open_charges(entries: Sequence[Entry]) -> list[OpenCharge]:
    """Return what is left of each purchase, the oldest first, given every entry of an account in time's order.

    Goods that came back lower their own purchase; what that does not need, and all that was paid, the oldest one.
    Source: PayMe's product rules, oldest-first allocation of repayments.
    """
    back: Counter[UUID] = Counter()
    paid = 0
    for each in entries:
        if each.kind in _PAID:
            paid -= each.amount_cents
        elif each.kind != EntryKind.CHARGE and each.sale_id is not None:
            back[each.sale_id] -= each.amount_cents
    charges: list[OpenCharge] = []
    for each in entries:
        if each.kind == EntryKind.CHARGE and each.sale_id is not None and each.due_on is not None:
            own = min(back[each.sale_id], each.amount_cents)
            back[each.sale_id] -= own
            charges.append(OpenCharge(each.sale_id, each.amount_cents, each.amount_cents - own, each.due_on))
    return _settle(charges, paid + back.total())


def _settle(charges: Sequence[OpenCharge], paid_cents: int) -> list[OpenCharge]:
    found: list[OpenCharge] = []
    for each in charges:
        settled = min(paid_cents, each.left_cents)
        paid_cents -= settled
        if each.left_cents > settled:
            found.append(OpenCharge(each.sale_id, each.amount_cents, each.left_cents - settled, each.due_on))
    return found
