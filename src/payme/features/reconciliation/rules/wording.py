"""What is said of a difference and of a day, in English and Swahili."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from payme.features.reconciliation.enums import Account, DifferenceState, Reason
from payme.features.reconciliation.enums import DifferenceKind as Kind

SENTENCES: Final[Mapping[Kind, tuple[str, str]]] = MappingProxyType(
    {
        Kind.SALE_DIFFERS: (
            "A sale says that another amount was paid than its payments do.",
            "Mauzo yanaonyesha kiasi tofauti na malipo yake.",
        ),
        Kind.NOT_BOOKED: (
            "Money moved, and the books know nothing of it.",
            "Pesa zimesogea, lakini vitabu havina habari zake.",
        ),
        Kind.BOOKS_DIFFER: (
            "The books show another amount than the document behind it.",
            "Vitabu vinaonyesha kiasi tofauti na hati yake.",
        ),
        Kind.POSTING_UNEXPLAINED: (
            "The books show a movement that no document explains.",
            "Vitabu vinaonyesha mwendo wa pesa usio na hati.",
        ),
        Kind.CASH_SHORT: (
            "Less cash was counted than the books expect.",
            "Pesa taslimu zilizohesabiwa ni pungufu kuliko vitabu vinavyotarajia.",
        ),
        Kind.CASH_OVER: (
            "More cash was counted than the books expect.",
            "Pesa taslimu zilizohesabiwa ni zaidi ya vitabu vinavyotarajia.",
        ),
        Kind.CASH_NOT_COUNTED: (
            "Cash was taken, and nobody has counted it.",
            "Pesa taslimu zilipokelewa, lakini hakuna aliyezihesabu.",
        ),
        Kind.CLAIM_WAITING: (
            "A cashier's word for M-Pesa money waits for Safaricom's.",
            "Pesa za M-Pesa zilizotajwa na mhudumu zinasubiri uthibitisho wa Safaricom.",
        ),
        Kind.CLAIM_DECLARED: (
            "Money came to the owner's phone on a cashier's word alone.",
            "Pesa zilikuja kwenye simu ya mwenye duka kwa neno la mhudumu tu.",
        ),
        Kind.CLAIM_NOT_FOUND: (
            "M-Pesa does not know a payment that a cashier took.",
            "M-Pesa haijui malipo yaliyopokelewa na mhudumu.",
        ),
        Kind.CLAIM_DIFFERS: (
            "M-Pesa shows less than a cashier took.",
            "M-Pesa inaonyesha kiasi pungufu kuliko mhudumu alichopokea.",
        ),
        Kind.CLAIM_USED: (
            "The receipt that a cashier took is somebody else's.",
            "Risiti iliyopokelewa na mhudumu ni ya mtu mwingine.",
        ),
        Kind.OUTCOME_UNKNOWN: (
            "Nobody knows yet whether a prompt was paid.",
            "Bado haijulikani kama ombi la malipo lililipwa.",
        ),
        Kind.UNCLAIMED: (
            "Money came that belongs to no sale yet.",
            "Pesa zimekuja ambazo bado hazina mauzo yake.",
        ),
        Kind.MISSING_WITH_US: (
            "The statement shows money that nobody had told us of.",
            "Taarifa ya M-Pesa inaonyesha pesa ambazo hatukuambiwa.",
        ),
        Kind.MISSING_AT_MPESA: (
            "The statement does not show money that we have.",
            "Taarifa ya M-Pesa haionyeshi pesa tulizonazo.",
        ),
        Kind.AMOUNT_DIFFERS: (
            "The statement shows another amount under this receipt.",
            "Taarifa ya M-Pesa inaonyesha kiasi tofauti kwa risiti hii.",
        ),
        Kind.OVERPAID_OUT: (
            "A payout that M-Pesa had denied left after all, when its money had gone another way: get it back.",
            "Malipo ambayo M-Pesa ilikuwa imekataa yalitoka baadaye, pesa zikiwa zimeshatumika kwingine: zidai zirudi.",
        ),
        Kind.MOVED_ELSEWHERE: (
            "The statement shows money that left or came without us, such as a withdrawal to the bank.",
            "Taarifa ya M-Pesa inaonyesha pesa zilizohamishwa nje ya mfumo, kama kupelekwa benki.",
        ),
    }
)
ACCOUNTS: Final[Mapping[Account, str]] = MappingProxyType(
    {
        Account.CASH: "Cash",
        Account.CARD: "Card",
        Account.MPESA: "M-Pesa",
        Account.MPESA_TO_CONFIRM: "M-Pesa to confirm",
        Account.MPESA_UNCLAIMED: "M-Pesa unclaimed",
        Account.CREDIT_NOTES: "Credit notes",
    }
)
STATES: Final[Mapping[DifferenceState, str]] = MappingProxyType(
    {
        DifferenceState.WITHIN_THRESHOLD: "within limits",
        DifferenceState.NEEDS_CLOSING: "to be closed",
        DifferenceState.CLOSED: "closed",
        DifferenceState.RESOLVED: "went by itself",
    }
)


def reason_text(reason: Reason) -> str:
    """Return a reason as it is read aloud."""
    return reason.value.replace("_", " ").replace("mpesa", "M-Pesa")


def verdict(open_differences: int, needs_closing: int, *, open_amount: str, is_whole: bool) -> tuple[str, str]:
    """Return the sentence that the report begins with, in both languages; `open_amount` is written out already."""
    if not is_whole:
        return (
            "Money that M-Pesa says arrived is in no place that we know.",
            "Pesa ambazo M-Pesa inasema zimefika hazijulikani ziliko.",
        )
    if not open_differences:
        return ("Every shilling is accounted for.", "Kila shilingi imehesabiwa.")
    if not needs_closing:
        return (
            f"Every shilling is accounted for but {open_amount}, which is within the shop's limits.",
            f"Kila shilingi imehesabiwa isipokuwa {open_amount}, ambazo ziko ndani ya kiwango cha duka.",
        )
    return (
        f"Not every shilling is accounted for: {open_amount} open, differences to be closed: {needs_closing} of {open_differences}.",
        f"Si kila shilingi imehesabiwa: {open_amount} hazijafungwa, tofauti za kufungwa: {needs_closing} kati ya {open_differences}.",
    )
