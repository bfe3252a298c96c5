"""SQL of the unclaimed tray: money that arrived and belongs to nothing yet."""

from datetime import datetime
from typing import Final
from uuid import UUID

from payme.features.payments.schemas import UnclaimedView
from payme.kit.ids import new_id
from payme.kit.values import value
from payme.runtime.database import UnitOfWork


@value
class NewUnclaimed:
    """An amount for the tray, in cents, and what is known of where it came from. The number is masked or hashed."""

    amount_cents: int
    reason: str
    source: str
    shortcode: str
    receipt: str | None
    payment_id: UUID | None = None
    payer_name: str = ""
    payer_number: str = ""
    bill_reference: str = ""
    paid_at: datetime | None = None
    is_verified: bool = False


@value
class StoredUnclaimed:
    """A row of the tray under lock."""

    id: UUID
    state: str
    source: str
    reason: str
    amount_cents: int
    shortcode: str
    mpesa_receipt_number: str | None
    payment_id: UUID | None
    payer_number: str
    bill_reference: str
    paid_at: datetime | None
    is_verified: bool
    received_at: datetime


@value
class Claimed:
    """What a row of the tray became: the payment that a claim made of it, and what that is for."""

    payment_id: UUID
    purpose: str
    purpose_id: UUID


_COLUMNS: Final = (
    "id, state, source, reason, amount_cents, shortcode, mpesa_receipt_number, payment_id, payer_number, "
    "bill_reference, paid_at, is_verified, received_at"
)
_LOCK: Final = (
    "-- payments.lock_unclaimed\nselect "
    + _COLUMNS
    + " from unclaimed_money where business_id = $1 and id = $2 for update"
)
_LOCK_RECEIPT: Final = (
    "-- payments.lock_unclaimed_receipt\nselect " + _COLUMNS + " from unclaimed_money"
    " where business_id = $1 and mpesa_receipt_number = $2 and payment_id is null for update"
)
_LIST_LIKE: Final = (
    "-- payments.list_unclaimed_like\nselect " + _COLUMNS + " from unclaimed_money"
    " where business_id = $1 and state = 'unclaimed' and payment_id is null and amount_cents = $2 and shortcode = any($3)"
    " and received_at >= $4 order by received_at, id limit 50"
)
_LIST_SINCE: Final = (
    "-- payments.list_unclaimed_since\nselect " + _COLUMNS + " from unclaimed_money"
    " where business_id = $1 and state = 'unclaimed' and payment_id is null and shortcode = any($2) and received_at >= $3"
    " order by received_at, id limit 200"
)


async def insert_unclaimed(uow: UnitOfWork, new: NewUnclaimed, *, unclaimed_id: UUID | None = None) -> UUID:
    """Put an amount among the unclaimed and return the row's id."""
    unclaimed_id = unclaimed_id or new_id()
    await uow.execute(
        """-- payments.insert_unclaimed
        insert into unclaimed_money (business_id, id, source, reason, amount_cents, shortcode, mpesa_receipt_number, payment_id,
          payer_name, payer_number, bill_reference, paid_at, is_verified, received_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)""",
        uow.tenant, unclaimed_id, new.source, new.reason, new.amount_cents, new.shortcode, new.receipt, new.payment_id,
        new.payer_name, new.payer_number, new.bill_reference, new.paid_at, new.is_verified, uow.now,
    )  # fmt: skip
    return unclaimed_id


async def lock_disputed(uow: UnitOfWork, payment_id: UUID) -> UUID | None:
    """Lock the row of the amount that a callback named for a payment, if there is one and it is still unclaimed."""
    return await uow.fetchval(
        """-- payments.lock_disputed
        select id from unclaimed_money
        where business_id = $1 and payment_id = $2 and reason = 'amount_differs' and state = 'unclaimed' for update""",
        uow.tenant, payment_id,
    )  # fmt: skip


async def lock_unclaimed(uow: UnitOfWork, unclaimed_id: UUID) -> StoredUnclaimed | None:
    """Lock and return a row of the tray in any state, or None."""
    row = await uow.fetchrow(_LOCK, uow.tenant, unclaimed_id)
    return StoredUnclaimed(**row) if row else None


async def lock_receipt(uow: UnitOfWork, receipt: str) -> StoredUnclaimed | None:
    """Lock and return the row that a receipt came into by itself, in any state, or None."""
    row = await uow.fetchrow(_LOCK_RECEIPT, uow.tenant, receipt)
    return StoredUnclaimed(**row) if row else None


async def find_receipt(uow: UnitOfWork, receipt: str) -> tuple[UUID, str] | None:
    """Return the id and state of the row that a receipt came into by itself, or None."""
    row = await uow.fetchrow(
        """-- payments.find_unclaimed_receipt
        select id, state from unclaimed_money where business_id = $1 and mpesa_receipt_number = $2 and payment_id is null""",
        uow.tenant, receipt,
    )  # fmt: skip
    return (row["id"], row["state"]) if row else None


async def list_like(
    uow: UnitOfWork, *, amount_cents: int, shortcodes: list[str], since: datetime
) -> list[StoredUnclaimed]:
    """Return the unclaimed rows of an amount that came by themselves since an instant, oldest first, fifty at most."""
    rows = await uow.fetch(_LIST_LIKE, uow.tenant, amount_cents, shortcodes, since)
    return [StoredUnclaimed(**row) for row in rows]


async def list_since(uow: UnitOfWork, *, shortcodes: list[str], since: datetime) -> list[StoredUnclaimed]:
    """Return the unclaimed rows of any amount that came by themselves since an instant, oldest first, two hundred at most."""
    rows = await uow.fetch(_LIST_SINCE, uow.tenant, shortcodes, since)
    return [StoredUnclaimed(**row) for row in rows]


async def end(uow: UnitOfWork, unclaimed_id: UUID, state: str, *, claimed: Claimed | None = None) -> None:
    """Record that an unclaimed amount found its place: `claimed` by a person, `matched` to its payment, or `returned`."""
    await uow.execute(
        """-- payments.end_unclaimed
        update unclaimed_money set state = $3, ended_at = $4, moved_at = $4, ended_by = $5, claimed_as = $6, purpose = $7, purpose_id = $8,
          rev = rev + 1
        where business_id = $1 and id = $2 and state = 'unclaimed'""",
        uow.tenant, unclaimed_id, state, uow.now, uow.actor.id, claimed.payment_id if claimed else None,
        claimed.purpose if claimed else None, claimed.purpose_id if claimed else None,
    )  # fmt: skip


async def set_state(uow: UnitOfWork, unclaimed_id: UUID, state: str) -> None:
    """Record that an amount is on its way back to its sender (`returning`), has arrived there (`returned`), or stays after all."""
    await uow.execute(
        """-- payments.set_unclaimed_state
        update unclaimed_money set state = $3, moved_at = $4, rev = rev + 1,
          ended_at = case when $3 = 'returned' then $4::timestamptz end, ended_by = case when $3 = 'returned' then $5::uuid end
        where business_id = $1 and id = $2 and state in ('unclaimed', 'returning')""",
        uow.tenant, unclaimed_id, state, uow.now, uow.actor.id,
    )  # fmt: skip


async def mark_verified(uow: UnitOfWork, unclaimed_id: UUID) -> None:
    """Record that M-Pesa was asked and confirmed a row."""
    await uow.execute(
        """-- payments.mark_unclaimed_verified
        update unclaimed_money set is_verified = true, rev = rev + 1 where business_id = $1 and id = $2 and not is_verified""",
        uow.tenant, unclaimed_id,
    )  # fmt: skip


async def list_unclaimed(
    uow: UnitOfWork, *, limit: int, before: tuple[datetime, UUID] | None, amount_cents: int | None, search: str | None
) -> list[UnclaimedView]:
    """Return unclaimed amounts, newest first, older than a (time, id) pair; `search` looks in receipt, payer and reference."""
    at, last = before or (None, None)
    rows = await uow.fetch(
        """-- payments.list_unclaimed
        select id, source, reason, amount_cents, shortcode, mpesa_receipt_number, payment_id, state, payer_name, payer_number,
          bill_reference, paid_at, is_verified, received_at
        from unclaimed_money
        where business_id = $1 and state = 'unclaimed' and ($2::timestamptz is null or (received_at, id) < ($2, $3::uuid))
          and ($5::bigint is null or amount_cents = $5)
          and ($6::text is null or strpos(lower(concat_ws(' ', mpesa_receipt_number, payer_name, bill_reference)), lower($6)) > 0)
        order by received_at desc, id desc limit $4""",
        uow.tenant, at, last, limit, amount_cents, search,
    )  # fmt: skip
    return [UnclaimedView(**row) for row in rows]


async def find_unclaimed(uow: UnitOfWork, unclaimed_id: UUID) -> UnclaimedView | None:
    """Return a row of the tray in any state, or None."""
    row = await uow.fetchrow(
        """-- payments.find_unclaimed
        select id, source, reason, amount_cents, shortcode, mpesa_receipt_number, payment_id, state, payer_name, payer_number,
          bill_reference, paid_at, is_verified, received_at
        from unclaimed_money where business_id = $1 and id = $2""",
        uow.tenant, unclaimed_id,
    )  # fmt: skip
    return UnclaimedView(**row) if row else None
