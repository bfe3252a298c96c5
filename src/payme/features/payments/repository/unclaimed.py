"""SQL of the unclaimed tray: money that arrived and belongs to nothing yet."""

from datetime import datetime
from uuid import UUID

from payme.features.payments.repository.payments import StoredPayment
from payme.features.payments.schemas import UnclaimedView
from payme.kit.ids import new_id
from payme.runtime.database import UnitOfWork


async def insert_unclaimed(
    uow: UnitOfWork, payment: StoredPayment, *, amount_cents: int, reason: str, source: str, receipt: str | None
) -> UUID:
    """Put an amount among the unclaimed and return the row's id."""
    unclaimed_id = new_id()
    await uow.execute(
        """-- payments.insert_unclaimed
        insert into unclaimed_money (business_id, id, source, reason, amount_cents, shortcode, mpesa_receipt_number, payment_id, received_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9)""",
        uow.tenant, unclaimed_id, source, reason, amount_cents, payment.shortcode or "", receipt, payment.id, uow.now,
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


async def claim(uow: UnitOfWork, unclaimed_id: UUID) -> None:
    """Record that an unclaimed amount found its purpose."""
    await uow.execute(
        """-- payments.claim_unclaimed
        update unclaimed_money set state = 'claimed', ended_at = $3, ended_by = $4, rev = rev + 1
        where business_id = $1 and id = $2 and state = 'unclaimed'""",
        uow.tenant, unclaimed_id, uow.now, uow.actor.id,
    )  # fmt: skip


async def list_unclaimed(uow: UnitOfWork, *, limit: int, before: tuple[datetime, UUID] | None) -> list[UnclaimedView]:
    """Return unclaimed amounts, newest first, older than a (time, id) pair."""
    at, last = before or (None, None)
    rows = await uow.fetch(
        """-- payments.list_unclaimed
        select id, source, reason, amount_cents, shortcode, mpesa_receipt_number, payment_id, state, received_at
        from unclaimed_money
        where business_id = $1 and state = 'unclaimed' and ($2::timestamptz is null or (received_at, id) < ($2, $3::uuid))
        order by received_at desc, id desc limit $4""",
        uow.tenant, at, last, limit,
    )  # fmt: skip
    return [UnclaimedView(**row) for row in rows]
