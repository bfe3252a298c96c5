"""Backups end to end: a real database, a real S3 store, `payme backup` as an operator types it."""

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from payme.features.operations.services.backups.prune import prune_backups
from payme.features.operations.services.backups.shelf import shelf_of
from payme.runtime.security.sealing import new_identity
from tests.features.operations.commands import payme, payme_json
from tests.object_store import BUCKET, SeaweedProcess
from tests.sound_database import SoundDatabase
from tests.sound_shop import settings_for

PRIVATE, PUBLIC = new_identity()
OTHER_PRIVATE, _ = new_identity()


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SeaweedProcess]:
    with SeaweedProcess(tmp_path_factory.mktemp("weed")) as running:
        yield running


@pytest.fixture
def bucket(store: SeaweedProcess) -> Iterator[SeaweedProcess]:
    """The store, empty."""
    yield store
    client = store.client()
    for key in store.list_keys():
        client.delete_object(Bucket=BUCKET, Key=key)


@pytest.fixture
def writer(bucket: SeaweedProcess, copied: str) -> dict[str, str]:
    """The settings of the server that makes backups; it has no private key."""
    return {"DATABASE_URL": copied, "BACKUP_RECIPIENTS": PUBLIC, **bucket.settings}


@pytest.fixture
def identity(tmp_path: Path) -> str:
    path = tmp_path / "identity.txt"
    path.write_text(f"# made for a test\n{PRIVATE}\n")
    return str(path)


async def create(writer: dict[str, str]) -> str:
    code, output = await payme("backup", "create", **writer)
    assert code == 0, output
    return next(line for line in output.splitlines() if "rows" in line).partition(":")[0]


def overwrite(store: SeaweedProcess, suffix: str, change: Any) -> None:
    """Change one stored object, as somebody who has only the store could."""
    client = store.client()
    key = next(each for each in store.list_keys() if each.endswith(suffix))
    body = client.get_object(Bucket=BUCKET, Key=key)["Body"].read()
    client.put_object(Bucket=BUCKET, Key=key, Body=change(body))


def flip(body: bytes, *, at: int) -> bytes:
    return body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :]


async def rows(dsn: str, sql: str) -> list[Any]:
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetch(sql)
    finally:
        await connection.close()


async def epoch_of(dsn: str, business_id: Any) -> Any:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(f"set payme.business_id = '{business_id}'")
        return await connection.fetchval("select epoch from sync_counters where business_id = $1", business_id)
    finally:
        await connection.close()


async def test_a_backup_is_restored_and_everything_in_it_holds(
    writer: dict[str, str], bucket: SeaweedProcess, identity: str, make_database: Any, sound: SoundDatabase
) -> None:
    backup = await create(writer)
    assert [key.rpartition("/")[2] for key in bucket.list_keys()] == [f"{backup}.dump.age", f"{backup}.json"]
    code, manifests = await payme_json("backup", "list", **writer)
    assert code == 0
    assert manifests[0]["contents"]["rows"]["sales"] > 0
    assert str(sound.business_id) in manifests[0]["contents"]["audit_heads"]

    code, output = await payme("backup", "verify", "--identity", identity, **writer)
    assert (code, "whole, opened and listed" in output) == (0, True), output

    empty = await make_database(template="template0")
    code, output = await payme("backup", "restore", "--identity", identity, "--into", empty, **writer)
    assert code == 0, output
    assert await epoch_of(empty, sound.business_id) == 2
    code, output = await payme("check", "invariants", **{**writer, "DATABASE_URL": empty})
    assert code == 0, output
    # What a restored copy needs besides its rows: the walls, and the roles' rights.
    walls = "select count(*) from pg_class where relnamespace = 'public'::regnamespace and relrowsecurity and relforcerowsecurity"
    assert await rows(empty, walls) == await rows(writer["DATABASE_URL"], walls)
    for privilege in ("select", "insert", "update", "delete"):
        sql = (
            "select r, relname from pg_class, unnest(array['payme_app', 'payme_worker', 'payme_backup']) r "
            "where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') "
            f"and has_table_privilege(r, oid, '{privilege}') order by 1, 2"
        )
        assert await rows(empty, sql) == await rows(writer["DATABASE_URL"], sql)
    code, output = await payme("migrate", "plan", DATABASE_URL=empty)
    assert (code, "Nothing to do" in output) == (0, True)


async def test_a_public_key_with_a_wrong_letter_is_named_and_nothing_is_stored(
    writer: dict[str, str], bucket: SeaweedProcess
) -> None:
    wrong = PUBLIC[:-1] + ("q" if PUBLIC[-1] != "q" else "p")
    code, output = await payme("backup", "create", **{**writer, "BACKUP_RECIPIENTS": f"{PUBLIC},{wrong}"})
    assert (code, wrong in output.replace("\n", "")) == (1, True), output
    assert bucket.list_keys() == []


async def test_nothing_of_a_backup_can_be_read_without_the_private_key(
    writer: dict[str, str], bucket: SeaweedProcess, tmp_path: Path
) -> None:
    backup = await create(writer)
    client = bucket.client()
    for key in bucket.list_keys():
        body = client.get_object(Bucket=BUCKET, Key=key)["Body"].read()
        assert b"Wanjiku" not in body
        assert b"PGDMP" not in body
        assert key.endswith(".json") or body.startswith(b"age-encryption.org/v1")
    wrong = tmp_path / "wrong.txt"
    wrong.write_text(OTHER_PRIVATE)
    code, output = await payme("backup", "verify", "--identity", str(wrong), **writer)
    assert code == 1
    assert f"{backup} cannot be opened with this private key" in output
    assert PUBLIC in output.replace("\n", "")
    code, output = await payme("backup", "restore", **writer)
    assert (code, "private key" in output) == (1, True)


async def test_a_wrong_key_leaves_the_database_that_was_to_be_replaced(
    writer: dict[str, str], make_database: Any, tmp_path: Path
) -> None:
    await create(writer)
    wrong = tmp_path / "wrong.txt"
    wrong.write_text(OTHER_PRIVATE)
    target = await make_database()
    command = ("backup", "restore", "--replace", "--yes", "--identity", str(wrong), "--into", target)
    code, _ = await payme(*command, **writer)
    assert code == 1
    assert await rows(target, "select version from schema_migrations limit 1")


@pytest.mark.parametrize(
    ("what", "change", "words"),
    [
        ("a truncated dump", (".dump.age", lambda body: body[:-100_000]), "cut off"),
        ("a flipped byte", (".dump.age", lambda body: flip(body, at=len(body) // 2)), "damaged"),
        ("something appended", (".dump.age", lambda body: body + b"x"), "cut off or damaged"),
        (
            "an altered manifest",
            (".json", lambda body: body.replace(b'"release":"unknown"', b'"release":"better!"')),
            "altered",
        ),
        ("a manifest that is none", (".json", lambda body: body[:50]), "damaged"),
    ],
)
async def test_damage_is_found_and_nothing_of_it_is_restored(
    writer: dict[str, str],
    bucket: SeaweedProcess,
    identity: str,
    make_database: Any,
    what: str,
    change: Any,
    words: str,
) -> None:
    await create(writer)
    overwrite(bucket, *change)
    code, output = await payme("backup", "verify", **writer)
    assert (code, words in output) == (1, True), f"{what}: {output}"
    empty = await make_database(template="template0")
    code, output = await payme("backup", "restore", "--identity", identity, "--into", empty, **writer)
    assert code == 1
    assert await rows(empty, "select from pg_class where relnamespace = 'public'::regnamespace") == []


async def test_a_backup_put_in_the_place_of_another_is_refused(writer: dict[str, str], bucket: SeaweedProcess) -> None:
    first, second = await create(writer), await create(writer)
    client = bucket.client()
    for suffix in (".json", ".dump.age"):
        old = client.get_object(Bucket=BUCKET, Key=f"shop/backups/{min(first, second)}{suffix}")["Body"].read()
        client.put_object(Bucket=BUCKET, Key=f"shop/backups/{max(first, second)}{suffix}", Body=old)
    code, output = await payme("backup", "verify", max(first, second), **writer)
    assert (code, "somebody moved it" in output) == (1, True)


async def test_a_missing_dump_is_named(writer: dict[str, str], bucket: SeaweedProcess, identity: str) -> None:
    backup = await create(writer)
    bucket.client().delete_object(Bucket=BUCKET, Key=f"shop/backups/{backup}.dump.age")
    code, output = await payme("backup", "verify", "--identity", identity, **writer)
    assert (code, "is gone" in output) == (1, True)


async def test_a_database_that_is_not_empty_is_left_alone_unless_told(
    writer: dict[str, str], identity: str, make_database: Any
) -> None:
    await create(writer)
    target = await make_database()
    command = ("backup", "restore", "--identity", identity, "--into", target)
    code, output = await payme(*command, **writer)
    assert (code, "is not empty" in output) == (1, True)
    assert await rows(target, "select from users") == []
    code, output = await payme(*command, "--replace", "--yes", **writer)
    assert code == 0, output
    assert await rows(target, "select from users")
    code, output = await payme("check", "invariants", **{**writer, "DATABASE_URL": target})
    assert code == 0, output


async def test_prompts_that_waited_are_set_aside(
    writer: dict[str, str], identity: str, make_database: Any, owner: asyncpg.Connection
) -> None:
    await owner.execute(
        "select jobs_enqueue(array['payments.send_stk_push'], array['{}'], array[null::interval], array[null::text])"
    )
    await create(writer)
    empty = await make_database(template="template0")
    code, output = await payme("backup", "restore", "--identity", identity, "--into", empty, **writer)
    assert code == 0, output
    assert "set aside" in output
    assert await rows(empty, "select from pgqueuer where entrypoint = 'payments.send_stk_push'") == []
    dead = await rows(empty, "select error_class from job_dead_letters where name = 'payments.send_stk_push'")
    waiting = await rows(writer["DATABASE_URL"], "select from pgqueuer where entrypoint = 'payments.send_stk_push'")
    assert [row["error_class"] for row in dead] == ["SetAside"] * len(waiting) != []


async def test_a_drill_proves_the_newest_backup(writer: dict[str, str], bucket: SeaweedProcess, identity: str) -> None:
    backup = await create(writer)
    code, output = await payme("backup", "drill", "--identity", identity, **writer)
    assert code == 0, output
    assert f"✓ {backup} is good" in output.replace("\n", " ")
    assert "RPO" in output
    assert "RTO" in output
    assert "restoring …" in output
    assert any("/drills/" in key for key in bucket.list_keys())
    overwrite(bucket, ".dump.age", lambda body: flip(body, at=len(body) - 1))
    code, output = await payme("backup", "drill", "--identity", identity, "--json", **writer)
    assert code == 1
    result = json.loads(output[output.index("{") :])
    assert result["backup_id"] == backup
    assert "damaged" in result["faults"][0]


async def test_a_drill_notices_books_that_do_not_balance(
    writer: dict[str, str], identity: str, owner: asyncpg.Connection, sound: SoundDatabase
) -> None:
    await owner.execute(f"set payme.business_id = '{sound.business_id}'")
    await owner.execute("update account_balances set balance = balance + 1 where business_id = $1", sound.business_id)
    await create(writer)
    code, output = await payme("backup", "drill", "--identity", identity, **writer)
    assert code == 1
    assert "is not good" in output


async def test_a_store_that_is_away_is_an_error_to_try_again(writer: dict[str, str], bucket: SeaweedProcess) -> None:
    away = {**writer, "BACKUP_S3_ENDPOINT": "http://127.0.0.1:9"}
    code, output = await payme("backup", "create", **away)
    assert (code, "does not answer" in output) == (75, True), output
    code, output = await payme("backup", "create", **{**writer, "BACKUP_S3_SECRET_KEY": "wrong-and-hidden"})
    assert (code, "refused (SignatureDoesNotMatch" in output) == (1, True), output
    assert "wrong-and-hidden" not in output
    assert bucket.list_keys() == []


async def test_a_dump_that_breaks_off_leaves_no_backup(
    writer: dict[str, str], bucket: SeaweedProcess, owner: asyncpg.Connection
) -> None:
    """pg_dump waits for a table that we lock and nobody counts; there the server ends its connection."""
    await owner.execute(
        "create table waits (id int primary key) partition by range (id); grant select on waits to payme_backup"
    )
    await owner.execute("begin; lock table waits in access exclusive mode")
    ending = (
        "select count(pg_terminate_backend(pid)) from pg_stat_activity where datname = current_database() "
        "and application_name = 'payme backup' and wait_event_type = 'Lock'"
    )
    attempt = asyncio.create_task(payme("backup", "create", **writer))
    try:
        async with asyncio.timeout(30):
            while not attempt.done() and not (await rows(writer["DATABASE_URL"], ending))[0][0]:
                await asyncio.sleep(0.05)
    finally:
        # The command runs in a thread with the environment of the whole process: nobody goes on before it has ended.
        await owner.execute("rollback")
        code, output = await attempt
    assert (code, "pg_dump failed" in output) == (1, True), output
    assert bucket.list_keys() == []


async def test_a_table_that_a_backup_could_not_read_is_named(writer: dict[str, str], owner: asyncpg.Connection) -> None:
    await owner.execute("drop policy backup on sales")
    code, output = await payme("backup", "create", **writer)
    assert (code, "may not read all of sales" in output) == (1, True), output
    code, _ = await payme("migrate", "up", DATABASE_URL=writer["DATABASE_URL"])
    assert code == 0
    await create(writer)


async def test_backups_in_a_folder(copied: str, tmp_path: Path, identity: str, make_database: Any) -> None:
    writer = {"DATABASE_URL": copied, "BACKUP_RECIPIENTS": PUBLIC, "BACKUP_STORE": f"folder:{tmp_path}/store"}
    backup = await create(writer)
    files = sorted(path for path in (tmp_path / "store").rglob("*") if path.is_file())
    assert [path.name for path in files] == [f"{backup}.dump.age", f"{backup}.json"]
    assert [path.stat().st_mode & 0o077 for path in files] == [0, 0]
    empty = await make_database(template="template0")
    code, output = await payme("backup", "restore", "--identity", identity, "--into", empty, **writer)
    assert code == 0, output


async def test_old_backups_go_and_the_newest_stays(copied: str, tmp_path: Path) -> None:
    writer = {"BACKUP_RECIPIENTS": PUBLIC, "BACKUP_STORE": f"folder:{tmp_path}/store"}
    made = sorted([await create({"DATABASE_URL": copied, **writer}) for _ in range(2)])
    orphan = tmp_path / "store" / "backups" / "20200101T000000Z-abcdef.dump.age"
    orphan.write_bytes(b"broken off")
    shelf = shelf_of(settings_for(copied, **writer))
    now = datetime.now(UTC)
    assert prune_backups(shelf, keep=timedelta(days=30), now=now) == []
    gone = prune_backups(shelf, keep=timedelta(days=30), now=now + timedelta(days=40))
    assert gone == [made[0], "backups/20200101T000000Z-abcdef.dump.age"]
    assert shelf.list_ids() == [made[1]]


async def test_a_key_pair_is_made_for_the_operator_alone(tmp_path: Path) -> None:
    path = tmp_path / "new.txt"
    code, output = await payme("backup", "keygen", str(path))
    assert code == 0
    assert output.strip().startswith("age1")
    assert path.stat().st_mode & 0o777 == 0o600
    assert f"public key: {output.strip()}" in path.read_text()
    code, _ = await payme("backup", "keygen", str(path))
    assert code == 1
