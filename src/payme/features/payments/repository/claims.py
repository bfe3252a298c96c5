"""SQL of payments that began with money: claimed out of the tray, or on a cashier's word."""

from datetime import datetime
from uuid import UUID

from payme.features.payments.enums import Assurance, Settlement
from payme.features.payments.rules.claims import Proof
from payme.kit.values import value
from payme.runtime.database import UnitOfWork


@value
class NewMoney:
    """A payment that has succeeded as it is made, in cents. `receipt` is None where it is a part of another's."""

    id: UUID
    purpose: str
    purpose_id: UUID
    method: str
    amount_cents: int
    assurance: Assurance
    settlement: Settlement | None
    shortcode: str | None
    receipt: str | None
    reference: str = ""
    channel: str | None = None
    verdict: str | None = None
    is_odd: bool = False
    payee: str = "business"


@value
class StoredClaim:
    """A claim under lock."""

    id: UUID
    amount_cents: int
    mpesa_receipt_number: str
    channel: str
    verdict: str
    confirmed_cents: int | None
    created_at: datetime


async def insert_money(uow: UnitOfWork, new: NewMoney) -> None:
    """Insert a payment whose money is there. Raises: ReceiptUsed."""
    await uow.execute(
        """-- payments.insert_money
        insert into payments (business_id, id, purpose, purpose_id, method, status, assurance, amount_cents, paid_cents, shortcode,
          mpesa_receipt_number, reference, settlement, channel, verdict, is_odd, payee, ended_at, created_at, created_by)
        values ($1, $2, $3, $4, $5, 'succeeded', $6, $7, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $16, $17)""",
        uow.tenant, new.id, new.purpose, new.purpose_id, new.method, new.assurance, new.amount_cents, new.shortcode,
        new.receipt, new.reference, new.settlement, new.channel, new.verdict, new.is_odd, new.payee, uow.now, uow.actor.id,
    )  # fmt: skip


async def find_receipt_holder(uow: UnitOfWork, receipt: str) -> tuple[UUID, str] | None:
    """Return the id and method of the payment of this business that holds a receipt."""
    row = await uow.fetchrow(
        """-- payments.find_receipt_holder
        select id, method from payments where business_id = $1 and mpesa_receipt_number = $2""",
        uow.tenant, receipt,
    )  # fmt: skip
    return (row["id"], row["method"]) if row else None


async def lock_claim(uow: UnitOfWork, payment_id: UUID) -> StoredClaim | None:
    """Lock and return a claim, or None where the payment is none."""
    row = await uow.fetchrow(
        """-- payments.lock_claim
        select id, amount_cents, mpesa_receipt_number, channel, verdict, confirmed_cents, created_at
        from payments where business_id = $1 and id = $2 and method = 'mpesa_claim' for update""",
        uow.tenant, payment_id,
    )  # fmt: skip
    return StoredClaim(**row) if row else None


async def record_proof(uow: UnitOfWork, payment_id: UUID, proof: Proof, *, shortcode: str) -> None:
    """Record what evidence made of a claim; one that is confirmed whole becomes as sure as a prompt."""
    await uow.execute(
        """-- payments.record_proof
        update payments set verdict = $3, confirmed_cents = $4, shortcode = $5, moved_at = $6, rev = rev + 1,
          assurance = case when $3 = 'verified' then 'confirmed' else assurance end
        where business_id = $1 and id = $2""",
        uow.tenant, payment_id, proof.verdict, proof.confirmed_cents, shortcode, uow.now,
    )  # fmt: skip


async def set_verdict(uow: UnitOfWork, payment_id: UUID, verdict: str) -> None:
    """Record that a claim was not found, or that its receipt is somebody else's."""
    await uow.execute(
        """-- payments.set_verdict
        update payments set verdict = $3, rev = rev + 1 where business_id = $1 and id = $2 and method = 'mpesa_claim'""",
        uow.tenant, payment_id, verdict,
    )  # fmt: skip


async def claimed_since(uow: UnitOfWork, *, by: UUID, since: datetime) -> int:
    """Return what one person has claimed since an instant and nobody has confirmed, in cents; others wait for this answer's end."""
    await uow.execute(
        """-- payments.serialise_claims
        select pg_advisory_xact_lock(hashtextextended($1::uuid::text || $2::uuid::text, 0))""",
        uow.tenant, by,
    )  # fmt: skip
    return await uow.fetchval(
        """-- payments.claimed_since
        select coalesce(sum(amount_cents), 0)::bigint from payments
        where business_id = $1 and created_at >= $3 and method = 'mpesa_claim' and created_by = $2 and assurance <> 'confirmed'""",
        uow.tenant, by, since,
    )  # fmt: skip
