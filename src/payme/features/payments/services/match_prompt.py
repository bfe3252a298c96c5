"""Find the prompt that a notice of money is about, and the money in the tray that a prompt without a receipt is about.

Safaricom tells of a prompt's money twice where C2B addresses are registered, and the second notice names no prompt. For a
paybill the account is the prompt's own; for a till only amount, time and what is left of the number can say. Three digits under
a mask are nobody's name: they give money to no prompt that M-Pesa has not called paid. In doubt nothing is matched: the money
waits in the tray, and the prompt's own callback, a query or Pull takes it out of there.

What a query credited was credited as it was asked; where another amount was paid, the notice of it is that prompt's all the same.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from payme.features.payments.enums import NOTICES, OPEN_STATUSES, PaymentStatus, Source
from payme.features.payments.repository import prompts, registrations
from payme.features.payments.repository import unclaimed as tray
from payme.features.payments.repository.payments import StoredPayment
from payme.features.payments.repository.prompts import Candidate
from payme.features.payments.repository.unclaimed import StoredUnclaimed
from payme.features.payments.rules.numbers import may_be, tells_one
from payme.features.payments.services.policies import verify_above_cents
from payme.kit.values import value
from payme.runtime.database import UnitOfWork
from payme.runtime.security import FieldCipher

CLOCKS_DIFFER: Final = timedelta(minutes=1)
TOLD_WITHIN: Final = timedelta(hours=24)
PAID_BY_HAND_WITHIN: Final = timedelta(minutes=30)
"""After a prompt. Three digits of a number are no name: in a day somebody else pays as much."""
PROMPT_LIVES: Final = timedelta(minutes=10)
"""From the sending of a prompt to its money; only so near is money of another amount taken for the prompt's."""
PULLS_CLOCK: Final = timedelta(hours=3)
"""By how much Pull's time may be ahead: nobody knows whether it is that of Nairobi or UTC."""
REFERENCE_LIVES: Final = timedelta(hours=48)
_STILL_TO_BE_TOLD: Final = OPEN_STATUSES | {PaymentStatus.SUCCEEDED}


@value
class Trace:
    """What a notice shows of the payment that it is about; the number as it was told. `is_verified`: M-Pesa was asked."""

    amount_cents: int
    shortcodes: list[str]
    number: str
    reference: str
    at: datetime
    source: Source
    is_verified: bool

    @property
    def is_whole(self) -> bool:
        """Whether the number can be only one."""
        return tells_one(self.number)

    def tells_of(self, asked_at: datetime) -> bool:
        """Whether the number is enough of one for a prompt that was asked then, and has been paid."""
        return self.is_whole or self.at - asked_at <= PAID_BY_HAND_WITHIN


async def match_prompt(uow: UnitOfWork, trace: Trace) -> UUID | None:
    """Return the one prompt that a notice is about, or None where it is about none or nobody can tell.

    Locks the prompts to its number that were asked just before it, so that the answer to a question about one of them sees
    the money in the tray, or is seen here.
    """
    found = await _match(uow, trace)
    if found is not None:
        return found
    untold = [each.id for each in await _untold(uow, trace)]
    if not untold:
        return None
    await prompts.lock_prompts(uow, untold)
    return await _match(uow, trace)


async def _match(uow: UnitOfWork, trace: Trace) -> UUID | None:
    if trace.reference:
        since = trace.at - REFERENCE_LIVES
        named = await prompts.list_by_reference(uow, trace.reference.strip().upper(), since=since)
        if len(named) == 1:
            return named[0]
    fitting = [each for each, fits in await _fitting(uow, trace) if fits]
    sure = [each for each in fitting if trace.is_whole or (_is_paid(each) and trace.tells_of(each.asked_at))]
    waiting = [each for each in sure if each.status in _STILL_TO_BE_TOLD]
    # A prompt that is over had its answer: that its customer paid all the same is sure of a whole number.
    found = waiting or sure
    if found:
        return found[0].id if len(found) == 1 else None
    return await _match_other_amount(uow, trace)


async def may_be_of_a_prompt(uow: UnitOfWork, row: StoredUnclaimed, shortcodes: Sequence[str]) -> bool:
    """Say whether money in the tray can be that of a prompt whose own notice is still to come."""
    trace = _trace_of(row, list(shortcodes))
    if any(each.status in _STILL_TO_BE_TOLD for each, _ in await _fitting(uow, trace)):
        return True
    return any(each.status in OPEN_STATUSES for each in await _untold(uow, trace))


async def find_in_tray(uow: UnitOfWork, payment: StoredPayment) -> StoredUnclaimed | None:
    """Return the oldest money in the tray that is surely this prompt's, by its number, amount and time; else by number and time."""
    if payment.phone_encrypted is None or payment.shortcode is None:
        return None
    shortcodes, since = await shortcodes_with(uow, payment.shortcode), payment.asked_at - CLOCKS_DIFFER
    msisdn = _opened(uow, payment.id, payment.phone_encrypted)
    amount_cents = payment.paid_cents or payment.amount_cents
    rows = await tray.list_like(uow, amount_cents=amount_cents, shortcodes=shortcodes, since=since)
    exact = next((row for row in rows if _may_hold(row, msisdn, payment.asked_at)), None)
    if exact is not None:
        return exact
    others = [
        row
        for row in await tray.list_since(uow, shortcodes=shortcodes, since=since)
        if _may_hold(row, msisdn, payment.asked_at) and await _match(uow, _trace_of(row, shortcodes)) == payment.id
    ]
    return others[0] if len(others) == 1 else None


async def shortcodes_with(uow: UnitOfWork, shortcode: str) -> list[str]:
    """Return the numbers under which M-Pesa may tell of the same money: a store's and its till's."""
    found = {shortcode}
    for each in await registrations.list_registrations(uow, "till"):
        if shortcode in {each.shortcode, each.till_number}:
            found |= {each.shortcode, *([each.till_number] if each.till_number else [])}
    return sorted(found)


async def _fitting(uow: UnitOfWork, trace: Trace) -> list[tuple[Candidate, bool]]:
    """Return the prompts that a notice can be about, each with whether its number says so too."""
    candidates = await prompts.list_candidates(
        uow, amount_cents=trace.amount_cents, shortcodes=trace.shortcodes, since=trace.at - TOLD_WITHIN,
        until=trace.at + CLOCKS_DIFFER,
    )  # fmt: skip
    found: list[tuple[Candidate, bool]] = []
    for each in candidates:
        fits = may_be(_opened(uow, each.id, each.phone_encrypted), trace.number)
        if fits is not False:
            found.append((each, bool(fits)))
    return found


def _is_paid(candidate: Candidate) -> bool:
    return candidate.status is PaymentStatus.SUCCEEDED


async def _match_other_amount(uow: UnitOfWork, trace: Trace) -> UUID | None:
    """Return the prompt that a query credited as it was asked, and that this money of another amount is the receipt of.

    Of a whole number's prompts it is the one nearest in amount: whichever it is, the money is counted once. A masked number
    must leave no choice. A notice above the limit must be verified first.
    """
    if not trace.is_verified and trace.source in NOTICES and trace.amount_cents > await verify_above_cents(uow):
        return None
    untold = await _untold(uow, trace)
    credited = [each for each in untold if _is_paid(each)]
    if not credited or (not trace.is_whole and len(untold) > 1):
        return None
    return min(credited, key=lambda each: abs(each.amount_cents - trace.amount_cents)).id


async def _untold(uow: UnitOfWork, trace: Trace) -> list[Candidate]:
    """Return the prompts to a notice's number, of any amount, that were asked just before it and whose receipt is not known."""
    moments = (trace.at, trace.at - PULLS_CLOCK) if trace.source is Source.PULL else (trace.at,)
    found: list[Candidate] = []
    for at in moments:
        found += await prompts.list_untold(
            uow, shortcodes=trace.shortcodes, since=at - PROMPT_LIVES, until=at + CLOCKS_DIFFER
        )
    # A prompt that showed an account of its own is paid under that account; money that names another is for something else.
    rest = [each for each in found if not (each.account_reference and trace.reference)]
    return [each for each in rest if may_be(_opened(uow, each.id, each.phone_encrypted), trace.number)]


def _may_hold(row: StoredUnclaimed, msisdn: str, asked_at: datetime) -> bool:
    return bool(may_be(msisdn, row.payer_number)) and _trace_of(row, []).tells_of(asked_at)


def _trace_of(row: StoredUnclaimed, shortcodes: list[str]) -> Trace:
    return Trace(
        row.amount_cents, shortcodes, row.payer_number, row.bill_reference, row.paid_at or row.received_at,
        Source(row.source), row.is_verified,
    )  # fmt: skip


def _opened(uow: UnitOfWork, payment_id: UUID, sealed: bytes) -> str:
    return uow.tool(FieldCipher).decrypt(
        sealed, table="payments", column="phone_encrypted", business_id=uow.tenant, row_id=payment_id
    )
