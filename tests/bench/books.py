"""Whether the books of a bench's ground still hold."""

from bench.ground import Ground, open_database
from payme.features.operations import check_all


async def assert_books(ground: Ground) -> None:
    """Fail unless every invariant holds in every shop."""
    database = await open_database(ground.environment, connections=1, role="payme_worker").open()
    try:
        report = await check_all(database)
    finally:
        await database.close()
    assert [each.code for each in report.findings if each.violations] == []
