"""What a pasted SMS tells a till: how the customer paid, whose name to show, and what is known of its code. No database, no clock."""

from enum import StrEnum

from payme.features.payments.rules.claims import Channel
from payme.kit.values import value


class Known(StrEnum):
    """What is known of the code of an SMS. Only what is new, or waits in the tray, can still be claimed."""

    NEW = "new"
    IN_TRAY = "in_tray"
    CLAIMED = "claimed"
    APPLIED = "applied"
    USED = "used"


@value
class Traces:
    """What the books hold of a code: the state of its row in the tray, the method of its payment, and whether anybody has used it."""

    tray_state: str | None = None
    payment_method: str | None = None
    is_registered: bool = False


def masked_name(name: str) -> str:
    """Return the first word of a name and the initials of the others: enough to ask a customer for, too little to keep."""
    first, *others = name.split() or [""]
    return " ".join([first, *(f"{each[0]}." for each in others)])


def channel_of(kind: str, account_reference: str) -> Channel | None:
    """Return how the customer paid, as far as the SMS's form says: a paybill has an account, a person has none."""
    if kind == "paid_to":
        return Channel.TILL
    if kind == "sent_to":
        return Channel.PAYBILL if account_reference else Channel.SEND_MONEY
    return Channel.SEND_MONEY if kind == "received" else None


def known_as(traces: Traces) -> Known:
    """Return what is known of a code. A cashier's claim is `claimed`, any other payment `applied`; `used` is out of reach of this shop."""
    if traces.tray_state == "unclaimed":
        return Known.IN_TRAY
    if traces.payment_method is not None:
        return Known.CLAIMED if traces.payment_method == "mpesa_claim" else Known.APPLIED
    return Known.USED if traces.is_registered or traces.tray_state is not None else Known.NEW
