"""SQL of credit accounts. Balances move by one function at the flush, which locks the accounts in the order of their ids."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from payme.features.credit.enums import AccountState, EntryKind
from payme.features.credit.schemas import CreditAccountView, OpenCreditAccount
from payme.kit.values import value
from payme.runtime.database import UnitOfWork, WriteOrder

_MOVE: Final = "credit_move($1,$2,$3,$4)"
_COLUMNS: Final = """
select id, customer_id, limit_cents, terms_days, state, code, balance_cents,
    case state when 'open' then greatest(limit_cents - balance_cents, 0) else 0 end as available_cents, created_at, updated_at, rev
  from credit_accounts where business_id = $1 and """
_FIND: Final = "-- credit.find_account" + _COLUMNS + "id = $2"
_LOCK: Final = "-- credit.lock_account" + _COLUMNS + "id = $2 for update"
_BY_CODE: Final = "-- credit.find_account_by_code" + _COLUMNS + "code = $2"
_LIKELY: Final = (
    "-- credit.list_likely"
    + _COLUMNS
    + "(code = $2 or balance_cents = $3) and balance_cents > 0 order by code = $2 desc, created_at, id limit $4"
)
_LIST_OF: Final = "-- credit.list_accounts_of" + _COLUMNS + "id = any ($2::uuid[])"
_LIST: Final = (
    "-- credit.list_accounts"
    + _COLUMNS
    + """($2::timestamptz is null or (created_at, id) < ($2, $3::uuid)) and ($4::uuid is null or customer_id = $4)
      and (not $5 or balance_cents <> 0)
    order by created_at desc, id desc limit $6"""
)


@value
class Move:
    """A reason why a debt moves, in cents, above zero where it grows; a fact is held to no limit."""

    account_id: UUID
    cause: UUID
    kind: EntryKind
    amount_cents: int
    is_fact: bool
    sale_id: UUID | None = None
    due_on: date | None = None
    method: str = ""
    note: str = ""


@value
class StoredEntry:
    """A reason why a debt moved, as the table has it."""

    cause: UUID
    kind: EntryKind
    amount_cents: int
    sale_id: UUID | None
    due_on: date | None
    method: str
    note: str
    is_over_limit: bool
    recorded_at: datetime


async def insert_account(uow: UnitOfWork, account_id: UUID, command: OpenCreditAccount) -> bool:
    """Add an account under a code that is drawn; return False where another has that code. Raises: CreditAccountExists."""
    drawn = await uow.fetchval(
        """-- credit.insert_account
        insert into credit_accounts (business_id, id, customer_id, limit_cents, terms_days, created_by, created_at, updated_at, code)
        values ($1, $2, $3, $4, $5, $6, $7, $7, credit_draw_code())
        on conflict (business_id, code) do nothing returning code""",
        uow.tenant, account_id, command.customer_id, command.limit_cents, command.terms_days, uow.actor.id, uow.now,
    )  # fmt: skip
    return drawn is not None


async def update_account(
    uow: UnitOfWork, account_id: UUID, *, limit_cents: int, terms_days: int, state: AccountState
) -> None:
    """Write what a locked account allows."""
    await uow.execute(
        """-- credit.update_account
        update credit_accounts set limit_cents = $3, terms_days = $4, state = $5, updated_at = $6, rev = rev + 1
        where business_id = $1 and id = $2""",
        uow.tenant, account_id, limit_cents, terms_days, state, uow.now,
    )  # fmt: skip


async def find_account(uow: UnitOfWork, account_id: UUID) -> CreditAccountView | None:
    """Return an account, or None."""
    return _view(await uow.fetchrow(_FIND, uow.tenant, account_id))


async def find_account_by_code(uow: UnitOfWork, code: str) -> CreditAccountView | None:
    """Return the account that a code names, or None."""
    return _view(await uow.fetchrow(_BY_CODE, uow.tenant, code))


async def list_likely(uow: UnitOfWork, *, code: str | None, amount_cents: int, limit: int) -> list[CreditAccountView]:
    """Return the owing accounts of a code or of exactly a debt, that of the code first."""
    rows = await uow.fetch(_LIKELY, uow.tenant, code, amount_cents, limit)
    return [CreditAccountView.model_validate(dict(row)) for row in rows]


async def lock_account(uow: UnitOfWork, account_id: UUID) -> CreditAccountView | None:
    """Lock an account against everybody who moves its debt, and return it, or None."""
    return _view(await uow.fetchrow(_LOCK, uow.tenant, account_id))


async def list_accounts_of(uow: UnitOfWork, account_ids: Sequence[UUID]) -> list[CreditAccountView]:
    """Return those accounts that there are of some ids, in no order."""
    rows = await uow.fetch(_LIST_OF, uow.tenant, list(account_ids))
    return [CreditAccountView.model_validate(dict(row)) for row in rows]


async def list_accounts(
    uow: UnitOfWork, *, before: tuple[datetime, UUID] | None, limit: int, customer_id: UUID | None, only_owing: bool
) -> list[CreditAccountView]:
    """Return accounts, the newest first, older than a (time, id) pair."""
    rows = await uow.fetch(
        _LIST, uow.tenant, before[0] if before else None, before[1] if before else None, customer_id, only_owing, limit
    )
    return [CreditAccountView.model_validate(dict(row)) for row in rows]


def defer_moves(uow: UnitOfWork, moves: Sequence[Move]) -> None:
    """Have debts moved at the flush. Raises there: LimitExceeded, AccountClosed, MoreThanOwed, RepaymentExists."""
    rows = [
        {"account": each.account_id, "cause": each.cause, "kind": each.kind, "amount": each.amount_cents, "fact": each.is_fact,
         "sale": each.sale_id, "due": each.due_on, "method": each.method, "note": each.note}
        for each in moves
    ]  # fmt: skip
    uow.defer_rows(WriteOrder.CREDIT, _MOVE, (uow.tenant, uow.now, uow.actor.id), rows=rows)


async def find_account_of_sale(uow: UnitOfWork, sale_id: UUID) -> UUID | None:
    """Return the account on which a sale was bought, or None."""
    return await uow.fetchval(
        """-- credit.find_account_of_sale
        select account_id from credit_entries where business_id = $1 and sale_id = $2 and kind = 'charge'
        order by recorded_at desc limit 1""",
        uow.tenant,
        sale_id,
    )


async def list_charges(uow: UnitOfWork, causes: Sequence[UUID]) -> list[tuple[UUID, UUID, UUID, int]]:
    """Return the purchases that some payments made: payment, account, sale and cents."""
    rows = await uow.fetch(
        """-- credit.list_charges
        select cause, account_id, sale_id, amount_cents from credit_entries
        where business_id = $1 and cause = any ($2::uuid[]) and kind = 'charge' order by cause""",
        uow.tenant, list(causes),
    )  # fmt: skip
    return [(row["cause"], row["account_id"], row["sale_id"], row["amount_cents"]) for row in rows]


async def list_entries(uow: UnitOfWork, account_id: UUID) -> list[StoredEntry]:
    """Return every reason why the debt of an account moved, the oldest first."""
    rows = await uow.fetch(
        """-- credit.list_entries
        select cause, kind, amount_cents, sale_id, due_on, method, note, is_over_limit, recorded_at from credit_entries
        where business_id = $1 and account_id = $2 order by recorded_at, cause, kind""",
        uow.tenant,
        account_id,
    )
    return [_entry(row) for row in rows]


async def find_repayment(uow: UnitOfWork, account_id: UUID, repayment_id: UUID) -> tuple[int, str] | None:
    """Return the amount of a repayment in cents, and how it was made; None where the account has none of that id."""
    row = await uow.fetchrow(
        """-- credit.find_repayment
        select -amount_cents as amount_cents, method from credit_entries
        where business_id = $1 and account_id = $2 and cause = $3 and kind = 'repayment'""",
        uow.tenant, account_id, repayment_id,
    )  # fmt: skip
    return (row["amount_cents"], row["method"]) if row else None


async def list_repayments_among(uow: UnitOfWork, causes: Sequence[UUID]) -> dict[tuple[UUID, str], int]:
    """Return what was repaid, in cents by cause and kind of posting, by those of the causes that are repayments."""
    rows = await uow.fetch(
        """-- credit.list_repayments_among
        select cause, -amount_cents as amount_cents from credit_entries
        where business_id = $1 and cause = any ($2::uuid[]) and kind = 'repayment'""",
        uow.tenant, list(causes),
    )  # fmt: skip
    return {(row["cause"], "credit.repaid"): row["amount_cents"] for row in rows}


def _entry(row: Any) -> StoredEntry:
    columns: dict[str, Any] = dict(row)
    return StoredEntry(**columns)


def _view(row: Any) -> CreditAccountView | None:
    return None if row is None else CreditAccountView.model_validate(dict(row))
