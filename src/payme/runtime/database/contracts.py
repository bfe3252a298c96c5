"""Whether a revision that removes something may run yet: nobody in support needs it, and its backfill has left nothing.

A database remembers which releases migrated it. A release is in support until some days after its successor first did, because
that long one goes back by running the image before. A database that is new has no release before, so nothing waits.
Not here: running revisions (`migrations`) and backfills (`backfills`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from payme.runtime.database.revisions import Phase, Revision

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

FIRST_RELEASE: Final = "0.1.0"
"""What a database was run by before releases were written down."""
HAS_RECORDS: Final = "select to_regclass('schema_releases') is not null and to_regclass('backfills') is not null"
READ_RELEASES: Final = "select release, first_at, now() as now from schema_releases order by first_at, release"
READ_VERIFIED: Final = "select name from backfills where verified_at is not null"
WRITE_RELEASE: Final = """
insert into schema_releases (release, first_at)
values ($1, coalesce($2, now())) on conflict (release) do nothing
"""
READ_BEGINNING: Final = "select min(applied_at) from schema_migrations"


@dataclass(frozen=True, slots=True)
class Support:
    """Releases that migrated the database, oldest first, with when; the length of support; and which backfills left nothing.

    `is_new`: nothing ran on this database before.
    """

    is_new: bool
    now: datetime | None = None
    window: timedelta = timedelta(0)
    releases: Sequence[tuple[str, datetime]] = ()
    verified: Collection[str] = field(default_factory=frozenset[str])

    def why_not(self, revision: Revision) -> str | None:
        """Return why a revision may not run yet, as a sentence, or None where it may."""
        if revision.phase is not Phase.CONTRACT or self.is_new:
            return None
        wanted = revision.directives.unused_since
        for release, until in reversed(self._in_support()):
            if wanted and _order(release) < _order(wanted):
                return f"{revision.file_name} waits: release {release} needs what it removes, and is in support until {until}."
        backfill = revision.directives.after_backfill
        if backfill and backfill not in self.verified:
            return f"{revision.file_name} waits: run payme migrate backfill {backfill} until its count says that 0 are left."
        return None

    def _in_support(self) -> list[tuple[str, str]]:
        """Return the releases that somebody may still run or go back to, with until when, in words."""
        followers = [*(first_at for _, first_at in self.releases[1:]), None]
        found: list[tuple[str, str]] = []
        for (release, _), followed_at in zip(self.releases, followers, strict=False):
            if followed_at is None:
                found.append((release, "its successor has been out for a while"))
            elif self.now is not None and followed_at + self.window > self.now:
                found.append((release, f"{followed_at + self.window:%Y-%m-%d %H:%M} UTC"))
        return found


async def read_support(connection: Any, *, is_new: bool, window: timedelta) -> Support:
    """Return what a database remembers; one that was never written down, but was used, was run by the first release."""
    if is_new or not await connection.fetchval(HAS_RECORDS):
        return Support(is_new=is_new)
    rows = await connection.fetch(READ_RELEASES)
    verified = frozenset(row["name"] for row in await connection.fetch(READ_VERIFIED))
    releases = [(row["release"], row["first_at"]) for row in rows]
    return Support(is_new, rows[0]["now"] if rows else None, window, releases, verified)


async def note_release(connection: Any, release: str, *, is_new: bool) -> None:
    """Write down that a release has migrated this database, and which one did before, where that was before anybody wrote."""
    if not release or not await connection.fetchval(HAS_RECORDS):
        return
    if not is_new and not await connection.fetch(READ_RELEASES):
        beginning = await connection.fetchval(READ_BEGINNING)
        await connection.execute(WRITE_RELEASE, FIRST_RELEASE, beginning)
    await connection.execute(WRITE_RELEASE, release, None)


def _order(release: str) -> tuple[int, ...]:
    return tuple(int(part) for part in release.split("."))
