"""What a push and a query came to, decided by the content of the answer alone.

A push is accepted, refused by a listed code, throttled before it was taken, or unknown; only a listed answer is a refusal.
A query answers paid, failed, pending or unknown; an error is never a failure of the payment.
Source: Daraja portal, M-Pesa Express and M-Pesa Express Query; answers seen on the wire.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from payme.integrations.daraja.answers import Answer, Verdict
from payme.integrations.daraja.errors import DarajaRefused, DarajaUnavailable, DarajaUnknown
from payme.integrations.daraja.requests import is_request_id
from payme.integrations.daraja.result_codes import Product, Reason, Standing, rule_for
from payme.integrations.daraja.wire import without_numbers

THROTTLE_SECONDS = 12  # the sandbox allows 5 queries a minute, one at a time


@dataclass(frozen=True, slots=True)
class StkAccepted:
    """Safaricom took the request; no money has moved. The checkout id holds the payer's number."""

    merchant_request_id: str
    checkout_request_id: str = field(repr=False)


class QueryNote(StrEnum):
    """Why a query said what it said, beyond its standing."""

    RESULT = "result"
    STILL_PROCESSING = "still_processing"
    TOO_EARLY_OR_WRONG_ID = "too_early_or_wrong_id"
    NO_SUCH_TRANSACTION = "no_such_transaction"
    THROTTLED = "throttled"
    NO_ANSWER = "no_answer"
    UNREADABLE = "unreadable"
    CONTRADICTION = "contradiction"
    TOKEN_REFUSED = "token_refused"
    CREDENTIALS_REFUSED = "credentials_refused"
    NOT_SENT = "not_sent"
    REFUSED = "refused"


_NOTES = {Verdict.REFUSED: QueryNote.REFUSED, Verdict.TOKEN_REJECTED: QueryNote.TOKEN_REFUSED}


@dataclass(frozen=True, slots=True)
class StkQueryResult:
    """What Safaricom says about one prompt. PAID by query has no receipt and no amount.

    FAILED with `Reason.UNREACHABLE` is to be asked once more a minute later before goods are given away: payments were
    seen to succeed after it.
    """

    standing: Standing
    note: QueryNote
    reason: Reason | None = None
    result_code: str = ""
    text: str = ""
    retry_after_seconds: int | None = None


def judge_push(answer: Answer) -> StkAccepted:
    """Return the acceptance in an answer to a push.

    Raises: DarajaRefused for a listed refusal, DarajaUnavailable where the gateway shed the request before taking it,
    DarajaUnknown for everything else.
    """
    if answer.is_accepted:
        return _acceptance(answer)
    raise fault_in(answer)


def fault_in(answer: Answer) -> DarajaRefused | DarajaUnavailable | DarajaUnknown:
    """Return what an answer that is no acceptance means for a request that changes something."""
    match answer.verdict:
        case Verdict.TOKEN_REJECTED:
            return refused("daraja.token_refused", answer)
        case Verdict.REFUSED:
            return refused("daraja.request_refused", answer)
        case Verdict.THROTTLED:
            return throttled(answer)
        case Verdict.UNKNOWN:
            code = "daraja.unreadable_answer" if answer.payload is None else "daraja.unexplained_answer"
            return DarajaUnknown(code, status=answer.status, error_code=answer.error_code, text=answer.error_text)


def refused(code: str, answer: Answer) -> DarajaRefused:
    """Return a refusal with Safaricom's own code and words."""
    return DarajaRefused(
        code, reason=answer.refusal_reason, error_code=answer.error_code, text=answer.error_text or answer.fault_text
    )


def throttled(answer: Answer) -> DarajaUnavailable:
    """Return the error of a gateway that shed load."""
    return DarajaUnavailable(
        "daraja.throttled", retry_after_seconds=THROTTLE_SECONDS, status=answer.status, error_code=answer.error_code
    )


def judge_query(answer: Answer, checkout_request_id: str) -> StkQueryResult:
    """Return what an answer to a query says about one prompt; total, for any answer."""
    if answer.is_accepted and answer.text("ResultCode"):
        return _result(answer, checkout_request_id)
    note = _note(answer)
    return StkQueryResult(
        Standing.PENDING if note is QueryNote.STILL_PROCESSING else Standing.UNKNOWN,
        note,
        text=answer.error_text,
        retry_after_seconds=THROTTLE_SECONDS if note is QueryNote.THROTTLED else None,
    )


def _acceptance(answer: Answer) -> StkAccepted:
    checkout_request_id = answer.text("CheckoutRequestID")
    if not is_request_id(checkout_request_id):
        raise DarajaUnknown("daraja.unexplained_answer", status=answer.status, text="accepted without an id")
    return StkAccepted(answer.text("MerchantRequestID")[:128], checkout_request_id)


def _result(answer: Answer, asked: str) -> StkQueryResult:
    code, text = answer.text("ResultCode"), without_numbers(answer.text("ResultDesc"))
    if answer.text("CheckoutRequestID") not in {"", asked}:
        return StkQueryResult(Standing.UNKNOWN, QueryNote.CONTRADICTION, result_code=code, text=text)
    rule = rule_for(Product.STK, code)
    note = QueryNote.STILL_PROCESSING if rule.standing is Standing.PENDING else QueryNote.RESULT
    return StkQueryResult(rule.standing, note, rule.reason, code, text)


def _note(answer: Answer) -> QueryNote:
    if answer.verdict is Verdict.THROTTLED:
        return QueryNote.THROTTLED
    if answer.payload is None:
        return QueryNote.NO_ANSWER if answer.is_blank else QueryNote.UNREADABLE
    text = answer.error_text.lower()
    if answer.error_code == "500.001.1001" and "being processed" in text:
        return QueryNote.STILL_PROCESSING
    if answer.error_code == "500.001.1001" and "transaction does not exist" in text:
        return QueryNote.NO_SUCH_TRANSACTION
    if answer.error_code == "400.002.02" and "checkoutrequestid" in text:
        return QueryNote.TOO_EARLY_OR_WRONG_ID
    return _NOTES.get(answer.verdict, QueryNote.NO_ANSWER)
