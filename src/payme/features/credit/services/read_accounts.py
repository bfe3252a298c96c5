"""Read credit accounts and their statements."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from payme.features.credit import repository
from payme.features.credit.errors import CreditAccountNotFound
from payme.features.credit.rules import Entry, open_charges
from payme.features.credit.schemas import CreditAccountView, EntryView, OpenChargeView, StatementView
from payme.kit.time import business_day
from payme.runtime.database import UnitOfWork


async def get_account(uow: UnitOfWork, account_id: UUID) -> CreditAccountView:
    """Return an account as it stands. Raises: CreditAccountNotFound."""
    account = await repository.find_account(uow, account_id)
    if account is None:
        raise CreditAccountNotFound(credit_account_id=account_id)
    return account


async def list_accounts(
    uow: UnitOfWork, after: list[Any] | None, limit: int, *, customer_id: UUID | None, only_owing: bool
) -> list[CreditAccountView]:
    """Return accounts, the newest first; `after` is the position that a cursor holds."""
    before = (datetime.fromisoformat(after[0]), UUID(after[1])) if after else None
    return await repository.list_accounts(
        uow, before=before, limit=limit, customer_id=customer_id, only_owing=only_owing
    )


async def list_accounts_of(uow: UnitOfWork, account_ids: Sequence[UUID]) -> list[CreditAccountView]:
    """Return those accounts that there are of some ids, in no order."""
    return await repository.list_accounts_of(uow, account_ids)


async def read_statement(uow: UnitOfWork, account_id: UUID, *, since: date | None, until: date | None) -> StatementView:
    """Return what was owed and paid from a day to a day, both included, in Nairobi's days. Raises: CreditAccountNotFound."""
    account = await get_account(uow, account_id)
    stored = await repository.list_entries(uow, account_id)
    lines: list[EntryView] = []
    opening = balance = 0
    for each in stored:
        balance += each.amount_cents
        day = business_day(each.recorded_at)
        if since is not None and day < since:
            opening = balance
        elif until is None or day <= until:
            lines.append(
                EntryView(
                    cause=each.cause, kind=each.kind, amount_cents=each.amount_cents, balance_cents=balance, sale_id=each.sale_id,
                    due_on=each.due_on, method=each.method, note=each.note, over_limit=each.is_over_limit,
                    recorded_at=each.recorded_at,
                )
            )  # fmt: skip
    today = business_day(uow.now)
    charges = open_charges([Entry(each.kind, each.amount_cents, each.sale_id, each.due_on) for each in stored])
    return StatementView(
        account=account, since=since, until=until, opening_cents=opening,
        closing_cents=lines[-1].balance_cents if lines else opening, entries=lines,
        open_charges=[
            OpenChargeView(
                sale_id=each.sale_id, amount_cents=each.amount_cents, left_cents=each.left_cents, due_on=each.due_on,
                is_overdue=each.due_on < today,
            )
            for each in charges
        ],
    )  # fmt: skip
