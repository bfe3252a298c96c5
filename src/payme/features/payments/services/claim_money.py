"""Give money in the unclaimed tray its purpose. Of two tills that claim the same money one gets it: the row is locked."""

from typing import Final
from uuid import UUID

from payme.features import audit, ledger
from payme.features.ledger import AccountCode, Posting
from payme.features.payments.enums import Assurance, Effect, Outcome, PaymentStatus, Source
from payme.features.payments.errors import (
    AlreadyClaimed,
    MoneyInDispute,
    NotVerifiedYet,
    PromptMayOwnIt,
    UnclaimedNotFound,
)
from payme.features.payments.repository import claims
from payme.features.payments.repository import evidence as evidence_repository
from payme.features.payments.repository import payments as repository
from payme.features.payments.repository import unclaimed as tray
from payme.features.payments.repository.claims import NewMoney
from payme.features.payments.repository.evidence import About
from payme.features.payments.repository.unclaimed import Claimed, StoredUnclaimed
from payme.features.payments.rules.transitions import Message
from payme.features.payments.schemas import PaymentView, Purpose
from payme.features.payments.services.match_prompt import may_be_of_a_prompt, shortcodes_with
from payme.features.payments.services.policies import verify_above_cents
from payme.kit.ids import new_id
from payme.kit.values import value
from payme.runtime.database import UnitOfWork

_OWN_NOTICE: Final = "no_match"


@value
class Destination:
    """What money is for."""

    purpose: Purpose
    purpose_id: UUID


async def claim_unclaimed(uow: UnitOfWork, unclaimed_id: UUID, destination: Destination) -> PaymentView:
    """Make money in the tray a payment of its purpose, which settles it. Locks the row.

    Raises: UnclaimedNotFound, AlreadyClaimed, MoneyInDispute, NotVerifiedYet, PromptMayOwnIt.
    """
    row = await tray.lock_unclaimed(uow, unclaimed_id)
    if row is None:
        raise UnclaimedNotFound(unclaimed_id=unclaimed_id)
    await refuse_unless_free(uow, row)
    return await take_for(uow, row, destination, source=Source.PERSON)


async def take_for(uow: UnitOfWork, row: StoredUnclaimed, destination: Destination, *, source: Source) -> PaymentView:
    """Make a payment of a locked row of the tray, and book it as held for its purpose; whoever calls settles it."""
    payment = PaymentView(
        id=new_id(), purpose=destination.purpose, purpose_id=destination.purpose_id, method="mpesa_c2b",
        status=PaymentStatus.SUCCEEDED, assurance=Assurance.CONFIRMED, amount_cents=row.amount_cents,
        paid_cents=row.amount_cents, created_at=uow.now, ended_at=uow.now,
        mpesa_receipt_number=row.mpesa_receipt_number if _is_own_notice(row) else None,
    )  # fmt: skip
    new = NewMoney(
        payment.id, payment.purpose, payment.purpose_id, payment.method, payment.amount_cents, Assurance.CONFIRMED, None,
        row.shortcode, payment.mpesa_receipt_number, row.mpesa_receipt_number or "",
    )  # fmt: skip
    await claims.insert_money(uow, new)
    await tray.end(uow, row.id, "claimed", claimed=Claimed(payment.id, payment.purpose, payment.purpose_id))
    message = Message(source, Outcome.PAID, amount_cents=row.amount_cents, receipt=row.mpesa_receipt_number)
    about = About(row.shortcode, payment_id=payment.id, unclaimed_id=row.id)
    await evidence_repository.insert_evidence(uow, about, message, effect=Effect.SUCCEEDED, inbox_id=None)
    held = Posting(
        "payment.received", AccountCode.PAYMENTS_HELD, AccountCode.MPESA_UNCLAIMED, row.amount_cents, payment.id
    )
    ledger.post(uow, [held])
    audit.record(
        uow, "unclaimed.claimed", row.id, amount_cents=row.amount_cents, payment_id=payment.id,
        purpose=payment.purpose, purpose_id=payment.purpose_id,
    )  # fmt: skip
    uow.touch("unclaimed", row.id)
    uow.touch("payments", payment.id)
    return payment


async def refuse_unless_free(uow: UnitOfWork, row: StoredUnclaimed) -> None:
    """Refuse to claim a locked row that is spoken for. Raises: AlreadyClaimed, MoneyInDispute, NotVerifiedYet, PromptMayOwnIt."""
    if row.state != "unclaimed":
        raise AlreadyClaimed(unclaimed_id=row.id, state=row.state)
    if row.payment_id is not None:
        origin = await repository.find_origin(uow, row.payment_id)
        if origin.payee != "business":
            raise UnclaimedNotFound(unclaimed_id=row.id)
        if origin.is_in_dispute:
            raise MoneyInDispute(payment_id=row.payment_id)
    limit_cents = await verify_above_cents(uow)
    if _is_own_notice(row) and not row.is_verified and row.amount_cents > limit_cents:
        raise NotVerifiedYet(amount_cents=row.amount_cents, limit_cents=limit_cents)
    if _is_own_notice(row) and await may_be_of_a_prompt(uow, row, await shortcodes_with(uow, row.shortcode)):
        raise PromptMayOwnIt(unclaimed_id=row.id)


def _is_own_notice(row: StoredUnclaimed) -> bool:
    """Say whether the row is all that its receipt moved, and not a part left over from a payment."""
    return row.payment_id is None and row.reason == _OWN_NOTICE
