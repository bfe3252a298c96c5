"""SQL of the wallet."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from payme.features.tokens.schemas import PackageView, PurchaseView, TokenMovement, WalletView
from payme.runtime.database import Deferred, UnitOfWork, WriteOrder


@dataclass(frozen=True, slots=True)
class StoredPurchase:
    """A purchase under lock."""

    id: UUID
    quantity: int
    price_cents: int
    state: str


async def insert_wallet(uow: UnitOfWork, overdraft: int) -> None:
    """Insert an empty wallet over the TOKEN account; one that exists stays."""
    await uow.execute(
        """-- tokens.insert_wallet
        insert into token_wallets (business_id, account_id, overdraft_limit)
        select $1, a.id, $2 from accounts a where a.business_id = $1 and a.code = 'tokens'
        on conflict (business_id) do nothing""",
        uow.tenant,
        overdraft,
    )


async def get_wallet(uow: UnitOfWork) -> WalletView | None:
    """Return the wallet, or None before the business has one."""
    row = await uow.fetchrow(
        """-- tokens.get_wallet
        select balance, reserved, balance - reserved as available, overdraft_limit as overdraft
        from token_wallets where business_id = $1""",
        uow.tenant,
    )
    return WalletView(**row) if row else None


def defer_charge(uow: UnitOfWork, quantity: int, lower_bound: int | None) -> Deferred:
    """Take tokens at the flush; the bound None means the wallet's own overdraft."""
    return uow.defer(WriteOrder.WALLET, "tokens_charge($1,$2,$3)", uow.tenant, quantity, lower_bound, reply_as="tokens")


def defer_charge_of_gone(uow: UnitOfWork, quantity: int) -> Deferred:
    """Take tokens at the flush for what is gone already; the overdraft gives way where it must."""
    return uow.defer(WriteOrder.WALLET, "tokens_charge_gone($1,$2)", uow.tenant, quantity, reply_as="tokens")


def defer_reserve(uow: UnitOfWork, cause: UUID, operation: str, *, lower_bound: int | None) -> Deferred:
    """Set a token aside at the flush; the bound None means the wallet's own overdraft."""
    return uow.defer(
        WriteOrder.WALLET,
        "tokens_reserve($1,$2,$3,$4,$5)",
        uow.tenant,
        cause,
        operation,
        uow.now,
        lower_bound,
        reply_as="tokens",
    )


def defer_settle(uow: UnitOfWork, cause: UUID, *, charge: bool) -> Deferred:
    """End a reservation at the flush."""
    return uow.defer(
        WriteOrder.WALLET, "tokens_settle($1,$2,$3,$4)", uow.tenant, cause, charge, uow.now, reply_as="tokens"
    )


def defer_credit(uow: UnitOfWork, quantity: int) -> Deferred:
    """Add tokens at the flush."""
    return uow.defer(WriteOrder.WALLET, "tokens_credit($1,$2)", uow.tenant, quantity)


async def list_packages(uow: UnitOfWork) -> list[PackageView]:
    """Return the packages on sale, smallest first."""
    rows = await uow.fetch(
        """-- tokens.list_packages
        select quantity, price_cents from token_packages where active order by quantity"""
    )
    return [PackageView(**row) for row in rows]


async def list_movements(uow: UnitOfWork, limit: int, before: tuple[datetime, UUID, str] | None) -> list[TokenMovement]:
    """Return movements of the wallet, the last recorded first, older than a (recorded at, cause, kind) position."""
    at, cause, kind = before or (None, None, None)
    rows = await uow.fetch(
        """-- tokens.list_movements
        select p.kind, case when t.code = 'tokens' then p.amount else -p.amount end as quantity, p.cause, p.occurred_at,
          p.recorded_at
        from postings p
        join accounts t on t.business_id = p.business_id and t.id = p.to_account
        where p.business_id = $1 and p.unit = 'TOKEN'
          and ($2::timestamptz is null or (p.recorded_at, p.cause, p.kind) < ($2, $3::uuid, $4::text))
        order by p.recorded_at desc, p.cause desc, p.kind desc limit $5""",
        uow.tenant,
        at,
        cause,
        kind,
        limit,
    )
    return [TokenMovement(**row) for row in rows]


async def insert_purchase(uow: UnitOfWork, purchase: PurchaseView) -> None:
    """Insert a purchase that awaits its payment."""
    await uow.execute(
        """-- tokens.insert_purchase
        insert into token_purchases (business_id, id, quantity, price_cents, payment_id, created_by, created_at)
        values ($1, $2, $3, $4, $5, $6, $7)""",
        uow.tenant,
        purchase.id,
        purchase.quantity,
        purchase.price_cents,
        purchase.payment_id,
        uow.actor.id,
        uow.now,
    )


async def lock_purchase(uow: UnitOfWork, purchase_id: UUID) -> StoredPurchase | None:
    """Lock and return a purchase, or None."""
    row = await uow.fetchrow(
        """-- tokens.lock_purchase
        select id, quantity, price_cents, state from token_purchases where business_id = $1 and id = $2 for update""",
        uow.tenant,
        purchase_id,
    )
    return StoredPurchase(**row) if row else None


async def end_purchase(uow: UnitOfWork, purchase_id: UUID, state: str, *, credited: int | None = None) -> None:
    """Record how a purchase ended, and how many tokens it brought when it was paid."""
    await uow.execute(
        """-- tokens.end_purchase
        update token_purchases set state = $3, ended_at = $4, credited_quantity = $5 where business_id = $1 and id = $2""",
        uow.tenant,
        purchase_id,
        state,
        uow.now,
        credited,
    )
