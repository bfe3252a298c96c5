"""How busy the database is for others, and when that is too busy for a backfill: replicas behind, jobs that wait.

Asked as the owner, who may be told how far replicas are; where that is kept from him too, it is known to be unknown.
"""

from dataclasses import dataclass
from typing import Final

from payme.runtime.database.unit_of_work import UnitOfWork

MEGABYTE: Final = 1 << 20
LOOK: Final = """
-- backfills.read_pressure
select
  coalesce((select max(extract(epoch from replay_lag) * 1000) from pg_stat_replication), 0)::bigint as lag_ms,
  coalesce((select max(pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn)) from pg_stat_replication), 0)::bigint as lag_bytes,
  (select count(*) from pg_stat_replication where state is null) as unseen,
  coalesce((select extract(epoch from now() - min(execute_after)) * 1000 from pgqueuer
    where status = 'queued' and execute_after <= now()), 0)::bigint as queue_ms
"""


@dataclass(frozen=True, slots=True)
class Pressure:
    """The farthest replica in milliseconds and bytes, replicas that one may not see, the age of the oldest job that is due."""

    lag_ms: int = 0
    lag_bytes: int = 0
    unseen: int = 0
    queue_ms: int = 0


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast a backfill goes: rows in a batch, and from which pressure on it waits, for how long at most."""

    batch_rows: int = 500
    most_lag_ms: int = 5_000
    most_lag_bytes: int = 64 * MEGABYTE
    most_queue_ms: int = 10_000
    look_seconds: float = 1.0
    give_up_seconds: float = 3_600.0

    def why_wait(self, pressure: Pressure) -> str | None:
        """Return why the next batch has to wait, or None."""
        if pressure.lag_ms > self.most_lag_ms:
            return f"a replica is {pressure.lag_ms / 1000:.1f} s behind"
        if pressure.lag_bytes > self.most_lag_bytes:
            return f"a replica is {pressure.lag_bytes // MEGABYTE} MiB behind"
        if pressure.queue_ms > self.most_queue_ms:
            return f"a job has been due for {pressure.queue_ms / 1000:.1f} s"
        return None


async def read_pressure(uow: UnitOfWork) -> Pressure:
    """Return how busy it is at this moment."""
    row = await uow.fetchrow(LOOK)
    assert row is not None, "this query always has a row"
    return Pressure(**dict(row))
