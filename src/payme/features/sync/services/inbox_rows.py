"""Commands as the collection `commands` of pull and push: the same inbox, by the wire that replicating clients speak.

A push answers with the documents that were not taken as they were sent; verdicts come back by pull.
"""

import json
from typing import Any

from payme.features.sync.enums import CommandStatus
from payme.features.sync.repository import commands
from payme.features.sync.schemas.commands import CommandView
from payme.features.sync.services.inbox import Batch, take_in
from payme.runtime.database import DatabaseBusy, UnitOfWork


async def take_rows(batch: Batch, documents: list[dict[str, Any]]) -> tuple[list[CommandView], list[str]]:
    """Take documents as commands; return the verdicts, and the document that stands for each that was not taken as sent.

    Raises: DatabaseBusy where one could not be tried to its end; the same push may be sent again.
    """
    views = await take_in(batch, documents)
    sent = views[: len(documents)]
    if any(each.status == CommandStatus.PENDING for each in sent):
        raise DatabaseBusy
    standing = [
        await _standing(batch, each, document)
        for each, document in zip(sent, documents, strict=True)
        if each.is_altered or each.received_at is None
    ]
    return views, standing


async def _standing(batch: Batch, view: CommandView, document: dict[str, Any]) -> str:
    if view.received_at is None:
        # Nothing keeps what is no command; the client keeps it with the reason.
        refused = {"status": view.status, "error": view.error and view.error.model_dump()}
        return json.dumps({**document, **refused, "_deleted": False}, default=str)

    async def look(uow: UnitOfWork) -> str | None:
        return await commands.find_document(uow, view.id)

    found = await batch.database.run(look, business_id=batch.business_id, read_only=True)
    assert found is not None, "it was known a moment ago"
    return found
