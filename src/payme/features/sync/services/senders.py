"""Who sends and receives: a person or a device in a business, as one request knows it."""

from dataclasses import dataclass
from uuid import UUID

from payme.features.sync.repository import standing
from payme.features.sync.repository.standing import Exchange
from payme.kit.actor import Actor
from payme.runtime.database import Database, UnitOfWork


@dataclass(frozen=True, slots=True)
class Sender:
    """Who sends, from which device if any, and how many bytes came in."""

    database: Database
    business_id: UUID
    actor: Actor
    device_id: UUID | None = None
    app_version: str = ""
    body_bytes: int = 0

    def exchange(self, kind: str, collection: str) -> Exchange:
        """Return the beginning of the audit row of this request."""
        return Exchange(kind, collection, self.device_id, self.app_version, body_bytes=self.body_bytes)

    async def record(self, exchange: Exchange) -> int:
        """Keep what was exchanged, in a transaction of its own, and return the epoch."""

        async def work(uow: UnitOfWork) -> int:
            await standing.insert_exchange(uow, exchange)
            return (await standing.find_standing(uow)).epoch

        return await self.database.run(work, business_id=self.business_id, actor=self.actor)
