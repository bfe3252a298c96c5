"""Opening Pull for a shortcode, and asking for the payments of a window of time.

Source: Daraja portal, Pull Transactions; it says GET and shows a body, everybody posts.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from payme.integrations.daraja.errors import InvalidRequest
from payme.integrations.daraja.field_rules import require_msisdn, require_shortcode
from payme.kit.time import NAIROBI

LONGEST_WINDOW = timedelta(hours=48)
CLOCK_DIFFERENCE = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class PullRegistration:
    """Opens Pull for a shortcode; `nominated_number` is the phone in the shortcode's papers on the portal.

    Raises: InvalidRequest.
    """

    shortcode: str
    nominated_number: str = field(repr=False)
    callback_url: str = field(repr=False)

    def __post_init__(self) -> None:
        require_shortcode(self.shortcode)
        require_msisdn(self.nominated_number, field="nominated_number")

    def body(self) -> dict[str, str | int]:
        """Return the JSON body."""
        return {
            "ShortCode": self.shortcode,
            "RequestType": "Pull",
            "NominatedNumber": require_msisdn(self.nominated_number, field="nominated_number"),
            "CallBackURL": self.callback_url,
        }


@dataclass(frozen=True, slots=True)
class PullQuery:
    """Asks for one page of the payments between two aware instants, at most 48 hours apart; `offset` counts rows.

    Raises: InvalidRequest.
    """

    shortcode: str
    starts_at: datetime
    ends_at: datetime
    offset: int = 0

    def __post_init__(self) -> None:
        assert self.starts_at.tzinfo is not None, "an instant is aware"
        assert self.ends_at.tzinfo is not None, "an instant is aware"
        require_shortcode(self.shortcode)
        if not timedelta() < self.ends_at - self.starts_at <= LONGEST_WINDOW:
            raise InvalidRequest(field="ends_at", rule="at most 48 hours after the start")
        if self.offset < 0:
            raise InvalidRequest(field="offset", rule="0 or more")

    def require_recent(self, now: datetime) -> None:
        """Accept a window that Safaricom still remembers, or raise.

        Raises: InvalidRequest.
        """
        if now - self.starts_at > LONGEST_WINDOW + CLOCK_DIFFERENCE:
            raise InvalidRequest(field="starts_at", rule="within the last 48 hours")

    def from_row(self, offset: int) -> "PullQuery":
        """Return the query for the page that begins at a row."""
        return replace(self, offset=offset)

    def body(self) -> dict[str, str | int]:
        """Return the JSON body; times are Nairobi's."""
        return {
            "ShortCode": self.shortcode,
            "StartDate": _written(self.starts_at),
            "EndDate": _written(self.ends_at),
            "OffSetValue": str(self.offset),
        }


def _written(at: datetime) -> str:
    return at.astimezone(NAIROBI).strftime("%Y-%m-%d %H:%M:%S")
