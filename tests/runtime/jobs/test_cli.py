import asyncio

import pytest
from typer.testing import CliRunner

from payme.entrypoints.cli_jobs import app
from payme.entrypoints.worker import WorkerSettings
from payme.runtime.jobs.worker import WorkerLimits
from tests.runtime.jobs.conftest import Queue, until


async def payme_jobs(queue: Queue, *arguments: str) -> tuple[int, str]:
    environment = {"DATABASE_URL": queue.dsn, "COLUMNS": "200"}
    result = await asyncio.to_thread(CliRunner().invoke, app, list(arguments), env=environment)
    return result.exit_code, result.output


async def test_an_operator_sees_and_resolves_dead_letters(queue: Queue) -> None:
    async with queue.worker():
        await queue.enqueue("probe.fail", {"error": "unwilling"})
        await until(queue.is_empty)
    number = str((await queue.row("select id from job_dead_letters"))["id"])
    code, output = await payme_jobs(queue, "dead")
    assert code == 0
    assert "probe.fail" in output
    assert "Unwilling" in output
    assert (await payme_jobs(queue, "retry", number))[0] == 0
    code, output = await payme_jobs(queue, "list")
    assert "probe.fail" in output
    code, output = await payme_jobs(queue, "drop", number, "--reason", "seen to")
    assert code == 1
    assert "already" in output
    assert await queue.count("pgqueuer") == 1


def test_settings_are_read_from_the_environment() -> None:
    settings = WorkerSettings.from_environment({"DATABASE_URL": "postgresql://x", "WORKER_CONCURRENCY": "4"})
    assert settings.direct_url == "postgresql://x"
    assert settings.limits == WorkerLimits(concurrency=4)
    assert settings.limits.heartbeat_seconds >= 30
    with pytest.raises(KeyError):
        WorkerSettings.from_environment({})
