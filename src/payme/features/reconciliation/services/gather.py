"""Ask every source what it knows of a day: ledger, payments, sales, uploaded statements, counted cash. Reads only."""

from collections.abc import Iterable
from dataclasses import fields
from datetime import timedelta
from uuid import UUID

from payme.features import credit, expenses, ledger, payments, sales, shifts
from payme.features.ledger import AccountCode
from payme.features.payments import MoneyDocument
from payme.features.reconciliation.enums import Account
from payme.features.reconciliation.repository import differences, runs, statements
from payme.features.reconciliation.repository.runs import StoredRun
from payme.features.reconciliation.rules.facts import (
    Count,
    Document,
    InDoubt,
    Movement,
    Refund,
    Sold,
    Sources,
    StatementFact,
    Stretch,
)
from payme.runtime.database import UnitOfWork

_MONEY = [AccountCode(account) for account in Account]
_FIELDS = tuple(field.name for field in fields(Document))


async def gather(uow: UnitOfWork, run: StoredRun) -> Sources:
    """Return everything that was said of a day."""
    since, until = run.starts_at, run.ends_at
    moved = await ledger.list_movements(uow, _MONEY, since=since, until=until)
    of_day = [_document(each) for each in await payments.list_documents_between(uow, since=since, until=until)]
    causes = list(dict.fromkeys([*(each.cause for each in moved), *(each.id for each in of_day)]))
    documents = {each.id: _document(each) for each in await payments.list_documents(uow, causes)}
    receipts = [each.receipt for each in documents.values() if each.receipt]
    rows = await statements.list_facts(uow, receipts, since=since, until=until)
    sold = await sales.list_sold(uow, _sales_of(documents.values()), since=since, until=until)
    refunds = await sales.list_refund_documents(uow, causes)
    return Sources(
        movements=tuple(_movement(each) for each in moved),
        documents=documents,
        of_day=tuple(of_day),
        booked=frozenset(await ledger.list_booked(uow, [each.id for each in of_day])),
        sales=tuple(Sold(each.id, each.paid_cents, each.sold_by) for each in sold),
        applied_cents=await payments.sum_applied(uow, "sale", [each.id for each in sold]),
        refunds={each.id: Refund(each.kind, each.amount_cents) for each in refunds},
        drawer_cents=await _drawer_cents(uow, causes),
        rows=tuple(each for each in rows if since <= each.completed_at < until or each.receipt in set(receipts)),
        by_receipt=await _by_receipt(uow, rows),
        covered=await _covered(uow, run),
        count=await _count(uow, run),
        in_doubt=await _in_doubt(uow, run),
    )


async def _drawer_cents(uow: UnitOfWork, causes: list[UUID]) -> dict[tuple[UUID, str], int]:
    in_drawers = await shifts.list_drawer_documents(uow, causes)
    return (
        in_drawers | await credit.list_repayments_among(uow, causes) | await expenses.list_cash_documents(uow, causes)
    )


def _document(each: MoneyDocument) -> Document:
    return Document(**{name: getattr(each, name) for name in _FIELDS})


def _movement(each: ledger.Movement) -> Movement:
    return Movement(each.cause, each.kind, Account(each.account), each.amount_cents, each.occurred_at)


def _sales_of(documents: Iterable[Document]) -> list[UUID]:
    return [each.purpose_id for each in documents if each.purpose == "sale" and each.purpose_id]


async def _by_receipt(uow: UnitOfWork, rows: Iterable[StatementFact]) -> dict[str, Document]:
    """Return who holds each receipt; of money taken out of the tray the row, which is all that its receipt moved."""
    held = await payments.list_documents_of_receipts(uow, [each.receipt for each in rows])
    found = {each.receipt: _document(each) for each in held if each.receipt and each.kind != "tray"}
    return found | {
        each.receipt: _document(each) for each in held if each.receipt and each.kind == "tray" and each.state != "matched"
    }  # fmt: skip


async def _covered(uow: UnitOfWork, run: StoredRun) -> tuple[Stretch, ...]:
    """Return what statements cover, once for each number under which payments may know the short code."""
    found: list[Stretch] = []
    for each in await statements.list_covered(uow, since=run.starts_at - timedelta(days=1), until=run.ends_at):
        numbers = await payments.list_numbers_with(uow, each.shortcode)
        found += (Stretch(number, each.first_at, each.last_at) for number in numbers)
    return tuple(found)


async def _count(uow: UnitOfWork, run: StoredRun) -> Count | None:
    """Return what somebody counted for the whole day or, where nobody did, what its shifts counted together."""
    found = await runs.find_count(uow, run.day)
    posted = await differences.sum_posted_cash(uow, run.id)
    of_shifts = await shifts.count_of_day(uow, since=run.starts_at, until=run.ends_at)
    posted += of_shifts.posted_cents if of_shifts else 0
    if found is not None:
        count_id, view = found
        return Count(count_id, view.counted_cash_cents, view.float_cents, view.counted_by, posted)
    if of_shifts is None or not of_shifts.is_complete:
        return None
    return Count(of_shifts.last_shift_id, of_shifts.counted_cents, of_shifts.float_cents, of_shifts.counted_by, posted)


async def _in_doubt(uow: UnitOfWork, run: StoredRun) -> tuple[InDoubt, ...]:
    unsettled = await payments.list_unsettled(uow, older_than=timedelta())
    return tuple(
        InDoubt(each.payment_id, each.amount_cents)
        for each in unsettled
        if run.starts_at <= each.since < run.ends_at and each.status != "succeeded"
    )
