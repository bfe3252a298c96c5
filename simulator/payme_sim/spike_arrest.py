"""The gateway's spike arrest: a smoothed rate with a burst of one.

Lives here: when the next request of an app is let through. Does not live here: the answer to one that is not.
Invariant: two requests of one app are never let through closer together than the interval.
"""

from __future__ import annotations

from datetime import datetime, timedelta

QUERIES_PER_MINUTE = 5


class SpikeArrest:
    """Lets one request of each app through per interval."""

    def __init__(self, per_minute: int = QUERIES_PER_MINUTE) -> None:
        """Allow `per_minute` requests, evenly spaced."""
        self._interval = timedelta(minutes=1) / per_minute
        self._next_at: dict[str, datetime] = {}

    def admit(self, app: str, now: datetime) -> bool:
        """Let a request through and begin its interval, or refuse it and change nothing."""
        if now < self._next_at.get(app, now):
            return False
        self._next_at[app] = now + self._interval
        return True
