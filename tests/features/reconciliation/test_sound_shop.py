"""A shop that has met everything: its books and documents say the same of every movement, and all evidence is somewhere."""

from collections import Counter
from datetime import UTC, datetime

from payme.features.reconciliation import run_day
from payme.features.reconciliation.services import read_runs
from payme.kit.time import business_day
from tests.invariants import violations
from tests.sound_database import SoundDatabase
from tests.sound_shop import open_database


async def test_a_sound_shop_has_no_difference_that_is_not_a_matter_of_fact(sound: SoundDatabase, copied: str):
    database = await open_database(copied)
    try:
        view = await database.run(
            lambda uow: run_day(uow, business_day(datetime.now(UTC))), business_id=sound.business_id
        )
        found = await database.run(
            lambda uow: read_runs.list_differences(uow, view.id, None, state=None, limit=1000),
            business_id=sound.business_id,
            read_only=True,
        )
        assert Counter(each.kind.value for each in found) == {
            "cash_short": 1, "outcome_unknown": 2, "unclaimed": 3,
        }  # fmt: skip
        assert [each.is_whole for each in view.sums] == [True]
        assert view.sums[0].received_cents > 0
        assert await violations(database, sound.business_id) == {}
    finally:
        await database.close()
