"""Take in the rows of a statement, each once: money that nobody had told of is placed, fees are booked, the rest is kept to compare."""

from datetime import date
from uuid import UUID

from payme.features import audit, businesses, ledger, payments
from payme.features.ledger import AccountCode, Posting
from payme.features.payments import StatementMoney
from payme.features.reconciliation.enums import RowKind, RowState
from payme.features.reconciliation.repository import runs, statements
from payme.features.reconciliation.repository.statements import WaitingRow
from payme.features.reconciliation.rules.facts import STATEMENT_FEE
from payme.kit.time import business_day
from payme.runtime.database import UnitOfWork


async def take_in_row(uow: UnitOfWork, row_id: UUID) -> None:
    """Take in one row; one that was taken in already changes nothing. Locks the row."""
    row = await statements.lock_waiting(uow, row_id)
    if row is None:
        return
    state = RowState.KEPT
    if row.kind is RowKind.PAYMENT:
        state = RowState.BROUGHT_IN if await payments.record_statement_money(uow, _money(row)) else RowState.KNOWN
    elif row.kind is RowKind.FEE:
        await _book_fee(uow, row)
        state = RowState.BOOKED
    await statements.set_state(uow, row.id, state)
    if state is RowState.BROUGHT_IN:
        audit.record(uow, "statement.brought_in", row.id, receipt=row.receipt, amount_cents=row.amount_cents)


async def end_intake(uow: UnitOfWork, upload_id: UUID) -> list[date]:
    """Record that a statement is taken in; return the days that it tells of and that were reconciled without it."""
    first_at, last_at = await statements.end_upload(uow, upload_id)
    starts_at = (await businesses.get_business(uow)).day_starts_at
    since, until = business_day(first_at, starts_at), business_day(last_at, starts_at)
    return await runs.list_reconciled_days(uow, since=since, until=until)


async def _book_fee(uow: UnitOfWork, row: WaitingRow) -> None:
    await ledger.open_accounts(uow)
    fee = Posting(STATEMENT_FEE, AccountCode.MPESA, AccountCode.MPESA_FEES, -row.amount_cents, row.id)
    ledger.post(uow, [fee], occurred_at=row.completed_at)
    audit.record(uow, "statement.fee_booked", row.id, receipt=row.receipt, amount_cents=-row.amount_cents)


def _money(row: WaitingRow) -> StatementMoney:
    return StatementMoney(
        receipt=row.receipt, amount_cents=row.amount_cents, shortcode=row.shortcode, paid_at=row.completed_at,
        payer_name=row.raw["party_name"], payer_number=row.raw["party_number"], bill_reference=row.raw["account"],
    )  # fmt: skip
