"""What a collection is to sync: a name, a kind, a page of its changes and, where devices write, a way to change a document.

The feature that owns the documents writes them; a collection only says how it is asked. One small class each.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar, Final
from uuid import UUID

from pydantic import BaseModel, ValidationError

from payme.features.sync.enums import Kind, Strategy
from payme.features.sync.errors import CollectionReadOnly, DocumentInvalid
from payme.features.sync.rules.clocks import read_stamp
from payme.features.sync.rules.strategies import ALLOWED, DELETED, Content
from payme.kit.synced import ChangedRow, Place
from payme.runtime.database import UnitOfWork

OF_THE_SERVER: Final = frozenset({"id", "rev", "hlc", "created_at", "updated_at"})
"""What every document may carry and nobody writes by a push."""


class Collection(ABC):
    """Documents of one sort. `stamp` is the name under which their owner notes changes; `content` what people write of one."""

    name: ClassVar[str]
    stamp: ClassVar[str]
    kind: ClassVar[Kind]
    writes: ClassVar[str] = ""
    content: ClassVar[type[BaseModel] | None] = None
    fields: ClassVar[frozenset[str]] = frozenset()
    server_fields: ClassVar[frozenset[str]] = frozenset()
    manual: ClassVar[frozenset[str]] = frozenset()
    private: ClassVar[frozenset[str]] = frozenset()
    """What is not kept in a conflict, though a device may have sent it."""

    @property
    def strategies(self) -> tuple[Strategy, ...]:
        """What a business may choose from; the first holds until it does. None where nothing is pushed."""
        return ALLOWED[self.kind] if self.content is not None else ()

    @abstractmethod
    async def page(self, uow: UnitOfWork, place: Place) -> list[ChangedRow]:
        """Return what changed after a place, exactly as many as its limit says unless these are the last."""

    async def lock(self, uow: UnitOfWork, document_id: UUID) -> ChangedRow | None:  # noqa: ARG002 -- for those that write
        """Lock a document and return it, or None where there never was one; `_deleted` in it says that it is gone."""
        raise CollectionReadOnly(collection=self.name, id=document_id)

    async def write(self, uow: UnitOfWork, document_id: UUID, content: Content, *, current: Content | None) -> None:  # noqa: ARG002 -- for those that write
        """Make or change a locked document. Raises: what its owner refuses."""
        raise CollectionReadOnly(collection=self.name, id=document_id)

    def read(self, document: Mapping[str, Any], *, now: datetime, absent: Mapping[str, Any] | None = None) -> Content:
        """Return what people wrote of a document, in the one form in which it is compared.

        `absent` holds what stands for fields that are not there. Raises: DocumentInvalid.
        """
        hlc = document.get("hlc")
        if hlc is not None and not isinstance(hlc, str):
            raise DocumentInvalid(pointer="/hlc", reason="string_type")
        written_at = read_stamp(hlc, now=now)
        if document.get(DELETED):
            return Content({}, is_deleted=True, written_at=written_at)
        assert self.content is not None, "a collection without a content is never read as one"
        given = {name: each for name, each in document.items() if not self._is_ours(name)}
        if unknown := sorted(given.keys() - self.fields):
            raise DocumentInvalid(pointer=f"/{unknown[0]}", reason="unknown_field")
        try:
            model = self.content.model_validate({**(absent or {}), **given})
        except ValidationError as error:
            first = error.errors(include_url=False, include_context=False, include_input=False)[0]
            pointer = "".join(f"/{part}" for part in first["loc"])
            raise DocumentInvalid(pointer=pointer, reason=first["type"], detail=first["msg"]) from None
        return Content(self.plain(model.model_dump(mode="json", include=set(self.fields))), written_at=written_at)

    def plain(self, fields: dict[str, Any]) -> dict[str, Any]:
        """Return the fields as they are compared; where an order means nothing, in one order."""
        return fields

    def _is_ours(self, name: str) -> bool:
        return name.startswith("_") or name in OF_THE_SERVER or name in self.server_fields
