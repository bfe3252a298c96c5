"""One synchronous answer of the gateway, read by its content: Safaricom's envelope, Apigee's fault, or neither.

The HTTP status decides nothing except that a bare 429 is a rate limit: error bodies travel with status 200 and pages of
a firewall with any status at all.
Source: Daraja portal, error codes; answers seen on the wire.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from payme.integrations.daraja.result_codes import Reason
from payme.integrations.daraja.wire import JsonObject, Unreadable, as_object, as_text, read_json, without_numbers

TOO_MANY_REQUESTS = 429
SERVER_ERRORS = 500
UNAVAILABLE = 503
MAINTENANCE = "00.002.1001"


class Verdict(StrEnum):
    """What an error code says about a request that moves money."""

    REFUSED = "refused"
    THROTTLED = "throttled"
    TOKEN_REJECTED = "token_rejected"
    UNKNOWN = "unknown"


ERROR_CODES: Mapping[str, Verdict] = MappingProxyType(
    {
        "400.002.02": Verdict.REFUSED,  # Bad Request - Invalid <Field>
        "400.002.05": Verdict.REFUSED,  # Invalid Request Payload
        "400.003.02": Verdict.REFUSED,  # Bad Request
        "400.008.01": Verdict.REFUSED,  # wrong authentication scheme
        "400.008.02": Verdict.REFUSED,  # wrong grant type
        "401.003.01": Verdict.REFUSED,  # wrong version of the product
        "403.002.1001": Verdict.REFUSED,  # not allowed
        "404.001.01": Verdict.REFUSED,  # Resource not found
        "404.002.01": Verdict.REFUSED,
        "404.003.01": Verdict.REFUSED,
        "404.001.04": Verdict.REFUSED,  # Invalid Authentication Header
        "405.001": Verdict.REFUSED,  # Method Not Allowed
        "400.003.01": Verdict.TOKEN_REJECTED,
        "404.001.03": Verdict.TOKEN_REJECTED,
        "401.002.01": Verdict.TOKEN_REJECTED,
        "401.001": Verdict.TOKEN_REJECTED,
        "500.003.02": Verdict.THROTTLED,  # System is busy, Spike Arrest Violation
        "500.003.03": Verdict.THROTTLED,  # Quota Violation
        MAINTENANCE: Verdict.THROTTLED,
        "500.001.1001": Verdict.UNKNOWN,  # its text decides: see `refusal_text_reason`
        "500.002.1001": Verdict.UNKNOWN,  # Duplicate OriginatorConversationID: the first one arrived
        "500.003.1001": Verdict.UNKNOWN,  # Internal Server Error
    }
)

_REFUSAL_TEXTS = (
    ("merchant does not exist", Reason.CONFIG),
    ("wrong credentials", Reason.CONFIG),
    ("unable to lock subscriber", Reason.LOCK),
)
_CUSTOMER_FIELDS = ("invalid phonenumber", "invalid partya")
_REJECTED_TOKEN_FAULTS = ("invalid access token", "invalid_access_token", "invalidaccesstoken", "access_token_expired")
_THROTTLE_FAULTS = ("ratelimit", "spike arrest", "quota violation", "quotaviolation")
_MISSING_PRODUCT = "no apiproduct match found"


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer. `payload` is None where the body is no JSON object, `is_blank` says that there was no body at all."""

    status: int
    payload: JsonObject | None
    is_blank: bool = False

    @property
    def is_from_mpesa(self) -> bool:
        """Whether the product or the gateway's rules speak; a page of a server or firewall, 503 and maintenance are an outage."""
        return self.payload is not None and self.status != UNAVAILABLE and self.error_code != MAINTENANCE

    @property
    def error_code(self) -> str:
        """Safaricom's dotted code, empty where there is none."""
        return as_text((self.payload or {}).get("errorCode"), longest=32)

    @property
    def error_text(self) -> str:
        """Safaricom's words, fit for a log."""
        return without_numbers(as_text((self.payload or {}).get("errorMessage")))

    @property
    def fault_text(self) -> str:
        """The gateway's own words and code in lower case, empty where it is no gateway fault."""
        fault = as_object((self.payload or {}).get("fault")) or {}
        detail = as_object(fault.get("detail")) or {}
        return f"{as_text(fault.get('faultstring'))} {as_text(detail.get('errorcode'))}".strip().lower()

    @property
    def is_accepted(self) -> bool:
        """Whether it says ResponseCode 0 and carries no error beside it."""
        return self.text("ResponseCode") == "0" and not self.error_code and not self.fault_text

    @property
    def verdict(self) -> Verdict:
        """What it says about a request that was not accepted."""
        text = self.error_text.lower()
        if self.text("CheckoutRequestID") or self.text("ConversationID"):
            return Verdict.UNKNOWN
        if "invalid access token" in text or any(words in self.fault_text for words in _REJECTED_TOKEN_FAULTS):
            return Verdict.TOKEN_REJECTED
        if self._is_throttled:
            return Verdict.THROTTLED
        if _MISSING_PRODUCT in f"{text} {self.fault_text}" or self.refusal_text_reason is not None:
            return Verdict.REFUSED
        return ERROR_CODES.get(self.error_code, Verdict.UNKNOWN)

    @property
    def refusal_text_reason(self) -> Reason | None:
        """The reason spelt in the text of 500.001.1001, the one code whose words must be read."""
        if self.error_code != "500.001.1001":
            return None
        text = self.error_text.lower()
        return next((reason for words, reason in _REFUSAL_TEXTS if words in text), None)

    @property
    def refusal_reason(self) -> Reason:
        """Whose fault a refusal is: the customer's number, a locked subscriber, or our set-up."""
        if any(words in self.error_text.lower() for words in _CUSTOMER_FIELDS):
            return Reason.CUSTOMER
        return self.refusal_text_reason or Reason.CONFIG

    def text(self, name: str, *, longest: int = 129) -> str:
        """Return a field as text, cut; empty where it is absent or no text or number."""
        return as_text((self.payload or {}).get(name), longest=longest)

    @property
    def _is_throttled(self) -> bool:
        if any(words in self.fault_text for words in _THROTTLE_FAULTS):
            return True
        unexplained = self.is_blank or (self.payload is not None and not self.error_code and not self.fault_text)
        return self.status == TOO_MANY_REQUESTS and unexplained


def read_answer(status: int, body: bytes) -> Answer:
    """Return an answer of any bytes; what is no JSON object has no payload."""
    try:
        payload = as_object(read_json(body))
    except Unreadable:
        payload = None
    return Answer(status, payload, is_blank=not body.strip())
