import asyncio

from typer.testing import CliRunner

from payme.entrypoints.cli_jobs import app
from payme.entrypoints.features import all_tasks, wire
from payme.entrypoints.worker import limits_of
from payme.runtime.jobs import Registry
from payme.runtime.secrets import load_settings
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


def test_a_worker_behaves_as_the_settings_say() -> None:
    settings = load_settings({"DATABASE_URL": "postgresql://a:b@127.0.0.1/c", "WORKER_POOL_SIZE": "9"}, env_file=None)
    limits = limits_of(settings)
    assert limits.concurrency == 8
    assert limits.heartbeat_seconds >= 30
    assert limits.drain_seconds <= 20


def test_every_feature_is_wired() -> None:
    tasks = all_tasks()
    registry, wiring = Registry.of(tasks, attempts=7), wire({})
    assert registry.tasks["jobs.trim_log"].attempts == 7
    assert {job for jobs in wiring.jobs.values() for job in jobs} <= set(registry.tasks)
    assert "sales.receive_payment" in wiring.jobs["payment.succeeded"]
