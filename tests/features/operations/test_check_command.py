"""`payme check invariants` and `payme migrate up` as an operator runs them."""

from collections.abc import Awaitable, Callable

import asyncpg
import pytest

from payme.features.businesses import PLATFORM_BUSINESS_ID
from payme.kit.ids import new_id
from tests.features.operations.commands import payme, payme_json
from tests.sound_database import SoundDatabase


async def test_a_sound_database_passes(copied: str) -> None:
    code, output = await payme("check", "invariants", DATABASE_URL=copied)
    assert code == 0, output
    assert "lines hold, over 2 businesses" in output
    assert max(len(line) for line in output.splitlines()) <= 80


async def test_a_violation_is_shown_with_its_row_and_the_exit_code(
    copied: str, owner: asyncpg.Connection, sound: SoundDatabase
) -> None:
    await owner.execute(f"set payme.business_id = '{sound.business_id}'")
    await owner.execute("update till_counters set last_receipt = last_receipt + 1")
    till = await owner.fetchval("select till_id from till_counters")
    code, output = await payme("check", "invariants", DATABASE_URL=copied)
    assert code == 1
    assert "1 of 76 lines are broken, over 2 businesses" in output
    assert str(till) in output
    assert str(sound.business_id) in output
    code, report = await payme_json("check", "invariants", "--business", str(sound.business_id), DATABASE_URL=copied)
    assert code == 1
    broken = [each for each in report["findings"] if each["violations"]]
    assert [(each["number"], each["code"]) for each in broken] == [(4, "receipt_numbers_run")]
    assert broken[0]["examples"] == [{"business_id": str(sound.business_id), "id": str(till)}]
    code, _ = await payme("check", "invariants", "--business", str(PLATFORM_BUSINESS_ID), DATABASE_URL=copied)
    assert code == 0


async def test_a_business_that_is_not_there_is_refused(copied: str) -> None:
    code, output = await payme("check", "invariants", "--business", str(new_id()), DATABASE_URL=copied)
    assert code == 1
    assert "There is no such business" in output


async def test_wrong_settings_and_a_silent_server_are_sentences() -> None:
    code, output = await payme("check", "invariants", DATABASE_URL="mysql://root:hidden@db/x")
    assert code == 1
    assert "DATABASE_URL must look like postgresql://" in output
    code, output = await payme("check", "invariants", DATABASE_URL="postgresql://payme:hidden@127.0.0.1:9/x")
    assert code == 1
    assert "The database does not answer" in output
    assert "hidden" not in output


async def test_migrating_an_empty_database_makes_the_platforms_business_once(
    make_database: Callable[..., Awaitable[str]],
) -> None:
    dsn = await make_database(template="template0")
    for expected in ("applied.", "Nothing to do."):
        code, output = await payme("migrate", "up", DATABASE_URL=dsn)
        assert code == 0, output
        assert output.rstrip().endswith(expected)
    connection = await asyncpg.connect(dsn)
    await connection.execute(f"set payme.business_id = '{PLATFORM_BUSINESS_ID}'")
    assert await connection.fetchval("select count(*) from businesses where is_platform") == 1
    assert await connection.fetchval("select count(*) from token_wallets") == 1
    assert await connection.fetchval("select count(*) from accounts where code = 'token_sales'") == 1
    await connection.close()
    assert (await payme("check", "invariants", DATABASE_URL=dsn))[0] == 0


@pytest.mark.parametrize(
    "command",
    [
        (),
        ("migrate",),
        ("migrate", "up"),
        ("check",),
        ("check", "invariants"),
        ("doctor",),
        ("audit", "verify"),
        ("jobs",),
    ],
    ids=" ".join,
)
async def test_every_command_explains_itself_in_80_columns(command: tuple[str, ...]) -> None:
    code, output = await payme(*command, "--help")
    assert code == 0
    assert max(len(line) for line in output.splitlines()) <= 80


async def test_the_audit_chain_is_verified_and_the_queue_shown(copied: str) -> None:
    code, output = await payme("audit", "verify", DATABASE_URL=copied)
    assert (code, output.count("intact")) == (0, 2)
    code, output = await payme("jobs", "list", DATABASE_URL=copied)
    assert code == 0
    assert "payments.send_stk_push" in output
    assert await payme("jobs", "dead", DATABASE_URL=copied) == (0, "There are no dead letters.\n")
