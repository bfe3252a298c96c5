"""Documents as they are stored, read under their lock in the form in which they are compared."""

import json
from uuid import UUID

from payme.features.sync.rules.strategies import Content
from payme.features.sync.services.collections import Collection
from payme.runtime.database import UnitOfWork


async def read_stored(uow: UnitOfWork, collection: Collection, document_id: UUID) -> Content | None:
    """Lock a document and return what people wrote of it, or None where there never was one."""
    row = await collection.lock(uow, document_id)
    if row is None or row.document is None:
        return None
    return collection.read(json.loads(row.document), now=uow.now)
