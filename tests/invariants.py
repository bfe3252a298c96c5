"""What a test asks at its end: does everything hold?"""

from uuid import UUID

from payme.features.operations import check_invariants
from payme.runtime.database import Database


async def violations(database: Database, business_id: UUID) -> dict[str, tuple[str, ...]]:
    """Return the broken invariants of a business by code, with examples; empty when everything holds."""
    findings = await database.run(check_invariants, business_id=business_id, read_only=True)
    return {each.code: tuple(example.id for example in each.examples) for each in findings if each.violations}


async def assert_invariants(database: Database, business_id: UUID) -> None:
    """Fail with every invariant that is broken."""
    found = await violations(database, business_id)
    assert found == {}, found
