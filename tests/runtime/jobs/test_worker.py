import asyncio
import json
from datetime import timedelta

import pytest

from payme.kit.events import Event
from payme.runtime.jobs import DeadLetterNotFound, DeadLetterResolved, Registry, Tasks, subscriptions
from payme.runtime.jobs.dead_letters import drop_dead_letter, list_dead_letters, list_queue, retry_dead_letter
from payme.runtime.jobs.upkeep import list_stuck, trim_log
from tests.runtime.jobs import probe
from tests.runtime.jobs.conftest import Queue, until


async def test_a_job_runs_and_leaves_nothing_behind(queue: Queue) -> None:
    async with queue.worker():
        await queue.enqueue("probe.effect", {"cause": "a"})
        await until(queue.is_empty)
    assert await queue.count("probe_unique_effects", "cause = 'a'") == 1
    statuses = [row["status"] for row in await queue.owner.fetch("select status::text from pgqueuer_log order by id")]
    assert statuses == ["queued", "picked", "successful"]


async def test_many_jobs_each_run_once_over_two_workers(queue: Queue) -> None:
    async with queue.app.unit_of_work() as uow:
        for number in range(60):
            uow.enqueue("probe.finish", {"cause": str(number)})
    async with queue.worker(), queue.worker():
        await until(queue.is_empty)
    assert await queue.count("probe_effects") == 60
    assert await queue.owner.fetchval("select count(distinct cause) from probe_effects") == 60
    assert await queue.count("probe_runs") == 60


@pytest.mark.parametrize("error", ["unavailable", "bug", "later"])
async def test_a_failure_that_may_pass_is_tried_again(queue: Queue, error: str) -> None:
    async with queue.worker():
        await queue.enqueue("probe.fail", {"cause": "a", "error": error, "times": 2})
        await until(queue.is_empty)
    assert await queue.count("probe_runs") == 3
    assert await queue.count("probe_effects", "number = 3") == 1
    assert await queue.count("job_dead_letters") == 0


async def test_attempts_have_a_ceiling_and_end_as_a_dead_letter(queue: Queue) -> None:
    async with queue.worker():
        await queue.enqueue("probe.fail", {"error": "unavailable"}, dedupe_key="k")
        await until(queue.is_empty)
    row = await queue.row("select * from job_dead_letters")
    assert (row["name"], row["attempts"], row["error_class"]) == ("probe.fail", 3, "ProviderUnavailable")
    assert (json.loads(row["payload"])["error"], row["dedupe_key"]) == ("unavailable", "k")
    assert row["first_started_at"] is not None
    assert await queue.count("probe_runs") == 3


@pytest.mark.parametrize(("error", "kind"), [("unwilling", "Unwilling"), ("unknown", "OutcomeUnknown")])
async def test_a_refusal_is_not_repeated(queue: Queue, error: str, kind: str) -> None:
    async with queue.worker():
        await queue.enqueue("probe.fail", {"error": error})
        await until(queue.is_empty)
    assert await queue.count("probe_runs") == 1
    row = await queue.row("select error_class, error_message from job_dead_letters")
    assert row["error_class"] == kind
    assert "254712345" not in row["error_message"]


async def test_a_handler_has_a_time_limit(queue: Queue) -> None:
    async with queue.worker():
        await queue.enqueue("probe.endless")
        await until(queue.is_empty)
    assert await queue.count("probe_runs") == 2
    assert await queue.count("job_dead_letters", "error_class = 'TimeoutError'") == 1


async def test_a_payload_that_is_no_object_is_a_dead_letter(queue: Queue) -> None:
    await queue.owner.execute(
        "select jobs_enqueue('{probe.effect,probe.effect}', '{nonsense,[]}', '{null,null}', '{null,null}')"
    )
    async with queue.worker():
        await until(queue.is_empty)
    assert await queue.count("job_dead_letters", "error_class = 'MalformedPayload'") == 2


async def test_a_job_that_nobody_knows_is_a_dead_letter_after_the_grace(queue: Queue) -> None:
    await queue.enqueue("gone.job", {"x": 1})
    async with queue.worker(unknown_grace_seconds=3600):
        await queue.enqueue("probe.effect", {"cause": "a"})
        await until(lambda: queue.count("probe_unique_effects"))
        assert await queue.count("pgqueuer", "entrypoint = 'gone.job'") == 1
    async with queue.worker():
        await until(queue.is_empty)
    assert await queue.count("job_dead_letters", "error_class = 'UnknownJob' and attempts = 0") == 1


async def test_concurrency_of_a_worker_is_limited(queue: Queue) -> None:
    async with queue.app.unit_of_work() as uow:
        for number in range(9):
            uow.enqueue("probe.slow", {"cause": str(number), "seconds": 0.3})
    most = 0

    async def all_done() -> bool:
        nonlocal most
        most = max(most, await queue.count("pgqueuer", "status = 'picked'"))
        return await queue.is_empty()

    async with queue.worker(concurrency=2):
        await until(all_done)
    assert most == 2


async def test_a_dead_letter_can_be_run_again_once(queue: Queue) -> None:
    async with queue.worker():
        await queue.enqueue("probe.fail", {"error": "unwilling", "times": 1, "cause": "a"})
        await until(queue.is_empty)
        letter = (await queue.as_worker(list_dead_letters))[0]
        await queue.as_worker(lambda uow: retry_dead_letter(uow, letter.id, by="wanjiru"))
        await until(lambda: queue.count("job_dead_letters", "resolution is null"))
    row = await queue.row("select * from job_dead_letters where id = $1", letter.id)
    assert (row["resolution"], row["resolved_by"]) == ("retried", "wanjiru")
    assert await queue.count("job_dead_letters", "resolution is null and attempts = 1") == 1
    with pytest.raises(DeadLetterResolved):
        await queue.as_worker(lambda uow: retry_dead_letter(uow, letter.id, by="otieno"))


async def test_a_dead_letter_can_be_dropped_with_a_reason(queue: Queue) -> None:
    async with queue.worker():
        await queue.enqueue("probe.fail", {"error": "unwilling"})
        await until(queue.is_empty)
    letter = (await queue.as_worker(list_dead_letters))[0]
    await queue.as_worker(lambda uow: drop_dead_letter(uow, letter.id, reason="paid in cash", by="wanjiru"))
    assert await queue.as_worker(list_dead_letters) == []
    assert await queue.count("job_dead_letters", "resolution = 'dropped' and resolution_reason = 'paid in cash'") == 1
    with pytest.raises(DeadLetterNotFound):
        await queue.as_worker(lambda uow: drop_dead_letter(uow, letter.id + 1, reason="", by="wanjiru"))


async def test_what_is_stuck_is_listed(queue: Queue) -> None:
    await queue.enqueue("probe.effect")
    await queue.owner.execute("update pgqueuer set execute_after = now() - interval '1 hour'")
    await queue.enqueue("probe.effect")
    stuck = await queue.as_worker(lambda uow: list_stuck(uow, overdue=timedelta(minutes=10)))
    assert [(job.name, job.status) for job in stuck] == [("probe.effect", "queued")]
    assert (await queue.as_worker(list_queue))[0].jobs == 2


async def test_the_log_of_transitions_is_trimmed(queue: Queue) -> None:
    await queue.enqueue("probe.effect")
    await queue.owner.execute("update pgqueuer_log set created = now() - interval '8 days'")
    await queue.enqueue("probe.effect")
    assert await queue.as_worker(lambda uow: trim_log(uow, keep=timedelta(days=7))) == 1
    assert await queue.count("pgqueuer_log") == 1


async def test_a_schedule_fires_once_for_two_workers(queue: Queue) -> None:
    await queue.owner.execute(
        "insert into pgqueuer_schedules (expression, entrypoint, next_run) values ('0 3 * * *', 'probe.nightly', now())"
    )
    async with queue.worker(), queue.worker():
        await until(lambda: queue.count("probe_effects", "cause = 'nightly'"))
        await until(queue.is_empty)
    assert await queue.count("probe_effects", "cause = 'nightly'") == 1
    assert await queue.count("pgqueuer_log", "status = 'successful'") == 1
    due = (await queue.row("select next_run at time zone 'Africa/Nairobi' as due from pgqueuer_schedules"))["due"]
    assert due.hour in {2, 3}
    assert (due + timedelta(seconds=1)).strftime("%H:%M") == "03:00"


async def test_a_schedule_does_not_fire_twice_for_one_tick(queue: Queue) -> None:
    await queue.owner.execute(
        "insert into pgqueuer_schedules (expression, entrypoint, next_run, last_run)"
        " values ('0 3 * * *', 'probe.nightly', now(), now())"
    )
    async with queue.worker():
        await until(lambda: queue.count("pgqueuer_schedules", "next_run > now() and status = 'queued'"))
        await queue.enqueue("probe.effect", {"cause": "after"})
        await until(lambda: queue.count("probe_unique_effects"))
    assert await queue.count("probe_effects") == 0


def test_a_feature_declares_jobs_under_its_own_name() -> None:
    tasks = Tasks("sales")
    with pytest.raises(AssertionError):
        tasks.job("payments.send")
    with pytest.raises(AssertionError):
        tasks.every("* * * * * *", "sales.tick")
    with pytest.raises(AssertionError):
        Registry.of([probe.tasks, probe.tasks])


def test_subscribers_are_known_by_event() -> None:
    class Paid(Event):
        name = "payment.paid"

    sales, credit = Tasks("sales"), Tasks("credit")

    @sales.on(Paid, job="sales.complete")
    @credit.on(Paid, job="credit.settle")
    async def hear(_: object) -> None:
        await asyncio.sleep(0)

    assert subscriptions([sales, credit]) == {"payment.paid": ["sales.complete", "credit.settle"]}
    assert set(Registry.of([sales, credit]).tasks) == {"sales.complete", "credit.settle"}


async def test_picks_that_nobody_runs_are_given_back_and_keep_no_place(queue: Queue) -> None:
    async with queue.worker() as worker:
        await queue.enqueue("probe.slow", {"cause": "witness", "seconds": 0.3})
        sql = "select queue_manager_id from pgqueuer where status = 'picked'"
        holder = await until(lambda: queue.owner.fetchval(sql))
        await until(queue.is_empty)
        # What a broken line leaves behind: picked in our name, and no answer came, or no start could be written.
        for number in range(worker.limits.concurrency):
            await queue.enqueue("probe.effect", {"cause": f"lost {number}"}, execute_after=timedelta(hours=1))
        await queue.owner.execute(
            "update pgqueuer set status = 'picked', queue_manager_id = $1, heartbeat = now() - interval '1 minute', "
            "execute_after = now() - interval '1 minute'",
            holder,
        )
        await queue.enqueue("probe.effect", {"cause": "new"})
        await until(queue.is_empty)
    assert await queue.count("probe_unique_effects") == worker.limits.concurrency + 1
