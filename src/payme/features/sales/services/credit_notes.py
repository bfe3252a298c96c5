"""Issue credit notes for what came back, spend them on sales, and give back what a sale took and does not keep; read them.

Money moves with the payment or the refund that a note belongs to; here is what is left on the note. A note is never below
zero, also where many sales spend it at once: its balance is judged under its lock, at the flush.
"""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from payme.features import audit, businesses
from payme.features.payments import PaymentView
from payme.features.sales.enums import TenderMethod
from payme.features.sales.errors import CreditNoteNotFound
from payme.features.sales.repository import credit_notes
from payme.features.sales.repository.credit_notes import NewCreditNote, Spending
from payme.features.sales.schemas.credit_notes import CreditNoteHistory, CreditNoteView
from payme.features.sales.schemas.refunds import RefundView
from payme.kit.ids import new_id
from payme.runtime.database import UnitOfWork

_COLLECTION: Final = "credit_notes"


async def issue(uow: UnitOfWork, refund: RefundView, *, branch_id: UUID) -> None:
    """Have a note written for all of a refund that lowers no debt, with the branch's next number."""
    prefix = await businesses.find_branch_prefix(uow, branch_id)
    assert prefix is not None, "a branch that sold has a till"
    note = NewCreditNote(new_id(), branch_id, prefix, refund.id, refund.money_cents)
    credit_notes.defer_issue(uow, note)
    audit.record(uow, "credit_note.issued", note.id, refund_id=refund.id, amount_cents=note.amount_cents)
    uow.touch(_COLLECTION, note.id)


async def get_by_number(uow: UnitOfWork, number: str) -> CreditNoteView:
    """Return a note by its number; what is left on it counts only under its lock, at the flush. Raises: CreditNoteNotFound."""
    note = await credit_notes.find_by_number(uow, number)
    if note is None:
        raise CreditNoteNotFound(number=number)
    return note


def spend(uow: UnitOfWork, note: CreditNoteView, payment: PaymentView) -> None:
    """Take a payment off a note. Raises, at the flush: CreditNoteShort."""
    credit_notes.defer_moves(uow, [Spending(note.id, payment.id, payment.amount_cents)], kind="spent")
    audit.record(uow, "credit_note.spent", note.id, payment_id=payment.id, amount_cents=payment.amount_cents)
    uow.touch(_COLLECTION, note.id)


async def give_back(uow: UnitOfWork, parts: Sequence[PaymentView]) -> None:
    """Put back on their notes what these payments took off them; other payments are passed over."""
    payment_ids = [each.id for each in parts if each.method == TenderMethod.CREDIT_NOTE]
    if not payment_ids:
        return
    spendings = await credit_notes.list_spent_by(uow, payment_ids)
    credit_notes.defer_moves(uow, spendings, kind="returned")
    for each in spendings:
        audit.record(
            uow,
            "credit_note.returned",
            each.credit_note_id,
            payment_id=each.payment_id,
            amount_cents=each.amount_cents,
        )
        uow.touch(_COLLECTION, each.credit_note_id)


async def get_credit_note(uow: UnitOfWork, key: str) -> CreditNoteHistory:
    """Return a note by its id or its number, with what was spent of it. Raises: CreditNoteNotFound."""
    note = None
    with suppress(ValueError):
        note = await credit_notes.find_credit_note(uow, UUID(key))
    note = note or await credit_notes.find_by_number(uow, key.strip().upper())
    if note is None:
        raise CreditNoteNotFound(key=key)
    movements = await credit_notes.list_movements(uow, note.id)
    return CreditNoteHistory(**note.model_dump(), movements=movements)


async def list_credit_notes(
    uow: UnitOfWork, after: list[Any] | None, limit: int, *, only_open: bool
) -> list[CreditNoteView]:
    """Return notes, newest first; `after` is the position that a cursor holds."""
    before = (datetime.fromisoformat(after[0]), UUID(after[1])) if after else None
    return await credit_notes.list_credit_notes(uow, limit=limit, before=before, only_open=only_open)
