"""SQL of uploaded statements and their rows."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from payme.features.reconciliation.enums import RowKind, RowState
from payme.features.reconciliation.rules.facts import StatementFact, Stretch
from payme.features.reconciliation.schemas import RowFault, StatementRowView, UploadReport
from payme.kit.ids import new_id
from payme.kit.values import value
from payme.runtime.database import UnitOfWork


@value
class NewUpload:
    """A statement to be kept, and the stretch of time that it covers."""

    id: UUID
    shortcode: str
    first_at: datetime
    last_at: datetime
    rows_read: int
    rows_faulty: int
    faults: list[RowFault]
    content_hash: bytes


@value
class NewRow:
    """A row to be kept; paid in is above zero. `raw` is the row as it was read, with numbers hidden."""

    line: int
    receipt: str
    kind: RowKind
    completed_at: datetime
    amount_cents: int
    raw: dict[str, Any]


@value
class WaitingRow:
    """A row that is still to be taken in, under lock."""

    id: UUID
    shortcode: str
    receipt: str
    kind: RowKind
    completed_at: datetime
    amount_cents: int
    raw: dict[str, Any]


async def insert_upload(uow: UnitOfWork, upload: NewUpload, rows: Sequence[NewRow]) -> int:
    """Keep a statement and those of its rows that no other one had; return how many were new."""
    await uow.execute(
        """-- reconciliation.insert_upload
        insert into statement_uploads (business_id, id, shortcode, first_at, last_at, rows_read, rows_new, rows_faulty, faults,
          content_hash, uploaded_by, uploaded_at)
        values ($1, $2, $3, $4, $5, $6, 0, $7, $10::text::jsonb, $11, $8, $9)""",
        uow.tenant, upload.id, upload.shortcode, upload.first_at, upload.last_at, upload.rows_read, upload.rows_faulty,
        uow.actor.id, uow.now, json.dumps([each.model_dump() for each in upload.faults]), upload.content_hash,
    )  # fmt: skip
    new = await uow.execute(
        """-- reconciliation.insert_statement_rows
        insert into statement_rows (business_id, id, upload_id, line, shortcode, receipt, kind, completed_at, amount_cents, raw)
        select $1, t.id, $2, t.line, $3, t.receipt, t.kind, t.at, t.amount, t.raw::jsonb
        from unnest($4::uuid[], $5::integer[], $6::text[], $7::text[], $8::timestamptz[], $9::bigint[], $10::text[])
          t (id, line, receipt, kind, at, amount, raw)
        on conflict on constraint statement_rows_once do nothing""",
        uow.tenant, upload.id, upload.shortcode, [new_id() for _ in rows], [row.line for row in rows],
        [row.receipt for row in rows], [row.kind for row in rows], [row.completed_at for row in rows],
        [row.amount_cents for row in rows], [json.dumps(row.raw) for row in rows],
    )  # fmt: skip
    await uow.execute(
        """-- reconciliation.count_new_rows
        update statement_uploads set rows_new = $3 where business_id = $1 and id = $2""",
        uow.tenant, upload.id, new,
    )  # fmt: skip
    return new


async def find_upload(
    uow: UnitOfWork, *, content_hash: bytes | None = None, upload_id: UUID | None = None
) -> UploadReport | None:
    """Return what was read of a statement, found by its content or its id, or None."""
    row = await uow.fetchrow(
        """-- reconciliation.find_upload
        select id, shortcode, first_at, last_at, rows_read, rows_new, rows_faulty, faults from statement_uploads
        where business_id = $1 and (content_hash = $2 or id = $3)""",
        uow.tenant, content_hash, upload_id,
    )  # fmt: skip
    return UploadReport(**row) if row else None


async def list_waiting(uow: UnitOfWork, upload_id: UUID, *, limit: int) -> list[UUID]:
    """Return rows of an upload that are still to be taken in, in the order of their ids."""
    rows = await uow.fetch(
        """-- reconciliation.list_waiting_rows
        select id from statement_rows where business_id = $1 and upload_id = $2 and state = 'waiting' order by id limit $3""",
        uow.tenant, upload_id, limit,
    )  # fmt: skip
    return [row["id"] for row in rows]


async def lock_waiting(uow: UnitOfWork, row_id: UUID) -> WaitingRow | None:
    """Lock and return a row, or None where it was taken in already."""
    row = await uow.fetchrow(
        """-- reconciliation.lock_waiting_row
        select id, shortcode, receipt, kind, completed_at, amount_cents, raw from statement_rows
        where business_id = $1 and id = $2 and state = 'waiting' for update""",
        uow.tenant, row_id,
    )  # fmt: skip
    if row is None:
        return None
    return WaitingRow(
        row["id"], row["shortcode"], row["receipt"], RowKind(row["kind"]), row["completed_at"], row["amount_cents"], row["raw"]
    )  # fmt: skip


async def set_state(uow: UnitOfWork, row_id: UUID, state: RowState) -> None:
    """Record what became of a row."""
    await uow.execute(
        """-- reconciliation.set_row_state
        update statement_rows set state = $3 where business_id = $1 and id = $2""",
        uow.tenant, row_id, state,
    )  # fmt: skip


async def end_upload(uow: UnitOfWork, upload_id: UUID) -> tuple[datetime, datetime]:
    """Record that all rows of an upload were taken in; return the stretch that it covers."""
    row = await uow.fetchrow(
        """-- reconciliation.end_upload
        update statement_uploads set taken_in_at = coalesce(taken_in_at, $3) where business_id = $1 and id = $2
        returning first_at, last_at""",
        uow.tenant, upload_id, uow.now,
    )  # fmt: skip
    assert row is not None, "whoever takes it in has found it"
    return row["first_at"], row["last_at"]


async def list_facts(
    uow: UnitOfWork, receipts: Sequence[str], *, since: datetime, until: datetime
) -> list[StatementFact]:
    """Return the rows of a stretch of time, and those of these receipts whenever they were, in the order of ids."""
    rows = await uow.fetch(
        """-- reconciliation.list_statement_facts
        select r.id, r.receipt, r.kind, r.state, r.amount_cents, r.completed_at, u.uploaded_by
        from statement_rows r join statement_uploads u on u.business_id = r.business_id and u.id = r.upload_id
        where r.business_id = $1 and (r.completed_at >= $3 and r.completed_at < $4 or r.receipt = any($2::text[])) order by r.id""",
        uow.tenant, list(receipts), since, until,
    )  # fmt: skip
    return [
        StatementFact(
            row["id"], row["receipt"], RowKind(row["kind"]), RowState(row["state"]), row["amount_cents"], row["completed_at"],
            row["uploaded_by"],
        )
        for row in rows
    ]  # fmt: skip


async def list_covered(uow: UnitOfWork, *, since: datetime, until: datetime) -> list[Stretch]:
    """Return the stretches that statements cover and that touch a stretch of time."""
    rows = await uow.fetch(
        """-- reconciliation.list_covered
        select shortcode, first_at, last_at from statement_uploads
        where business_id = $1 and last_at >= $2 and first_at < $3 order by first_at, id""",
        uow.tenant, since, until,
    )  # fmt: skip
    return [Stretch(**row) for row in rows]


async def list_rows(uow: UnitOfWork, upload_id: UUID, *, after: UUID | None, limit: int) -> list[StatementRowView]:
    """Return the rows that an upload brought, in the order of ids."""
    rows = await uow.fetch(
        """-- reconciliation.list_statement_rows
        select id, line, shortcode, receipt, kind, completed_at, amount_cents, state from statement_rows
        where business_id = $1 and upload_id = $2 and ($3::uuid is null or id > $3) order by id limit $4""",
        uow.tenant, upload_id, after, limit,
    )  # fmt: skip
    return [StatementRowView(**row) for row in rows]
