"""Hold a cashier's claim against evidence of its receipt: confirm it, part of it, or more than it."""

from uuid import UUID

from payme.features import audit, ledger
from payme.features.ledger import AccountCode, Posting
from payme.features.payments.enums import Effect
from payme.features.payments.repository import claims
from payme.features.payments.repository import evidence as evidence_repository
from payme.features.payments.repository import unclaimed as tray
from payme.features.payments.repository.evidence import About, Holder
from payme.features.payments.repository.unclaimed import NewUnclaimed
from payme.features.payments.rules.claims import Proof, Verdict, prove
from payme.features.payments.rules.transitions import Message, ReceiptOwner
from payme.features.payments.services.write_off_claim import undo_write_off
from payme.runtime.database import UnitOfWork


async def verify_claim(
    uow: UnitOfWork, payment_id: UUID, message: Message, *, shortcode: str, inbox_id: UUID | None = None
) -> Effect:
    """Apply evidence of a claimed receipt, once; return what was made of it.

    `message` says that the receipt was paid, with its amount. What is confirmed moves from the money to confirm into M-Pesa;
    an excess goes to the tray. Locks the payment.
    """
    claim = await claims.lock_claim(uow, payment_id)
    assert claim is not None, "whoever asks has seen that it is a claim"
    assert message.amount_cents is not None, "evidence of a receipt has its amount"
    about = About(shortcode, payment_id=payment_id)
    if claim.confirmed_cents is not None:
        effect = Effect.DUPLICATE
    else:
        holder = Holder("payment", payment_id, shortcode)
        owner = await evidence_repository.register_receipt(uow, claim.mpesa_receipt_number, holder)
        effect = await _take(
            uow, payment_id, owner, proof=prove(claim.amount_cents, message.amount_cents), shortcode=shortcode
        )
    await evidence_repository.insert_evidence(uow, about, message, effect=effect, inbox_id=inbox_id)
    if effect is not Effect.DUPLICATE:
        audit.record(
            uow, f"payment.{effect}", payment_id, source=message.source, amount_cents=message.amount_cents,
            claimed_cents=claim.amount_cents,
        )  # fmt: skip
        uow.touch("payments", payment_id)
    return effect


async def _take(uow: UnitOfWork, payment_id: UUID, owner: ReceiptOwner, *, proof: Proof, shortcode: str) -> Effect:
    if owner not in {ReceiptOwner.NEW, ReceiptOwner.OURS_ALREADY}:
        await claims.set_verdict(uow, payment_id, Verdict.ALREADY_USED)
        return Effect.RECEIPT_TAKEN
    await undo_write_off(uow, payment_id)
    await claims.record_proof(uow, payment_id, proof, shortcode=shortcode)
    postings = [
        Posting("payment.confirmed", AccountCode.MPESA_TO_CONFIRM, AccountCode.MPESA, proof.confirmed_cents, payment_id)
    ]
    if proof.excess_cents:
        new = NewUnclaimed(proof.excess_cents, "overpaid", "c2b", shortcode, None, payment_id)
        unclaimed_id = await tray.insert_unclaimed(uow, new)
        postings.append(
            Posting(
                "payment.unclaimed", AccountCode.MPESA_UNCLAIMED, AccountCode.MPESA, proof.excess_cents, unclaimed_id
            )
        )
        uow.touch("unclaimed", unclaimed_id)
    ledger.post(uow, postings)
    return Effect.VERIFIED if proof.verdict is Verdict.VERIFIED else Effect.CLAIM_DIFFERS
