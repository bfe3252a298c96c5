"""For whom an operation is ordered, and where its result goes."""

from dataclasses import dataclass, field
from enum import StrEnum

from payme.integrations.daraja.callback_urls import require_callback_url
from payme.integrations.daraja.field_rules import require_shortcode
from payme.integrations.daraja.operations.initiators import Initiator


class IdentifierType(StrEnum):
    """What kind of number a party is; a reversal has one of its own."""

    MSISDN = "1"
    TILL = "2"
    SHORTCODE = "4"
    REVERSAL = "11"


@dataclass(frozen=True, slots=True)
class OperatingAccount:
    """The shortcode whose money or records are meant, and the operator who may order it.

    Raises: InvalidRequest where the shortcode has not 5 to 7 digits.
    """

    shortcode: str
    initiator: Initiator

    def __post_init__(self) -> None:
        require_shortcode(self.shortcode)


@dataclass(frozen=True, slots=True)
class ResultUrls:
    """Where the result goes, and where the news that M-Pesa did not get to it; each with a secret of its own."""

    result_url: str = field(repr=False)
    timeout_url: str = field(repr=False)

    def require_urls(self, *, production: bool) -> None:
        """Accept both addresses or raise.

        Raises: InvalidCallbackUrl.
        """
        require_callback_url(self.result_url, production=production)
        require_callback_url(self.timeout_url, production=production)

    def fields(self) -> dict[str, str]:
        """Return them under Safaricom's names."""
        return {"ResultURL": self.result_url, "QueueTimeOutURL": self.timeout_url}
