"""The queue library behind our fences: its names pinned, its connection kept alive, its way of ending a job switched off.

The library picks jobs, listens, beats and keeps the clock's schedules. It never ends a job: whatever it would write about
an outcome is dropped here, and `attempts` writes it in the transaction where it belongs. A job about which nothing could
be written stays picked and goes stale, and any worker takes it again.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Self

from croniter import croniter
from pgqueuer.adapters.persistence import qb
from pgqueuer.adapters.persistence.queries import Queries
from pgqueuer.core.executors import AbstractEntrypointExecutor, ScheduleExecutor
from pgqueuer.core.tm import TaskManager
from pgqueuer.domain.settings import DBSettings, Durability
from pgqueuer.domain.types import Channel
from pgqueuer.ports.driver import Driver

from payme.kit.time import NAIROBI, SystemClock

if TYPE_CHECKING:
    from uuid import UUID

    from pgqueuer.domain.models import Job, TracebackRecord
    from pgqueuer.domain.types import JOB_STATUS, JobId
    from pgqueuer.ports.driver import NotifyCallback

    from payme.runtime.database.direct import LastingConnection

CHANNEL: Final = Channel("ch_pgqueuer")
_NOTIFY = "-- jobs.notify\nselect pg_notify($1, $2)"
_BEAT = """
-- jobs.beat
update pgqueuer set heartbeat = now() where id = any($1::bigint[]) and queue_manager_id = $2
"""


def pinned_settings() -> DBSettings:
    """Return the names of the migration, whatever the environment says.

    Left to itself the library also reads bare variables such as CHANNEL and TRIGGER.
    """
    return DBSettings(
        prefix="",
        db_schema=None,
        channel=CHANNEL,
        function="fn_pgqueuer_changed",
        statistics_table="pgqueuer_statistics",
        queue_status_type="pgqueuer_status",
        queue_table="pgqueuer",
        queue_table_log="pgqueuer_log",
        trigger="tg_pgqueuer_changed",
        schedules_table="pgqueuer_schedules",
        durability=Durability.durable,
        widen_id=False,
    )


class LastingDriver(Driver):
    """The library's view of one lasting connection.

    Every statement of the library may be repeated: what it picked without our learning of it goes stale and is picked again.
    """

    def __init__(self, connection: LastingConnection) -> None:
        """Wrap the connection; whoever made it closes it."""
        self._connection = connection
        self._shutdown = asyncio.Event()

    async def fetch(self, query: str, *args: object) -> list[dict[str, object]]:
        """Return the rows of a query."""
        # house: allow composed-sql the library's statements, with names that `pinned_settings` fixes
        return await self._connection.fetch(query, *args)

    async def execute(self, query: str, *args: object) -> str:
        """Run a statement and return its status."""
        # house: allow composed-sql the library's statements, with names that `pinned_settings` fixes
        return await self._connection.execute(query, *args)

    async def notify(self, channel: str, payload: str) -> None:
        """Notify a channel."""
        await self._connection.execute(_NOTIFY, channel, payload)

    async def add_listener(self, channel: str, callback: NotifyCallback) -> None:
        """Listen on a channel."""
        await self._connection.listen(channel, callback)

    @property
    def shutdown(self) -> asyncio.Event:
        """An event that the library asks for."""
        return self._shutdown

    @property
    def tm(self) -> TaskManager:
        """A keeper of tasks that the library asks for."""
        return TaskManager()

    async def __aenter__(self) -> Self:
        """Enter; two of the library's parts share one driver."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Leave; the connection stays."""


class FencedQueries(Queries):
    """The library's statements without those that end a job, and with heartbeats only for what this worker still holds."""

    def __init__(self, driver: Driver) -> None:
        """Bind the statements to the pinned names."""
        settings = pinned_settings()
        super().__init__(
            driver,
            qb.QueryBuilderEnvironment(settings),
            qb.QueryQueueBuilder(settings),
            qb.QuerySchedulerBuilder(settings),
        )
        self.holder: UUID | None = None

    async def log_jobs(self, job_status: list[tuple[Job, JOB_STATUS, TracebackRecord | None]]) -> None:
        """Write nothing: the outcome is written already, or the job must run again."""

    async def retry_job(self, job: Job, delay: timedelta, traceback_record: TracebackRecord | None) -> None:
        """Write nothing; see `log_jobs`."""

    async def update_heartbeat(self, job_ids: list[JobId]) -> None:
        """Keep those of the jobs alive that this worker holds: one that was overtaken must not speak for the other."""
        await self.driver.execute(_BEAT, sorted(set(job_ids)), self.holder)


class HandedOver(AbstractEntrypointExecutor):
    """Passes a picked job on to the handler that was registered, which settles everything itself."""

    async def execute(self, job: Job, context: Any) -> None:  # noqa: ARG002 -- the library's signature
        """Run the job to its end, whatever that is."""
        handle: Any = self.parameters.func
        await handle(job)


class NairobiSchedule(ScheduleExecutor):
    """A schedule whose expression is read in Nairobi time."""

    def get_next(self) -> datetime:
        """Return the next instant, in UTC."""
        following: datetime = croniter(self.parameters.expression, SystemClock().now().astimezone(NAIROBI)).get_next(
            datetime
        )
        return following.astimezone(UTC)
