"""Which stretch of time to pull next, and what is covered afterwards. Windows overlap, because Safaricom is late at times."""

from datetime import datetime, timedelta
from typing import Final

from payme.kit.values import value

LOOKS_BACK: Final = timedelta(hours=47)
"""Safaricom keeps 48 hours; an hour is left for the way."""
OVERLAP: Final = timedelta(hours=3)
"""Nobody knows whether Pull tells the time of Nairobi or of UTC."""
SETTLED_AFTER: Final = timedelta(minutes=5)
"""Younger payments may not be in Pull yet."""


@value
class Window:
    """Two aware instants; the first is in it, the last is not."""

    starts_at: datetime
    ends_at: datetime


def next_window(covered: Window | None, now: datetime) -> Window:
    """Return what to ask for now: from before the end of what is covered, as far back as Safaricom keeps it."""
    earliest = now - LOOKS_BACK
    return Window(max(earliest, covered.ends_at - OVERLAP) if covered else earliest, now)


def extended(covered: Window | None, asked: Window) -> Window:
    """Return what is covered without a gap once a window was pulled to its last row; a gap begins anew after it."""
    ends_at = asked.ends_at - SETTLED_AFTER
    if covered is None or covered.ends_at < asked.starts_at:
        return Window(min(asked.starts_at, ends_at), ends_at)
    return Window(covered.starts_at, max(covered.ends_at, ends_at))


def is_overdue(asked_at: datetime, covered: Window, *, patience: timedelta) -> bool:
    """Say whether a prompt's money would have been pulled by now: its whole patience lies in what is covered."""
    return covered.starts_at <= asked_at - SETTLED_AFTER and asked_at + patience <= covered.ends_at
