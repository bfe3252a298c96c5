"""SQL of claims that were written off, and of the write-offs that evidence undid."""

from datetime import datetime
from uuid import UUID

from payme.features.payments.rules.claims import Verdict
from payme.kit.values import value
from payme.runtime.database import UnitOfWork


@value
class OpenClaim:
    """What a write-off must know of a claim under lock; `open_cents` is what nothing has confirmed or written off."""

    id: UUID
    open_cents: int
    verdict: Verdict
    claimed_by: UUID
    created_at: datetime


async def lock_open_claim(uow: UnitOfWork, payment_id: UUID) -> OpenClaim | None:
    """Lock and return a claim, or None where the payment is none."""
    row = await uow.fetchrow(
        """-- payments.lock_open_claim
        select id, amount_cents - coalesce(confirmed_cents, 0) as missing_cents, verdict, created_by, created_at
        from payments where business_id = $1 and id = $2 and method = 'mpesa_claim' for update""",
        uow.tenant, payment_id,
    )  # fmt: skip
    if row is None:
        return None
    # Asked once the lock is held, so that a write-off that was waited for is seen.
    written_off_cents = await uow.fetchval(
        """-- payments.sum_written_off
        select coalesce(sum(amount_cents), 0)::bigint from claim_write_offs
        where business_id = $1 and payment_id = $2 and state = 'standing'""",
        uow.tenant, payment_id,
    )  # fmt: skip
    open_cents = row["missing_cents"] - written_off_cents
    return OpenClaim(row["id"], open_cents, Verdict(row["verdict"]), row["created_by"], row["created_at"])


async def insert_write_off(
    uow: UnitOfWork, write_off_id: UUID, claim: OpenClaim, *, claimed_by: UUID, written_off_by: UUID
) -> None:
    """Write off what a locked claim lacks. Raises: OwnClaim."""
    await uow.execute(
        """-- payments.insert_write_off
        insert into claim_write_offs (business_id, id, payment_id, amount_cents, claimed_by, written_off_by, written_off_at)
        values ($1, $2, $3, $4, $5, $6, $7)""",
        uow.tenant, write_off_id, claim.id, claim.open_cents, claimed_by, written_off_by, uow.now,
    )  # fmt: skip


async def undo_standing(uow: UnitOfWork, payment_id: UUID) -> tuple[UUID, int] | None:
    """Record that the write-off of a locked claim no longer stands; return its id and amount in cents, or None."""
    row = await uow.fetchrow(
        """-- payments.undo_write_off
        update claim_write_offs set state = 'undone', undone_at = $3
        where business_id = $1 and payment_id = $2 and state = 'standing' returning id, amount_cents""",
        uow.tenant, payment_id, uow.now,
    )  # fmt: skip
    return (row["id"], row["amount_cents"]) if row else None
