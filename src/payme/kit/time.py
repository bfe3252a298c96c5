"""Time: aware UTC inside, Africa/Nairobi for business days. The clock is passed in; only this module reads the real one."""

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Protocol
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, WithJsonSchema

NAIROBI = ZoneInfo("Africa/Nairobi")
_WITH_YEAR = re.compile(r"[0-9]{4}-")


class Clock(Protocol):
    """Whatever tells the time."""

    def now(self) -> datetime:
        """Return the present instant, aware, in UTC."""
        ...


class SystemClock:
    """The machine's clock, moved by a fixed offset when an environment asks for it."""

    def __init__(self, offset: timedelta = timedelta()) -> None:
        self.offset = offset

    def now(self) -> datetime:
        """Return the present instant, aware, in UTC."""
        return datetime.now(UTC) + self.offset


class FrozenClock:
    """A clock that moves when told; for tests and for seeding the demo's past."""

    def __init__(self, instant: datetime) -> None:
        assert instant.tzinfo is not None, "a clock tells aware time"
        self.instant = instant

    def now(self) -> datetime:
        """Return the instant it was set to."""
        return self.instant

    def advance(self, by: timedelta) -> None:
        """Move forward."""
        self.instant += by


def _in_utc(value: datetime) -> datetime:
    try:
        return value.astimezone(UTC)
    except OverflowError:
        message = "must lie between the years 1 and 9999 in UTC"
        raise ValueError(message) from None


def _written_out(value: object) -> object:
    # Pydantic reads a bare number as seconds since 1970.
    if isinstance(value, str) and not _WITH_YEAR.match(value):
        message = "must be written as RFC 3339 says"
        raise ValueError(message)
    return value


def _whole_minutes(value: time) -> time:
    if value.tzinfo is not None or value.second or value.microsecond:
        message = "must be hours and minutes, without a time zone"
        raise ValueError(message)
    return value


Instant = Annotated[AwareDatetime, AfterValidator(_in_utc)]
"""An instant that somebody sends, with any offset; in UTC from here on."""

QueryInstant = Annotated[Instant, BeforeValidator(_written_out)]
"""The same out of a query, where everything is text."""

QueryDay = Annotated[date, BeforeValidator(_written_out)]
"""A day of the calendar out of a query."""

TimeOfDay = Annotated[
    time,
    AfterValidator(_whole_minutes),
    WithJsonSchema({"type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9](:00)?$", "examples": ["04:00:00"]}),
]
"""Hours and minutes on the wall in Nairobi."""


def business_day(instant: datetime, day_starts_at: time = time(0)) -> date:
    """Return the business day, in Nairobi, that an aware instant belongs to; bars close at 04:00, so the start is a setting."""
    local = instant.astimezone(NAIROBI)
    shift = timedelta(hours=day_starts_at.hour, minutes=day_starts_at.minute)
    return (local - shift).date()


def day_bounds(day: date, day_starts_at: time = time(0)) -> tuple[datetime, datetime]:
    """Return the first instant of a business day and the first one after it, in UTC."""
    start = datetime.combine(day, day_starts_at, tzinfo=NAIROBI)
    return start.astimezone(UTC), (start + timedelta(days=1)).astimezone(UTC)
