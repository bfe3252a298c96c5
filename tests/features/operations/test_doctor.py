"""`payme doctor` names what is wrong, says what to do, and keeps secrets to itself."""

import re
import secrets
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from payme.features.operations import examine_backups, examine_server
from payme.features.operations.schemas import Drill
from payme.features.operations.services.backups.shelf import shelf_of
from payme.kit.time import SystemClock
from payme.runtime.database import Database, PoolLimits
from payme.runtime.security.sealing import new_identity
from payme.runtime.settings import Environment
from tests.features.operations.commands import payme, payme_json
from tests.simulator import SimulatorProcess
from tests.sound_database import SoundDatabase
from tests.sound_shop import SETTINGS, settings_for

CALLBACKS = {"MPESA_CALLBACK_BASE_URL": "https://pay.example.co.ke"}


def by_subject(diagnoses: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {each["subject"]: each for each in diagnoses}


async def test_wrong_settings_are_named_each_with_what_to_do() -> None:
    environment = {
        "DATABASE_URL": "",
        "JWT_SECRET": "too-short-and-hidden",
        "TOKENS_WELCOM": "30",
        "APP_ENV": "production",
    }
    code, diagnoses = await payme_json("doctor", **environment)
    found = by_subject(diagnoses)
    assert code == 1
    assert found["DATABASE_URL"]["found"] == "is missing."
    assert "did you mean TOKENS_WELCOME" in found["TOKENS_WELCOM"]["found"]
    assert "must have 32 characters" in found["JWT_SECRET"]["found"]
    assert "its own" in found["BLIND_INDEX_KEY"]["found"] or "one of its own" in found["BLIND_INDEX_KEY"]["found"]
    assert all(each["next_step"] for each in diagnoses if each["mark"] == "bad")
    assert "too-short-and-hidden" not in str(diagnoses)


async def test_a_database_that_does_not_answer() -> None:
    code, output = await payme("doctor", DATABASE_URL="postgresql://payme:hidden@127.0.0.1:9/x")
    assert code == 1
    assert "cannot be reached" in output
    assert "Is PostgreSQL up" in output
    assert not any(secret in output for secret in ("hidden", *(SETTINGS[name] for name in SETTINGS if "MPESA" in name)))


async def test_a_database_that_was_never_migrated(make_database: Any) -> None:
    dsn = await make_database(template="template0")
    code, diagnoses = await payme_json("doctor", DATABASE_URL=dsn)
    found = by_subject(diagnoses)
    assert code == 1
    assert "revisions are pending" in found["Schema"]["found"]
    assert "payme migrate up" in found["Schema"]["next_step"]


async def test_a_shop_at_rest_lacks_only_its_worker(copied: str, owner: asyncpg.Connection) -> None:
    # Nobody runs the sound shop's jobs, and how long ago it was made depends on the tests before this one.
    await owner.execute("update pgqueuer set execute_after = now()")
    code, diagnoses = await payme_json("doctor", DATABASE_URL=copied, **CALLBACKS)
    found = by_subject(diagnoses)
    assert {name for name, each in found.items() if each["mark"] == "bad"} == {"Worker"}
    assert code == 1
    assert "payme worker" in found["Worker"]["next_step"]
    assert found["Unclaimed money"]["mark"] == "look"
    assert re.fullmatch(r"[1-9]\d* wait for their owner \(KSh [\d,]+\.\d\d\)\.", found["Unclaimed money"]["found"])
    assert re.match(r"PostgreSQL \d+, [1-9]\d* MB, \d+ of \d+ connections", found["Database"]["found"])


async def test_a_connected_worker_is_seen(copied: str) -> None:
    connection = await asyncpg.connect(copied, server_settings={"application_name": "payme worker"})
    try:
        _, diagnoses = await payme_json("doctor", DATABASE_URL=copied, **CALLBACKS)
    finally:
        await connection.close()
    assert by_subject(diagnoses)["Worker"]["found"].startswith("1 connected")


async def test_what_waits_for_a_person_is_listed(copied: str, owner: asyncpg.Connection, sound: SoundDatabase) -> None:
    await owner.execute(f"set payme.business_id = '{sound.business_id}'")
    payment = await owner.fetchval("select id from payments where status = 'pending' order by id limit 1")
    assert payment is not None, await owner.fetch("select id, status, created_at from payments order by id")
    await owner.execute(
        "update payments set status = 'unknown', created_at = now() - interval '3 days' where id = $1", payment
    )
    await owner.execute("update payments set settlement = null, ended_at = now() - interval '1 hour' where late")
    await owner.execute("update pgqueuer set execute_after = now() - interval '1 hour'")
    await owner.execute(
        """insert into job_dead_letters (job_id, name, payload, attempts, error_class, error_message, enqueued_at)
           values (7, 'payments.send_stk_push', '{}', 4, 'Gone', 'It is gone.', now())"""
    )
    await owner.execute(
        """insert into callback_inbox (id, business_id, kind, subject_id, headers, body, remote_address, state, received_at)
           select gen_random_uuid(), $1, 'stk', $2, '{}', '', '127.0.0.1', 'received', now() - interval '1 hour'""",
        sound.business_id,
        payment,
    )
    code, diagnoses = await payme_json("doctor", DATABASE_URL=copied, **CALLBACKS)
    found = by_subject(diagnoses)
    payments = [each for each in diagnoses if each["subject"] == "Payments"]
    assert code == 1
    assert any(str(payment) in detail for each in payments for detail in each["details"])
    assert {each["mark"] for each in payments} == {"bad"}
    assert len(payments) == 2
    assert all(re.search(r"^[1-9]\d* .* \(KSh [\d,]+\.\d\d\)\.$", each["found"]) for each in payments)
    assert found["Stuck jobs"]["details"]
    assert re.match(r"[1-9]\d*( or more)? overdue", found["Stuck jobs"]["found"])
    assert found["Dead letters"]["found"] == "1 gave up."
    assert "payme jobs retry" in found["Dead letters"]["next_step"]
    assert found["Callbacks"]["mark"] == "bad"
    _, output = await payme("doctor", DATABASE_URL=copied, **CALLBACKS)
    assert f"  {payment} in {sound.business_id}" in output.splitlines()
    assert max(len(line) for line in output.splitlines()) <= 80


async def test_a_receipt_that_pull_never_showed_is_listed(
    copied: str, owner: asyncpg.Connection, sound: SoundDatabase
) -> None:
    await owner.execute(f"set payme.business_id = '{sound.business_id}'")
    unseen = await owner.fetchrow(
        """update payments set mpesa_receipt_number = null, sent_at = now() - interval '25 hours'
           where id = (select id from payments where method = 'mpesa_stk' and status = 'succeeded' and payee = 'business'
             and settlement is not null and shortcode is not null order by id limit 1) returning id, shortcode"""
    )
    assert unseen is not None
    window = "insert into pull_windows (business_id, shortcode, covered_from, covered_until, asked_at) values ($1, $2, $3, $3, $3)"

    async def listed() -> list[str]:
        _, diagnoses = await payme_json("doctor", DATABASE_URL=copied, **CALLBACKS)
        return [detail for each in diagnoses if "Pull never showed" in each["found"] for detail in each["details"]]

    now = datetime.now(UTC)
    await owner.execute("delete from pull_windows")
    assert await listed() == []
    await owner.execute(window, sound.business_id, unseen["shortcode"], now - timedelta(hours=2))
    assert await listed() == []
    await owner.execute("update pull_windows set covered_until = $1", now)
    assert [str(unseen["id"]) in each for each in await listed()] == [True]


async def test_a_day_that_nobody_closed_is_named(copied: str, owner: asyncpg.Connection, sound: SoundDatabase) -> None:
    code, diagnoses = await payme_json("doctor", DATABASE_URL=copied, **CALLBACKS)
    assert by_subject(diagnoses)["Closed days"]["mark"] == "good"
    await owner.execute(f"set payme.business_id = '{sound.business_id}'")
    for day, ends, counted in (
        (date(2026, 1, 5), "-1 hour", 700),
        (date(2026, 1, 6), "-1 hour", 50),
        (date(2026, 1, 7), "1 hour", 9),
    ):
        await owner.execute(
            f"""with day as (
              insert into reconciliations (business_id, id, day, starts_at, ends_at, run, requested_by, finished_at)
              values ($1, gen_random_uuid(), $2, now() - interval '2 days', now() + interval '{ends}', 1, $1, now()) returning id)
            insert into differences (business_id, id, reconciliation_id, kind, account, subject_id, amount_cents, state, made_by, found_at)
            select $1, gen_random_uuid(), id, 'cash_short', 'cash', id, -$3::bigint, 'needs_closing', $1, now() from day""",
            sound.business_id, day, counted,
        )  # fmt: skip
    code, diagnoses = await payme_json("doctor", DATABASE_URL=copied, **CALLBACKS)
    found = by_subject(diagnoses)["Closed days"]
    assert (code, found["mark"]) == (1, "look")  # there is no worker
    assert found["found"] == "2 in 1 shops not accounted for, the oldest 2026-01-05."
    assert found["details"] == [f"{sound.business_id}: 2 since 2026-01-05, KSh 7.50"]
    assert "state=open" in found["next_step"]


async def test_a_wall_that_was_taken_down_is_noticed(copied: str, owner: asyncpg.Connection) -> None:
    await owner.execute("alter table sales no force row level security")
    code, diagnoses = await payme_json("doctor", DATABASE_URL=copied, **CALLBACKS)
    assert code == 1
    assert "sales" in by_subject(diagnoses)["Row security"]["found"]


async def test_safaricoms_rules_for_callback_addresses(copied: str) -> None:
    _, diagnoses = await payme_json("doctor", DATABASE_URL=copied, MPESA_CALLBACK_BASE_URL="http://127.0.0.1/%20<x>")
    assert by_subject(diagnoses)["Callback address"]["mark"] == "bad"


async def test_a_redis_that_is_down_is_a_warning(copied: str) -> None:
    _, diagnoses = await payme_json("doctor", DATABASE_URL=copied, REDIS_URL="redis://127.0.0.1:9/0", **CALLBACKS)
    assert by_subject(diagnoses)["Redis"]["mark"] == "look"


@pytest.mark.parametrize(
    ("secret", "found"),
    [("payme-demo-secret", "takes the platform's credentials"), ("wrong-and-hidden", "refuses the consumer key")],
)
async def test_a_probe_proves_the_credentials(copied: str, secret: str, found: str) -> None:
    with SimulatorProcess("--seed", "7") as simulator:
        known = await simulator.control.send("GET", "/_sim/apps")
        passkey = next(each["passkey"] for each in known["shortcodes"] if each["shortcode"] == "174379")
        environment = {
            "DATABASE_URL": copied, "MPESA_BASE_URL": simulator.base_url, "MPESA_SHORTCODE": "174379", "MPESA_PASSKEY": passkey,
            "MPESA_CONSUMER_KEY": "payme-demo-key", "MPESA_CONSUMER_SECRET": secret,
        }  # fmt: skip
        code, diagnoses = await payme_json("doctor", "--probe", **environment)
    answer = by_subject(diagnoses)["Safaricom"]
    assert code == 1  # there is no worker
    assert found in answer["found"]
    assert secret not in str(diagnoses)


async def test_roles_that_may_read_nothing_are_a_fault(copied: str, owner: asyncpg.Connection) -> None:
    await owner.execute("revoke all on all tables in schema public from payme_app")
    code, diagnoses = await payme_json("doctor", DATABASE_URL=copied, **CALLBACKS)
    assert (code, "payme_app may read nothing" in by_subject(diagnoses)["Roles"]["found"]) == (1, True)


async def test_carelessness_and_missing_backups_are_faults_in_production(
    copied: str, owner: asyncpg.Connection
) -> None:
    await owner.execute(
        "do $$ begin execute format('alter database %I set synchronous_commit = off', current_database()); end $$"
    )
    real = {
        name: secrets.token_hex(32) for name in ("JWT_SECRET", "ENCRYPTION_KEY", "BLIND_INDEX_KEY", "MPESA_PASSKEY")
    }
    production = {
        **real, "APP_ENV": "production", "MPESA_ENVIRONMENT": "production", "PUBLIC_BASE_URL": "https://pay.example.co.ke",
        "MPESA_CONSUMER_KEY": "nQ8vJ2xTq7", "MPESA_CONSUMER_SECRET": "pL5kW9zRf3", "RELEASE": "abc1234", "LOG_LEVEL": "debug",
    }  # fmt: skip
    code, diagnoses = await payme_json("doctor", DATABASE_URL=copied, **production)
    found = by_subject(diagnoses)
    assert code == 1
    assert {name: found[name]["mark"] for name in ("Durability", "Backups", "Error reports", "Log level", "Keys", "Clock")} == {
        "Durability": "bad", "Backups": "bad", "Error reports": "look", "Log level": "look", "Keys": "good", "Clock": "good",
    }  # fmt: skip
    assert "synchronous_commit" in found["Durability"]["found"]
    assert found["Release"]["found"].endswith("commit abc1234.")
    _, diagnoses = await payme_json("doctor", DATABASE_URL=copied)
    assert by_subject(diagnoses)["Keys"]["mark"] == "look"


async def test_the_age_of_backups_and_of_the_last_drill(copied: str, tmp_path: Path) -> None:
    private, public = new_identity()
    store = {"DATABASE_URL": copied, "BACKUP_STORE": f"folder:{tmp_path}", "BACKUP_RECIPIENTS": public}
    _, diagnoses = await payme_json("doctor", **store)
    assert by_subject(diagnoses)["Backups"]["mark"] == "bad"
    assert (await payme("backup", "create", **store))[0] == 0
    settings = settings_for(copied, **store)
    now = SystemClock().now()
    lines = await examine_backups(settings, now=now)
    assert [(each.subject, each.mark) for each in lines] == [("Backups", "good"), ("Restore drill", "look")]
    shelf = shelf_of(settings)
    drill = Drill(
        backup_id=shelf.list_ids()[0], drilled_at=now, recovery_point_seconds=60, recovery_seconds=9, businesses=2, invariants=40, rows=7,
        faults=[],
    )  # fmt: skip
    shelf.add("drills/1.json", drill)
    assert [each.mark for each in await examine_backups(settings, now=now)] == ["good", "good"]
    assert [each.mark for each in await examine_backups(settings, now=now + timedelta(hours=27))] == ["bad", "good"]
    assert [each.mark for each in await examine_backups(settings, now=now + timedelta(days=9))] == ["bad", "look"]
    shelf.add("drills/2.json", drill.model_copy(update={"faults": ["books do not balance"]}))
    failed = (await examine_backups(settings, now=now))[1]
    assert (failed.mark, failed.details) == ("bad", ["books do not balance"])
    keys = {"BACKUP_S3_ACCESS_KEY": "key", "BACKUP_S3_SECRET_KEY": "hidden"}
    gone = {**store, **keys, "BACKUP_STORE": "s3://nowhere/x", "BACKUP_S3_ENDPOINT": "http://127.0.0.1:9"}
    _, diagnoses = await payme_json("doctor", **gone)
    assert "does not answer" in by_subject(diagnoses)["Backups"]["found"]
    both = settings_for(copied, **store, BACKUP_IDENTITY=private).model_copy(update={"app_env": Environment.PRODUCTION})
    assert (await examine_backups(both, now=now))[2].subject == "Backup key"


@pytest.mark.parametrize(("seconds", "mark"), [(0, "good"), (5, "look"), (-60, "bad")])
async def test_a_clock_that_runs_apart_is_seen(copied: str, seconds: int, mark: str) -> None:
    clock = SystemClock()

    class Apart:
        def now(self) -> datetime:
            return clock.now() + timedelta(seconds=seconds)

    database = await Database(copied, role=None, limits=PoolLimits(connections=1), clock=Apart()).open()
    try:
        lines = await database.run(examine_server, read_only=True)
    finally:
        await database.close()
    assert next(each for each in lines if each.subject == "Clock").mark == mark
