"""Which backfills this release has. One stays here as long as a contract of a release in support waits for it."""

from typing import Final

from payme.runtime.database.backfills import Backfill

BACKFILLS: Final[tuple[Backfill, ...]] = ()
