"""Keep the rows of an uploaded statement, each once, and have them taken in afterwards. The same file again changes nothing."""

import hashlib
from typing import Any, Final
from uuid import UUID

from payme.features import audit, payments
from payme.features.reconciliation.errors import (
    ShortcodeNeeded,
    StatementOfAnother,
    StatementUnreadable,
    UploadNotFound,
)
from payme.features.reconciliation.repository import statements
from payme.features.reconciliation.repository.statements import NewRow, NewUpload
from payme.features.reconciliation.rules.statements import hidden, is_completed, kind_of
from payme.features.reconciliation.schemas import RowFault, StatementRowView, UploadReport
from payme.integrations.daraja import StatementReading, StatementRow
from payme.kit.ids import new_id
from payme.runtime.database import UnitOfWork

TAKE_IN_JOB: Final = "reconciliation.take_in_statement"
_MOST_FAULTS_SHOWN: Final = 1000
_NOT_COMPLETED: Final = "not_completed"


async def upload_statement(
    uow: UnitOfWork, content: bytes, *, reading: StatementReading, shortcode: str | None = None
) -> UploadReport:
    """Keep a statement that was read from `content`; what it shows is taken in by a job.

    `shortcode` is whose it is, where the file does not say. Raises: StatementUnreadable, ShortcodeNeeded, StatementOfAnother.
    """
    content_hash = hashlib.sha256(content).digest()
    known = await statements.find_upload(uow, content_hash=content_hash)
    if known is not None:
        return known
    faults = [RowFault(line=each.line, fault=each.fault) for each in reading.faults]
    good = [row for row in reading.rows if is_completed(row.transaction_status)]
    faults += [
        RowFault(line=row.line, fault=_NOT_COMPLETED)
        for row in reading.rows
        if not is_completed(row.transaction_status)
    ]
    if not good:
        raise StatementUnreadable(faults=[each.model_dump() for each in faults[:_MOST_FAULTS_SHOWN]])
    upload = NewUpload(
        id=new_id(), shortcode=await _whose(uow, reading.shortcode or shortcode),
        first_at=min(row.completed_at for row in good), last_at=max(row.completed_at for row in good), rows_read=len(good),
        rows_faulty=len(faults), faults=sorted(faults, key=lambda each: each.line)[:_MOST_FAULTS_SHOWN],
        content_hash=content_hash,
    )  # fmt: skip
    new = await statements.insert_upload(uow, upload, [_kept(row) for row in good])
    uow.enqueue(TAKE_IN_JOB, {"upload_id": str(upload.id)})
    audit.record(
        uow, "statement.uploaded", upload.id, shortcode=upload.shortcode, rows_read=len(good), rows_new=new,
        rows_faulty=len(faults),
    )  # fmt: skip
    uow.touch("statements", upload.id)
    return await get_upload(uow, upload.id)


async def get_upload(uow: UnitOfWork, upload_id: UUID) -> UploadReport:
    """Return what was read of a statement. Raises: UploadNotFound."""
    found = await statements.find_upload(uow, upload_id=upload_id)
    if found is None:
        raise UploadNotFound(upload_id=upload_id)
    return found


async def list_rows(uow: UnitOfWork, upload_id: UUID, after: list[Any] | None, *, limit: int) -> list[StatementRowView]:
    """Return the rows that an upload brought, and what became of each. Raises: UploadNotFound."""
    await get_upload(uow, upload_id)
    return await statements.list_rows(uow, upload_id, after=UUID(after[0]) if after else None, limit=limit)


async def _whose(uow: UnitOfWork, shortcode: str | None) -> str:
    if not shortcode:
        raise ShortcodeNeeded
    number = await payments.find_collecting_number(uow, shortcode)
    if number is None:
        raise StatementOfAnother(shortcode=shortcode)
    return number


def _kept(row: StatementRow) -> NewRow:
    raw = {
        "details": hidden(row.details), "status": row.transaction_status, "reason": row.reason_type,
        "party_name": row.other_party.name, "party_number": hidden(row.other_party.number),
        "linked_receipt": row.linked_receipt, "account": hidden(row.account_reference), "balance_cents": row.balance_cents,
    }  # fmt: skip
    kind = kind_of(row.reason_type or row.details, row.other_party.number, is_paid_in=row.paid_in_cents > 0)
    amount_cents = row.paid_in_cents - row.withdrawn_cents
    return NewRow(row.line, row.receipt, kind, row.completed_at, amount_cents, raw)
