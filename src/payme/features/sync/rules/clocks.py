"""Hybrid logical clocks as devices write them: `<milliseconds>-<counter>-<device>`.

Invariant: no clock counts for more than five minutes ahead of the server, however wrong the device's is.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from payme.kit.values import value

MOST_AHEAD: Final = timedelta(minutes=5)
PATTERN: Final = r"^[0-9]{1,15}-[0-9]{1,9}-[0-9A-Za-z_-]{1,64}$"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)


@value
class Stamp:
    """One reading, ordered by time, then counter, then device."""

    milliseconds: int
    counter: int
    device: str

    @property
    def key(self) -> tuple[int, int, str]:
        """What readings are compared by."""
        return self.milliseconds, self.counter, self.device

    def __str__(self) -> str:
        return f"{self.milliseconds}-{self.counter}-{self.device}"


def read_stamp(text: str | None, *, now: datetime) -> Stamp | None:
    """Return what a device wrote, bounded by the server's time and five minutes; None where it wrote none."""
    if text is None or not re.fullmatch(PATTERN, text):
        return None
    milliseconds, counter, device = text.split("-", 2)
    return Stamp(min(int(milliseconds), milliseconds_of(now + MOST_AHEAD)), int(counter), device)


def milliseconds_of(instant: datetime) -> int:
    """Return the milliseconds since 1970."""
    return (instant - _EPOCH) // _MILLISECOND


def is_later(sent: Stamp | None, kept: Stamp | None) -> bool:
    """Say whether what is sent was written after what is kept; without a reading it was not."""
    if sent is None:
        return False
    return kept is None or sent.key > kept.key
