"""SQL of the ledger."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from payme.features.ledger.enums import AccountCode
from payme.features.ledger.rules import CHART, Movement, Posting
from payme.features.ledger.schemas import AccountBalance
from payme.kit.ids import new_id
from payme.runtime.database import UnitOfWork, WriteOrder

_POST = "ledger_post($1,$2,$3)"
_CLOCKS_DIFFER: Final = timedelta(days=7)
"""A posting is recorded after it occurred, but for clocks that differ; so the index by recording finds a day's postings."""


async def insert_accounts(uow: UnitOfWork) -> None:
    """Insert the chart of accounts with zero balances; the wallet keeps the balance of its own account."""
    rows = [(new_id(), code, name, kind) for code, name, kind in CHART]
    await uow.execute(
        """-- ledger.insert_accounts
        with account as (
          insert into accounts (business_id, id, code, name, kind, unit)
          select $1, t.id, t.code, t.name, t.kind, case t.kind when 'token' then 'TOKEN' else 'KES' end
          from unnest($2::uuid[], $3::text[], $4::text[], $5::text[]) t (id, code, name, kind)
          on conflict on constraint accounts_code_key do nothing returning id, code)
        insert into account_balances (business_id, account_id) select $1, id from account where code <> $6""",
        uow.tenant,
        [r[0] for r in rows],
        [r[1] for r in rows],
        [r[2] for r in rows],
        [r[3] for r in rows],
        AccountCode.TOKENS,
    )


def defer_postings(uow: UnitOfWork, postings: Sequence[Posting], occurred_at: datetime) -> None:
    """Have postings written and balances moved at the flush, all of one transaction by one call."""
    rows = [
        {
            "kind": each.kind, "source": each.source, "target": each.target, "amount": each.amount, "cause": each.cause,
            "occurred_at": occurred_at,
        }
        for each in postings
    ]  # fmt: skip
    uow.defer_rows(WriteOrder.BALANCES, _POST, (uow.tenant, uow.transaction_id), rows=rows)


async def list_postings_of(uow: UnitOfWork, transaction_id: UUID) -> list[Posting]:
    """Return the postings of money of one transaction."""
    rows = await uow.fetch(
        """-- ledger.list_postings_of
        select p.kind, f.code as source, t.code as target, p.amount, p.cause from postings p
        join accounts f on f.business_id = p.business_id and f.id = p.from_account
        join accounts t on t.business_id = p.business_id and t.id = p.to_account
        where p.business_id = $1 and p.transaction_id = $2 and p.unit = 'KES' order by p.kind, p.cause""",
        uow.tenant,
        transaction_id,
    )
    return [
        Posting(r["kind"], AccountCode(r["source"]), AccountCode(r["target"]), r["amount"], r["cause"]) for r in rows
    ]


async def list_balances(uow: UnitOfWork) -> list[AccountBalance]:
    """Return every account with its balance, the wallet's included, by unit and code."""
    rows = await uow.fetch(
        """-- ledger.list_balances
        select a.id, a.code, a.name, a.kind, a.unit, b.balance
        from accounts a join ledger_balances b on b.business_id = a.business_id and b.account_id = a.id
        where a.business_id = $1 order by a.unit, a.code""",
        uow.tenant,
    )
    return [AccountBalance(**row) for row in rows]


async def list_movements(
    uow: UnitOfWork, codes: Sequence[AccountCode], *, since: datetime, until: datetime
) -> list[Movement]:
    """Return what postings of a stretch of time did to these accounts, in the order of causes, kinds and accounts."""
    rows = await uow.fetch(
        """-- ledger.list_movements
        select p.cause, p.kind, a.code as account, case when p.to_account = a.id then p.amount else -p.amount end as amount_cents,
          p.occurred_at
        from postings p join accounts a on a.business_id = p.business_id and a.id in (p.from_account, p.to_account)
        where p.business_id = $1 and a.code = any($2::text[]) and p.recorded_at >= $5 and p.occurred_at >= $3 and p.occurred_at < $4
        order by p.cause, p.kind, a.code""",
        uow.tenant, list(codes), since, until, since - _CLOCKS_DIFFER,
    )  # fmt: skip
    return [
        Movement(r["cause"], r["kind"], AccountCode(r["account"]), r["amount_cents"], r["occurred_at"]) for r in rows
    ]


async def list_booked(uow: UnitOfWork, causes: Sequence[UUID]) -> set[UUID]:
    """Return those of the causes that anything was booked for."""
    rows = await uow.fetch(
        """-- ledger.list_booked
        select distinct cause from postings where business_id = $1 and cause = any($2::uuid[])""",
        uow.tenant, list(causes),
    )  # fmt: skip
    return {row["cause"] for row in rows}
