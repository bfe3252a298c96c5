"""`payme release check` as an operator runs it before, during and after a release."""

import asyncpg
import pytest

from payme.entrypoints.cli_release import When, judge
from payme.features.operations import Diagnosis, Mark
from payme.features.operations.schemas import bad, good, look
from tests.features.operations.commands import payme
from tests.sound_database import SoundDatabase


def line_of(output: str, subject: str) -> str:
    [found] = [each for each in output.splitlines() if each[2:].startswith(f"{subject} ")]
    return found


async def forget_last_revision(owner: asyncpg.Connection) -> None:
    await owner.execute("drop table backfills, schema_releases")
    await owner.execute("delete from schema_migrations where version = (select max(version) from schema_migrations)")


async def test_before_a_release_its_revisions_are_told_and_books_and_backups_looked_at(
    copied: str, owner: asyncpg.Connection
) -> None:
    await forget_last_revision(owner)
    code, output = await payme("release", "check", "before", DATABASE_URL=copied)
    assert code == 1, "there is no backup"
    assert line_of(output, "Backups").startswith("✗")
    assert line_of(output, "Schema").startswith("✓")
    assert line_of(output, "Migration").startswith("!")
    assert "1 revisions will run." in line_of(output, "Migration")
    assert "_expand_releases_and_backfills.sql" in output
    assert line_of(output, "Invariants").startswith("✓")
    _, output = await payme(
        "release", "check", "before", DATABASE_URL=copied, MIGRATION_BEFORE_COMMAND="pgbackrest backup"
    )
    assert line_of(output, "Backups").startswith("!")


async def test_during_a_release_a_missing_revision_stops_it(copied: str, owner: asyncpg.Connection) -> None:
    _, output = await payme("release", "check", "during", DATABASE_URL=copied)
    assert line_of(output, "Migration").startswith("✓")
    await forget_last_revision(owner)
    code, output = await payme("release", "check", "during", DATABASE_URL=copied)
    assert code == 1
    assert line_of(output, "Migration").startswith("✗")
    assert "1 revisions are missing." in output


async def test_after_a_release_maintenance_is_off_and_the_books_hold(
    copied: str, owner: asyncpg.Connection, sound: SoundDatabase
) -> None:
    await owner.execute(f"set payme.business_id = '{sound.business_id}'")
    await owner.execute("update till_counters set last_receipt = last_receipt + 1")
    await payme("maintenance", "set", "warn", DATABASE_URL=copied)
    code, output = await payme("release", "check", "after", DATABASE_URL=copied)
    assert code == 1
    assert line_of(output, "Maintenance mode").startswith("✗")
    assert line_of(output, "Invariants").startswith("✗")
    assert "1 lines are broken" in output
    await payme("maintenance", "set", "off", DATABASE_URL=copied)
    _, output = await payme("release", "check", "after", DATABASE_URL=copied)
    assert line_of(output, "Maintenance mode").startswith("✓")


@pytest.mark.parametrize(
    ("line", "when", "own_backup", "mark"),
    [
        (bad("Schema", "3 revisions are pending.", ""), When.BEFORE, False, Mark.GOOD),
        (bad("Schema", "3 revisions are pending.", ""), When.DURING, False, Mark.BAD),
        (bad("Schema", "a file was changed.", ""), When.BEFORE, False, Mark.BAD),
        (look("Restore drill", "there was none.", ""), When.BEFORE, False, Mark.BAD),
        (look("Restore drill", "there was none.", ""), When.BEFORE, True, Mark.LOOK),
        (look("Restore drill", "there was none.", ""), When.AFTER, False, Mark.LOOK),
        (good("Backups", "one of today."), When.BEFORE, False, Mark.GOOD),
    ],
)
def test_what_the_doctor_says_as_a_release_sees_it(
    line: Diagnosis, when: When, *, own_backup: bool, mark: Mark
) -> None:
    assert judge(line, when, own_backup=own_backup).mark is mark
