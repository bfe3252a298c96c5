"""Telling Safaricom where to send the news of payments, and reading what it says to that.

In production the addresses of a shortcode are taken once; a change needs two people on the organisation's portal. So
"already registered" is a state, not an error. Whose addresses those are, nobody tells.
Source: Daraja portal, C2B register URL; answers seen on the wire.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from payme.integrations.daraja.answers import SERVER_ERRORS, Answer, Verdict
from payme.integrations.daraja.callback_urls import require_callback_url
from payme.integrations.daraja.errors import DarajaRefused
from payme.integrations.daraja.field_rules import require_shortcode
from payme.integrations.daraja.outcomes import fault_in
from payme.integrations.daraja.result_codes import Reason

WRONG_VERSION = "401.003.01"
_READ_THE_TEXT = "500.003.1001"


class C2bResponse(StrEnum):
    """What happens to a payment when a validation is not answered in time."""

    COMPLETED = "Completed"
    CANCELLED = "Cancelled"


class C2bVersion(StrEnum):
    """Version 1 hashes the payer's number, version 2 masks it; the app's product decides which one is open to us."""

    V2 = "v2"
    V1 = "v1"


class UrlsState(StrEnum):
    """Whether the addresses are ours for certain, or some addresses stood there before."""

    REGISTERED = "registered"
    ALREADY_REGISTERED = "already_registered"


@dataclass(frozen=True, slots=True)
class C2bUrls:
    """The two addresses of one shortcode, each with a secret of its own.

    Raises: InvalidRequest where the shortcode has not 5 to 7 digits.
    """

    shortcode: str
    confirmation_url: str = field(repr=False)
    validation_url: str = field(repr=False)
    response_type: C2bResponse = C2bResponse.COMPLETED

    def __post_init__(self) -> None:
        require_shortcode(self.shortcode)

    def require_urls(self, *, production: bool) -> None:
        """Accept both addresses or raise.

        Raises: InvalidCallbackUrl.
        """
        require_callback_url(self.confirmation_url, production=production)
        require_callback_url(self.validation_url, production=production)

    def body(self) -> dict[str, str | int]:
        """Return the JSON body."""
        return {
            "ShortCode": self.shortcode,
            "ResponseType": self.response_type.value,
            "ConfirmationURL": self.confirmation_url,
            "ValidationURL": self.validation_url,
        }


@dataclass(frozen=True, slots=True)
class UrlsRegistration:
    """What a registration came to, and the version of C2B that took it."""

    state: UrlsState
    version: C2bVersion


def judge_registration(answer: Answer, version: C2bVersion) -> UrlsRegistration:
    """Return the state in an answer to a registration.

    Raises: DarajaRefused (`daraja.on_old_platform` where the shortcode is still on the old aggregator platform),
    DarajaUnavailable, DarajaUnknown.
    """
    if answer.is_accepted:
        return UrlsRegistration(UrlsState.REGISTERED, version)
    if is_already_registered(answer):
        return UrlsRegistration(UrlsState.ALREADY_REGISTERED, version)
    if _is_on_old_platform(answer):
        raise DarajaRefused(
            "daraja.on_old_platform", reason=Reason.CONFIG, error_code=answer.error_code, text=answer.error_text
        )
    raise fault_in(answer)


def deserves_one_more(answer: Answer) -> bool:
    """Say whether a registration may be tried once more: the server broke, said nothing of a state, and is not busy."""
    has_failed = answer.status >= SERVER_ERRORS and answer.verdict is Verdict.UNKNOWN
    return has_failed and not is_already_registered(answer) and not _is_on_old_platform(answer)


def is_already_registered(answer: Answer) -> bool:
    """Say whether addresses stood there before; the code alone is also that of an outage."""
    return answer.error_code == _READ_THE_TEXT and "already registered" in answer.error_text.lower()


def _is_on_old_platform(answer: Answer) -> bool:
    return answer.error_code == _READ_THE_TEXT and "duplicate notification info" in answer.error_text.lower()
