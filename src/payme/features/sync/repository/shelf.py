"""SQL of the documents that only devices read and write.

A deleted document keeps its row, which is its lock when it comes back.
"""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from payme.kit.synced import ChangedRow, Place
from payme.runtime.database import UnitOfWork

_DOCUMENT: Final = """
          (d.content || jsonb_build_object('id', d.id, 'rev', d.rev, 'hlc', d.hlc, 'branch_id', d.branch_id,
            'created_at', d.created_at, 'updated_at', d.updated_at, '_deleted', d.deleted))::text as document
        from sync_documents d where d.business_id = $1 and d.collection = $2 and d.id ="""
_PAGE: Final = (
    """-- sync.page_documents
        select c.document_id, c.seq, c.rev, case when not c.is_deleted then d.document end as document
        from (select * from sync_page($1, $2, $3, $4, $5) order by seq, document_id limit $6) c
        left join lateral (select"""  # noqa: S608 -- constants of this file
    + _DOCUMENT
    + " c.document_id offset 0) d on true order by c.seq, c.document_id"
)
_LOCK: Final = "-- sync.lock_document\nselect d.rev," + _DOCUMENT + " $3 for update"


async def page_documents(uow: UnitOfWork, collection: str, place: Place) -> list[ChangedRow]:
    """Return what changed in a collection after a place."""
    rows = await uow.fetch(
        _PAGE, uow.tenant, collection, place.sequence, place.id, place.branch_id, place.limit
    )  # fmt: skip
    return [ChangedRow(row["document_id"], row["seq"], row["rev"], row["document"]) for row in rows]


async def lock_document(uow: UnitOfWork, collection: str, document_id: UUID) -> ChangedRow | None:
    """Lock a document and return it, one that is deleted with what it held, or None where there never was one."""
    row = await uow.fetchrow(_LOCK, uow.tenant, collection, document_id)
    return None if row is None else ChangedRow(document_id, 0, row["rev"], row["document"])


async def insert_document(uow: UnitOfWork, collection: str, document_id: UUID) -> bool:
    """Make an empty, deleted document to be locked and written; say whether there was none."""
    made = await uow.execute(
        """-- sync.insert_document
        insert into sync_documents (business_id, collection, id, content, deleted, rev, created_at, updated_at)
        values ($1, $2, $3, '{}', true, 0, $4, $4) on conflict (business_id, collection, id) do nothing""",
        uow.tenant,
        collection,
        document_id,
        uow.now,
    )
    return bool(made)


async def update_document(
    uow: UnitOfWork, collection: str, document_id: UUID, *, content: Mapping[str, Any] | None, hlc: str | None
) -> None:
    """Write a locked document; without content it is deleted, and keeps what it held."""
    branch = (content or {}).get("branch_id")
    await uow.execute(
        """-- sync.update_document
        update sync_documents set content = coalesce($4, content), branch_id = case when $4 is null then branch_id else $5 end,
          hlc = $6, deleted = $4 is null, rev = rev + 1, updated_at = $7
        where business_id = $1 and collection = $2 and id = $3""",
        uow.tenant,
        collection,
        document_id,
        None if content is None else dict(content),
        None if branch is None else UUID(branch),
        hlc,
        uow.now,
    )
