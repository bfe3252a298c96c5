"""What the first answer to an operation says: taken, refused, sent before, or unknown. No money has moved by any of them.

Source: Daraja portal, B2C, B2B, reversals, status, balance, and the list of error codes.
"""

from dataclasses import dataclass

from payme.integrations.daraja.answers import Answer, Verdict
from payme.integrations.daraja.errors import DarajaRefused, DarajaUnknown, DuplicateRequest
from payme.integrations.daraja.operations.payouts import B2cVersion
from payme.integrations.daraja.outcomes import fault_in
from payme.integrations.daraja.requests import is_request_id
from payme.integrations.daraja.result_codes import Reason

NOT_ALLOWED = "403.002.1001"
_DUPLICATE = "500.002.1001"
_BAD_FIELD = frozenset({"400.002.02", "400.002.05"})
_PERSON = "invalid partyb"


@dataclass(frozen=True, slots=True)
class OperationAccepted:
    """Safaricom took the request; the result comes to the result address under these ids."""

    conversation_id: str
    originator_conversation_id: str


@dataclass(frozen=True, slots=True)
class PayoutAccepted:
    """Safaricom took the payout. Under version 1 the originator's id is Safaricom's and not ours."""

    conversation_id: str
    originator_conversation_id: str
    version: B2cVersion


def judge_operation(answer: Answer, *, pays_a_person: bool = False) -> OperationAccepted:
    """Return the acceptance in an answer to an operation.

    Raises: DarajaRefused for a listed refusal, DarajaUnavailable where the gateway shed the request before taking it,
    DuplicateRequest where our id was used before, DarajaUnknown for everything else.
    """
    if answer.is_accepted:
        return _acceptance(answer)
    if answer.error_code == _DUPLICATE and "duplicate" in answer.error_text.lower():
        raise DuplicateRequest(error_code=answer.error_code, text=answer.error_text)
    if answer.verdict is not Verdict.REFUSED:
        raise fault_in(answer)
    raise DarajaRefused(
        "daraja.request_refused",
        reason=_reason(answer, pays_a_person=pays_a_person),
        error_code=answer.error_code,
        text=answer.error_text or answer.fault_text,
    )


def is_kept_out(answer: Answer) -> bool:
    """Say whether our app was kept out of a version, so that nothing was taken and another version may be asked."""
    return answer.error_code == NOT_ALLOWED and answer.verdict is Verdict.REFUSED and not answer.is_accepted


def _acceptance(answer: Answer) -> OperationAccepted:
    conversation_id, originator_id = answer.text("ConversationID"), answer.text("OriginatorConversationID")
    if not is_request_id(conversation_id) and not is_request_id(originator_id):
        raise DarajaUnknown("daraja.unexplained_answer", status=answer.status, text="accepted without an id")
    return OperationAccepted(conversation_id[:128], originator_id[:128])


def _reason(answer: Answer, *, pays_a_person: bool) -> Reason:
    if pays_a_person and _PERSON in answer.error_text.lower():
        return Reason.CUSTOMER
    if answer.error_code in _BAD_FIELD:
        return Reason.REQUEST
    return answer.refusal_text_reason or Reason.CONFIG
