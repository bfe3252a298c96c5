"""What becomes of money that a cashier says has been paid, once M-Pesa is heard of it. No database, no clock.

A claim is believed up to a limit and stands apart until evidence comes. Evidence of the same amount confirms it; of more,
the excess is unclaimed; of less, what is missing stays open until somebody else writes it off.
"""

from datetime import date, timedelta
from enum import StrEnum
from typing import Final

from payme.kit.values import value

_A_DAY_EITHER_WAY: Final = timedelta(days=1)


class Channel(StrEnum):
    """How the customer paid. The last two tell nobody but the owner's phone."""

    PAYBILL = "paybill"
    TILL = "till"
    POCHI = "pochi"
    SEND_MONEY = "send_money"


class Verdict(StrEnum):
    """How far a claim has been proved."""

    WAITING = "waiting"
    DECLARED = "declared"
    VERIFIED = "verified"
    AMOUNT_DIFFERS = "amount_differs"
    NOT_FOUND = "not_found"
    ALREADY_USED = "already_used"


ASKABLE: Final = frozenset({Channel.PAYBILL, Channel.TILL})
"""Channels of which M-Pesa tells us."""

WAIT: Final = timedelta(hours=24)
"""How long M-Pesa has to tell of a claim before it may be written off unproved."""


@value
class Proof:
    """What evidence makes of a claim, in cents: what it confirms, what is more, and what is missing."""

    verdict: Verdict
    confirmed_cents: int
    excess_cents: int


def prove(claimed_cents: int, evidence_cents: int) -> Proof:
    """Hold a claim against what M-Pesa says was paid."""
    if evidence_cents < claimed_cents:
        return Proof(Verdict.AMOUNT_DIFFERS, evidence_cents, 0)
    return Proof(Verdict.VERIFIED, claimed_cents, evidence_cents - claimed_cents)


def may_write_off(verdict: Verdict, age: timedelta, *, is_covered: bool) -> bool:
    """Say whether what a claim lacks may be given up: Pull or a statement would show it by now, or its wait is over.

    A verdict beyond waiting was given by evidence, or by Pull having covered the claim's day.
    """
    return is_covered or age >= WAIT or verdict not in {Verdict.WAITING, Verdict.DECLARED}


def date_is_odd(spelt: date | None, today: date) -> bool:
    """Say whether a receipt's date letters are none, or name another day than today or a day either way.

    The letters are undocumented: this warns, and refuses nothing. A claim of a receipt of last week is odd as well.
    """
    return spelt is None or abs(spelt - today) > _A_DAY_EITHER_WAY
