"""`payme doctor` names what is wrong, says what to do, and keeps secrets to itself."""

import re
from typing import Any

import asyncpg
import pytest

from tests.features.operations.commands import payme, payme_json
from tests.features.operations.conftest import SoundDatabase
from tests.simulator import SimulatorProcess
from tests.sound_shop import SETTINGS

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


async def test_a_shop_at_rest_lacks_only_its_worker(copied: str) -> None:
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
