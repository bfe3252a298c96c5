"""Give up money that a cashier claimed and that never came; take it back where it is found after all."""

from uuid import UUID

from payme.features import audit, identity, ledger
from payme.features.ledger import AccountCode, Posting
from payme.features.payments.errors import ClaimNotOpen, ClaimStillAwaited, OwnClaim, PaymentNotFound
from payme.features.payments.repository import write_offs
from payme.features.payments.rules.claims import may_write_off
from payme.kit.ids import new_id
from payme.runtime.database import UnitOfWork


async def write_off_claim(
    uow: UnitOfWork, payment_id: UUID, *, written_off_by: UUID, is_covered: bool, reason: str = ""
) -> int:
    """Move what a claim lacks from the money to confirm to the losses; return it in cents. Locks the payment.

    `is_covered`: a statement covers the claim's time and does not show it. Raises: PaymentNotFound, OwnClaim, ClaimNotOpen,
    ClaimStillAwaited.
    """
    claim = await write_offs.lock_open_claim(uow, payment_id)
    if claim is None:
        raise PaymentNotFound(payment_id=payment_id)
    claimed_by = await identity.find_person(uow, claim.claimed_by)
    if written_off_by == claimed_by:
        raise OwnClaim
    if claim.open_cents <= 0:
        raise ClaimNotOpen(payment_id=payment_id)
    if not may_write_off(claim.verdict, uow.now - claim.created_at, is_covered=is_covered):
        raise ClaimStillAwaited(verdict=claim.verdict, claimed_at=claim.created_at.isoformat())
    write_off_id = new_id()
    await write_offs.insert_write_off(uow, write_off_id, claim, claimed_by=claimed_by, written_off_by=written_off_by)
    await ledger.open_accounts(uow)
    lost = Posting(
        "claim.written_off", AccountCode.MPESA_TO_CONFIRM, AccountCode.MPESA_LOSSES, claim.open_cents, write_off_id
    )
    ledger.post(uow, [lost])
    audit.record(
        uow, "claim.written_off", write_off_id, payment_id=payment_id, amount_cents=claim.open_cents, reason=reason
    )
    uow.touch("payments", payment_id)
    return claim.open_cents


async def undo_write_off(uow: UnitOfWork, payment_id: UUID) -> None:
    """Put a written-off claim back among the money to confirm, ahead of the evidence that has come for it; its payment is locked."""
    undone = await write_offs.undo_standing(uow, payment_id)
    if undone is None:
        return
    write_off_id, amount_cents = undone
    back = Posting(
        "claim.write_off_undone", AccountCode.MPESA_LOSSES, AccountCode.MPESA_TO_CONFIRM, amount_cents, write_off_id
    )
    ledger.post(uow, [back])
    audit.record(uow, "claim.write_off_undone", write_off_id, payment_id=payment_id, amount_cents=amount_cents)
