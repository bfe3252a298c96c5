"""Ask for money to leave by M-Pesa: to a person, or back to its sender. Whoever asks never agrees; a job sends it once."""

from typing import Final
from uuid import UUID

from payme.features import approvals, audit
from payme.features.approvals import ApprovalApproved, ApprovalKind, ApprovalLapsed, ApprovalRejected, Wanted
from payme.features.businesses import get_business
from payme.features.identity import find_person_behind
from payme.features.payments.errors import (
    MoneyInDispute,
    NotReturnable,
    PayoutAboveLimit,
    PayoutTooSmall,
    PhoneInvalid,
    UnclaimedNotFound,
    WholeShillings,
)
from payme.features.payments.events import PayoutChanged, PayoutFailed
from payme.features.payments.repository import payments as payments_repository
from payme.features.payments.repository import payouts as repository
from payme.features.payments.repository import unclaimed as tray
from payme.features.payments.repository.payouts import Moved, NewPayout, StoredPayout
from payme.features.payments.repository.unclaimed import StoredUnclaimed
from payme.features.payments.rules.payouts import SMALLEST_CENTS, PayoutState, is_within
from payme.features.payments.schemas import PayoutView, RequestPayout, ReturnMoney
from payme.features.payments.services.claim_money import refuse_unless_free
from payme.features.payments.services.operators import operating_shortcode
from payme.features.payments.services.read_payouts import get_payout
from payme.integrations.daraja import remarks_from
from payme.kit.ids import new_id
from payme.kit.money import is_whole_shillings
from payme.kit.phone import masked, normalise_msisdn
from payme.kit.time import business_day, day_bounds
from payme.runtime.database import UnitOfWork
from payme.runtime.security import FieldCipher

SEND_JOB: Final = "payments.send_payout"
PHONE_COLUMN: Final = "phone_encrypted"
_NO_ONE_AGREED: Final = "Nobody agreed to it."


async def request_payout(uow: UnitOfWork, command: RequestPayout) -> PayoutView:
    """Ask for a person to be paid; it waits for somebody else's word.

    Raises: WholeShillings, PayoutTooSmall, PhoneInvalid, PayoutAboveLimit, OperatorMissing, PayoutExists.
    """
    _refuse_odd_amount(command.amount_cents)
    msisdn = normalise_msisdn(command.phone)
    if msisdn is None:
        raise PhoneInvalid
    await _refuse_above_limits(uow, command.amount_cents)
    payout_id = command.id or new_id()
    new = NewPayout(
        payout_id, command.kind, "other", payout_id, PayoutState.AWAITING_APPROVAL, command.amount_cents,
        remarks_from(command.reason), await operating_shortcode(uow), f"pm-{payout_id.hex}", await find_person_behind(uow),
        _sealed(uow, payout_id, msisdn), masked(msisdn),
    )  # fmt: skip
    await _insert(uow, new)
    await _ask(uow, new, {"phone": new.phone_masked, "reason": new.reason, "kind": new.kind})
    return await get_payout(uow, payout_id)


async def return_money(uow: UnitOfWork, unclaimed_id: UUID, command: ReturnMoney) -> PayoutView:
    """Ask for money in the tray to be sent back whole to its sender; nobody can claim it meanwhile. Locks the row.

    Raises: UnclaimedNotFound, AlreadyClaimed, MoneyInDispute, NotVerifiedYet, PromptMayOwnIt, NotReturnable, OperatorMissing.
    """
    row = await tray.lock_unclaimed(uow, unclaimed_id)
    if row is None:
        raise UnclaimedNotFound(unclaimed_id=unclaimed_id)
    await refuse_unless_free(uow, row)
    if (
        row.mpesa_receipt_number is None
        or not is_whole_shillings(row.amount_cents)
        or not await _is_all_of_it(uow, row)
    ):
        raise NotReturnable(unclaimed_id=unclaimed_id)
    payout_id = new_id()
    new = NewPayout(
        payout_id, "reversal", "unclaimed", row.id, PayoutState.AWAITING_APPROVAL, row.amount_cents,
        remarks_from(command.reason), await operating_shortcode(uow, row.shortcode), f"pm-{payout_id.hex}",
        await find_person_behind(uow), original_receipt=row.mpesa_receipt_number,
    )  # fmt: skip
    await _insert(uow, new)
    await tray.set_state(uow, row.id, "returning")
    uow.touch("unclaimed", row.id)
    await _ask(uow, new, {"mpesa_receipt_number": row.mpesa_receipt_number, "reason": new.reason})
    return await get_payout(uow, payout_id)


async def pay_refund(
    uow: UnitOfWork, refund_id: UUID, *, payment_id: UUID, amount_cents: int, reason: str
) -> PayoutView:
    """Have a refund paid to the phone that the payment came from; who may refund has agreed already.

    Raises: WholeShillings, PayoutTooSmall, NotReturnable where the payment has no phone, MoneyInDispute, OperatorMissing, PayoutExists.
    """
    _refuse_odd_amount(amount_cents)
    payment = await payments_repository.lock_payment(uow, payment_id)
    if payment is None or payment.phone_encrypted is None:
        raise NotReturnable(payment_id=payment_id)
    if payment.is_in_doubt:
        raise MoneyInDispute(payment_id=payment_id)
    msisdn = uow.tool(FieldCipher).decrypt(
        payment.phone_encrypted, table="payments", column=PHONE_COLUMN, business_id=uow.tenant, row_id=payment_id
    )
    payout_id = new_id()
    new = NewPayout(
        payout_id, "b2c", "refund", refund_id, PayoutState.APPROVED, amount_cents, remarks_from(reason),
        await operating_shortcode(uow), f"pm-{payout_id.hex}", uow.actor.id, _sealed(uow, payout_id, msisdn),
        masked(msisdn),
    )  # fmt: skip
    await _insert(uow, new)
    _send(uow, payout_id)
    return await get_payout(uow, payout_id)


async def hear_of_approval(uow: UnitOfWork, event: ApprovalApproved) -> None:
    """Have a payout sent that somebody agreed to; hearing it twice sends it once. Locks the payout."""
    if event.kind != ApprovalKind.PAYOUT:
        return
    payout = await repository.lock_payout(uow, event.about_id)
    if payout is None or payout.state is not PayoutState.AWAITING_APPROVAL:
        return
    await _move(uow, payout, Moved(PayoutState.APPROVED, decided_by=event.decided_by))
    _send(uow, payout.id)


async def hear_of_refusal(uow: UnitOfWork, event: ApprovalRejected | ApprovalLapsed) -> None:
    """End a payout that nobody agreed to; money in the tray can be claimed again. Locks the payout."""
    if event.kind != ApprovalKind.PAYOUT:
        return
    payout = await repository.lock_payout(uow, event.about_id)
    if payout is None or payout.state is not PayoutState.AWAITING_APPROVAL:
        return
    decided_by = event.decided_by if isinstance(event, ApprovalRejected) else None
    await _move(
        uow, payout, Moved(PayoutState.REJECTED, reason_code=event.name, reason_text=_NO_ONE_AGREED, decided_by=decided_by)
    )  # fmt: skip
    if payout.purpose == "unclaimed":
        await tray.set_state(uow, payout.purpose_id, "unclaimed")
        uow.touch("unclaimed", payout.purpose_id)
    uow.publish(
        PayoutFailed(subject_id=payout.id, purpose=payout.purpose, purpose_id=payout.purpose_id, reason_code=event.name)
    )


def _refuse_odd_amount(amount_cents: int) -> None:
    if not is_whole_shillings(amount_cents):
        raise WholeShillings(amount_cents=amount_cents)
    if amount_cents < SMALLEST_CENTS:
        raise PayoutTooSmall(smallest_cents=SMALLEST_CENTS)


async def _is_all_of_it(uow: UnitOfWork, row: StoredUnclaimed) -> bool:
    """Say whether a row is all that its receipt moved: by itself, or of a payment that its purpose gave up whole."""
    if row.payment_id is None:
        return True
    payment = await payments_repository.find_payment(uow, row.payment_id)
    return (
        payment is not None
        and row.reason == "sale_not_open"
        and payment.method in {"mpesa_stk", "mpesa_c2b"}
        and payment.settlement == "unclaimed"
        and payment.paid_cents == row.amount_cents
    )


async def _refuse_above_limits(uow: UnitOfWork, amount_cents: int) -> None:
    business = await get_business(uow)
    since, _ = day_bounds(business_day(uow.now, business.day_starts_at), business.day_starts_at)
    paid_cents = await repository.paid_out_since(uow, since)
    limit_cents, day_limit_cents = business.payout_limit_cents, business.payout_day_limit_cents
    if not is_within(
        amount_cents, limit_cents=limit_cents, day_limit_cents=day_limit_cents, paid_today_cents=paid_cents
    ):
        raise PayoutAboveLimit(limit_cents=limit_cents, day_limit_cents=day_limit_cents, paid_today_cents=paid_cents)


async def _insert(uow: UnitOfWork, new: NewPayout) -> None:
    await repository.insert_payout(uow, new)
    audit.record(
        uow, "payout.requested", new.id, kind=new.kind, purpose=new.purpose, amount_cents=new.amount_cents, reason=new.reason
    )  # fmt: skip
    uow.touch("payouts", new.id)


async def _ask(uow: UnitOfWork, new: NewPayout, document: dict[str, str]) -> None:
    approval = await approvals.request_approval(
        uow, Wanted(ApprovalKind.PAYOUT, new.id, new.amount_cents, document, new.reason)
    )
    await repository.set_approval(uow, new.id, approval.id)


async def _move(uow: UnitOfWork, payout: StoredPayout, moved: Moved) -> None:
    await repository.move_payout(uow, payout.id, moved)
    audit.record(uow, f"payout.{moved.state}", payout.id, amount_cents=payout.amount_cents)
    uow.touch("payouts", payout.id)
    uow.publish(PayoutChanged(subject_id=payout.id, state=moved.state))


def _send(uow: UnitOfWork, payout_id: UUID) -> None:
    uow.enqueue(SEND_JOB, {"payout_id": str(payout_id)}, dedupe_key=f"{SEND_JOB}:{payout_id}")


def _sealed(uow: UnitOfWork, payout_id: UUID, msisdn: str) -> bytes:
    return uow.tool(FieldCipher).encrypt(
        msisdn, table="payouts", column=PHONE_COLUMN, business_id=uow.tenant, row_id=payout_id
    )
