"""Commands as a collection that is pulled: what tills did, with what became of it. They are pushed into the inbox."""

from payme.features.sync.enums import Kind
from payme.features.sync.repository import commands
from payme.features.sync.services.collections import Collection
from payme.kit.synced import ChangedRow, Place
from payme.runtime.database import UnitOfWork


class Commands(Collection):
    """What tills did, each with its verdict."""

    name = stamp = "commands"
    kind = Kind.FIGURES

    async def page(self, uow: UnitOfWork, place: Place) -> list[ChangedRow]:
        """Return commands with their verdicts."""
        return await commands.page_commands(uow, place)
