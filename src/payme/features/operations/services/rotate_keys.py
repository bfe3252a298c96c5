"""Move every encrypted value to the present key, beside the running application, and say where the values stand.

Invariant: what was begun and killed is gone on with by running it again; a second one beside it does no harm.
"""

from collections import Counter
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Final
from uuid import UUID

from payme.features import customers, identity, payments
from payme.features.operations.schemas import KeyUse, Rotation
from payme.features.operations.services.walk import walk_businesses
from payme.runtime.database import Database
from payme.runtime.database.sealed import SealedTable, renew

SEALED_TABLES: Final = (*identity.SEALED, *customers.SEALED, *payments.SEALED)
MOST_PASSES: Final = 10
"""A row that somebody held is skipped, and looked for again in the next pass."""

Advance = Callable[[int], None]
"""Called with how many rows were encrypted anew since the last call."""


async def count_keys(database: Database) -> list[KeyUse]:
    """Return how many values there are under each key, by table. The database is open in the worker's role."""
    counts: Counter[tuple[str, str]] = Counter()
    async for table, business_id in _places(database):
        found = await database.run(table.count_by_key, business_id=business_id, read_only=True)
        counts.update({(table.name, key_id): values for key_id, values in found.items()})
    return [KeyUse(table=table, key_id=key_id, values=values) for (table, key_id), values in sorted(counts.items())]


async def rotate_keys(database: Database, *, batch: int, advance: Advance) -> Rotation:
    """Encrypt anew, a batch to a transaction, until nothing under an older key is left that can be read."""
    rotation = Rotation()
    for _ in range(MOST_PASSES):
        before = rotation.renewed
        rotation.unreadable = []
        async for table, business_id in _places(database):
            await _rotate_table(database, table, business_id=business_id, batch=batch, told=(rotation, advance))
        if rotation.renewed == before:
            break
    return rotation


async def _rotate_table(
    database: Database, table: SealedTable, *, business_id: UUID | None, batch: int, told: tuple[Rotation, Advance]
) -> None:
    rotation, advance = told
    after = None
    while True:
        step = await database.run(partial(renew, table=table, after=after, limit=batch), business_id=business_id)
        rotation.renewed += step.rows
        rotation.unreadable += [f"{table.name} {each}" for each in step.unreadable]
        advance(step.rows)
        if step.last is None:
            return
        after = step.last


async def _places(database: Database) -> AsyncIterator[tuple[SealedTable, UUID | None]]:
    for table in SEALED_TABLES:
        if not table.of_businesses:
            yield table, None
    async for business_id in walk_businesses(database):
        for table in SEALED_TABLES:
            if table.of_businesses:
                yield table, business_id
