"""A job that fails for good for want of our own skill is reported once; what it was about stays here."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from payme.kit.errors import ProviderUnavailable, Refused
from payme.runtime.database import UnitOfWork
from payme.runtime.jobs import Backoff, JobContext, Registry, Tasks
from payme.runtime.observability import ReportOptions, start_reports, stop_reports
from tests.runtime.jobs.conftest import Queue, until
from tests.sentry_server import SentryServer

QUICK = Backoff(first=timedelta(milliseconds=10), longest=timedelta(milliseconds=20))
PLANTED = ("254712345678", "712345678", "JOHN", "KAMAU", "passkey-of-a-shop", "hidden-argument")
tasks = Tasks("report")


class Sold(Refused):
    """It is sold already."""

    code = "report.sold"


@tasks.job("report.bug", attempts=2, backoff=QUICK)
async def bug(job: JobContext) -> None:
    """Fail over a callback of M-Pesa, with secrets all around."""
    callback = {"FirstName": "JOHN", "LastName": "KAMAU", "MSISDN": job.payload["phone"]}
    raise ValueError(f"no receipt for {callback['MSISDN']}, passkey=passkey-of-a-shop\n{callback}")


@tasks.job("report.sql", attempts=1, backoff=QUICK)
async def sql(job: JobContext) -> None:
    """Fail inside PostgreSQL, which repeats what it was given."""

    async def work(uow: UnitOfWork) -> None:
        await uow.execute("insert into probe_unique_effects (cause, number) values ($1, 1), ($1, 2)", "hidden-argument")

    await job.run(work)


@tasks.job("report.expected", attempts=1, backoff=QUICK)
async def expected(job: JobContext) -> None:
    """Be refused."""
    raise {"sold": Sold(), "away": ProviderUnavailable("later")}[job.payload["how"]]


@pytest.fixture
def server() -> Iterator[SentryServer]:
    with SentryServer() as running:
        start_reports(ReportOptions(running.dsn, "test", "abc1234", 1.0))
        yield running
        stop_reports()


async def test_a_job_that_fails_for_good_is_reported_once(queue: Queue, server: SentryServer) -> None:
    await queue.enqueue("report.bug", {"phone": "254712345678"})
    await queue.enqueue("report.sql")
    for how in ("sold", "away"):
        await queue.enqueue("report.expected", {"how": how})
    async with queue.worker(Registry.of([tasks])):
        await until(queue.is_empty)
    stop_reports()
    assert await queue.count("job_dead_letters") == 4
    events = {event["tags"]["job"]: event for event in server.wait_for("event", 2)}
    assert set(events) == {"report.bug", "report.sql"}
    assert len(server.items("event")) == 2
    assert events["report.bug"]["tags"]["attempts"] == "2"
    assert "no receipt for *********678" in events["report.bug"]["exception"]["values"][-1]["value"]
    timed = {each["transaction"] for each in server.wait_for("transaction", 5)}
    assert timed == {"report.bug", "report.sql", "report.expected"}
    sent = b"".join(server.bodies).decode()
    assert [each for each in PLANTED if each in sent] == []
