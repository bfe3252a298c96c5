"""Collections of documents that only devices read and write, kept by sync itself."""

from uuid import UUID

from payme.features.sync.enums import Kind
from payme.features.sync.repository import shelf
from payme.features.sync.rules.strategies import Content
from payme.features.sync.schemas.shelf import Count, DevicePreferences, Note, TillLayout
from payme.features.sync.services.collections import Collection
from payme.kit.synced import ChangedRow, Place
from payme.runtime.database import UnitOfWork


class Shelf(Collection):
    """A collection of sync's own; everybody who sells may write it."""

    writes = "sync.push"

    def __init_subclass__(cls) -> None:
        assert cls.content is not None, "a shelf says what its documents hold"
        cls.stamp, cls.fields = cls.name, frozenset(cls.content.model_fields)

    async def page(self, uow: UnitOfWork, place: Place) -> list[ChangedRow]:
        """Return documents."""
        return await shelf.page_documents(uow, self.name, place)

    async def lock(self, uow: UnitOfWork, document_id: UUID) -> ChangedRow | None:
        """Lock a document; one that never was is made deleted, so that two devices that make it wait for each other."""
        if await shelf.insert_document(uow, self.name, document_id):
            return None
        return await shelf.lock_document(uow, self.name, document_id)

    async def write(self, uow: UnitOfWork, document_id: UUID, content: Content, *, current: Content | None) -> None:  # noqa: ARG002 -- the row is there in any case
        """Write the content whole."""
        hlc = None if content.written_at is None else str(content.written_at)
        fields = None if content.is_deleted else content.fields
        await shelf.update_document(uow, self.name, document_id, content=fields, hlc=hlc)
        branch = content.fields.get("branch_id")
        uow.touch(self.name, document_id, branch_id=UUID(branch) if branch else None, is_deleted=content.is_deleted)


class Notes(Shelf):
    """A few words about something."""

    name, kind, content = "notes", Kind.SHARED, Note


class Counts(Shelf):
    """Stock counts in progress; they become adjustments by a command."""

    name, kind, content = "counts", Kind.SHARED, Count


class TillLayouts(Shelf):
    """How tills show their products."""

    name, kind, content = "till_layouts", Kind.PERSONAL, TillLayout


class Preferences(Shelf):
    """What devices are set to."""

    name, kind, content = "device_preferences", Kind.PERSONAL, DevicePreferences
