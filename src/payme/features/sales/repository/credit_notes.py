"""SQL of credit notes. Balances move by one function at the flush, which locks the notes in the order of their ids."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from payme.features.sales.schemas.credit_notes import CreditNoteMovement, CreditNoteView
from payme.kit.values import value
from payme.runtime.database import UnitOfWork, WriteOrder

_ISSUE: Final = "credit_notes_issue($1,$2,$3,$4,$5,$6,$7,$8)"
_MOVE: Final = "credit_notes_move($1,$2,$3)"
_NOTES: Final = """
select n.id, n.number, n.branch_id, f.sale_id, n.refund_id, n.amount_cents, n.balance_cents, n.issued_by, n.issued_at, n.rev
  from credit_notes n join refunds f on f.business_id = n.business_id and f.id = n.refund_id
  where n.business_id = $1"""
_FIND: Final = "-- sales.find_credit_note" + _NOTES + " and n.id = $2"
_FIND_BY_NUMBER: Final = "-- sales.find_credit_note_by_number" + _NOTES + " and n.number = $2"
_LIST: Final = (
    "-- sales.list_credit_notes"
    + _NOTES
    + " and ($2::timestamptz is null or (n.issued_at, n.id) < ($2, $3::uuid)) and (not $4 or n.balance_cents > 0)"
    " order by n.issued_at desc, n.id desc limit $5"
)


@value
class NewCreditNote:
    """A note to be written for a refund; whoever acts now issues it."""

    id: UUID
    branch_id: UUID
    prefix: str
    refund_id: UUID
    amount_cents: int


@value
class Spending:
    """What a payment by credit note took off the note, in cents."""

    credit_note_id: UUID
    payment_id: UUID
    amount_cents: int


def defer_issue(uow: UnitOfWork, note: NewCreditNote) -> None:
    """Have a note written with the next number of its branch, which goes into the reply as `credit_note_number`."""
    uow.defer(
        WriteOrder.CREDIT_NOTES, _ISSUE, uow.tenant, note.id, note.branch_id, note.prefix, note.refund_id, note.amount_cents,
        uow.actor.id, uow.now, reply_as="credit_note_number",
    )  # fmt: skip


def defer_moves(uow: UnitOfWork, spendings: Sequence[Spending], *, kind: str) -> None:
    """Have notes spent, or what was spent of them `returned`. Raises, at the flush: CreditNoteShort."""
    rows = [
        {"kind": kind, "note": each.credit_note_id, "payment": each.payment_id, "amount": each.amount_cents}
        for each in spendings
    ]
    uow.defer_rows(WriteOrder.CREDIT_NOTES, _MOVE, (uow.tenant, uow.now), rows=rows)


async def find_credit_note(uow: UnitOfWork, credit_note_id: UUID) -> CreditNoteView | None:
    """Return a note, or None."""
    row = await uow.fetchrow(_FIND, uow.tenant, credit_note_id)
    return CreditNoteView.model_validate(dict(row)) if row else None


async def find_by_number(uow: UnitOfWork, number: str) -> CreditNoteView | None:
    """Return the note of a number, or None."""
    row = await uow.fetchrow(_FIND_BY_NUMBER, uow.tenant, number)
    return CreditNoteView.model_validate(dict(row)) if row else None


async def list_credit_notes(
    uow: UnitOfWork, *, limit: int, before: tuple[datetime, UUID] | None, only_open: bool
) -> list[CreditNoteView]:
    """Return notes, newest first, older than a (time, id) pair; `only_open`: those that can still be spent."""
    at, last = before or (None, None)
    rows = await uow.fetch(_LIST, uow.tenant, at, last, only_open, limit)
    return [CreditNoteView.model_validate(dict(row)) for row in rows]


async def list_movements(uow: UnitOfWork, credit_note_id: UUID) -> list[CreditNoteMovement]:
    """Return what was spent of a note and came back to it, the oldest first."""
    rows = await uow.fetch(
        """-- sales.list_credit_note_movements
        select kind, amount_cents, payment_id, recorded_at from credit_note_movements
        where business_id = $1 and credit_note_id = $2 order by recorded_at, payment_id, kind desc""",
        uow.tenant,
        credit_note_id,
    )
    return [CreditNoteMovement.model_validate(dict(row)) for row in rows]


async def list_spent_by(uow: UnitOfWork, payment_ids: Sequence[UUID]) -> list[Spending]:
    """Return what payments took off their notes."""
    rows = await uow.fetch(
        """-- sales.list_spent_by
        select credit_note_id, payment_id, amount_cents from credit_note_movements
        where business_id = $1 and payment_id = any ($2::uuid[]) and kind = 'spent' order by payment_id""",
        uow.tenant,
        list(payment_ids),
    )
    return [Spending(**row) for row in rows]
