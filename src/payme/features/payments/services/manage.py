"""What people do with payments: read them, ask about them, say that no prompt came, set up ways to be paid."""

import math
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from payme.features import audit
from payme.features.payments.enums import Outcome, PaymentStatus, Source
from payme.features.payments.errors import (
    MethodIncomplete,
    OtherEnvironment,
    PaymentNotFound,
    PaymentNotUnknown,
    PhoneInvalid,
    PromptMayStillCome,
    UnclaimedNotFound,
)
from payme.features.payments.repository import methods
from payme.features.payments.repository import payments as repository
from payme.features.payments.repository import unclaimed as tray
from payme.features.payments.repository.methods import StoredMethod
from payme.features.payments.repository.payments import StoredPayment
from payme.features.payments.rules.transitions import NO_PROMPT_AFTER, Message
from payme.features.payments.schemas import ConfigureMethod, MethodKind, MethodView, PaymentView, UnclaimedView
from payme.features.payments.services.apply_message import Attached, apply_message
from payme.features.payments.services.checks import MpesaRules, words_for
from payme.integrations.daraja import Reason
from payme.kit.phone import normalise_msisdn
from payme.runtime.database import UnitOfWork
from payme.runtime.security import FieldCipher, row_named

_SECRETS = ("consumer_key", "consumer_secret", "passkey")
_SEALED = (*_SECRETS, "pull_number", "initiator_password")


async def get_payment(uow: UnitOfWork, payment_id: UUID) -> PaymentView:
    """Return a payment. Raises: PaymentNotFound."""
    payment = await repository.find_payment(uow, payment_id)
    if payment is None:
        raise PaymentNotFound(payment_id=payment_id)
    return payment


async def list_payments(
    uow: UnitOfWork, after: list[Any] | None, limit: int, *, status: str | None, method: str | None
) -> list[PaymentView]:
    """Return payments, newest first."""
    return await repository.list_payments(uow, limit=limit, before=_position(after), status=status, method=method)


async def list_unclaimed(
    uow: UnitOfWork, after: list[Any] | None, limit: int, *, amount_cents: int | None, search: str | None
) -> list[UnclaimedView]:
    """Return money that arrived and belongs to nothing yet, newest first."""
    return await tray.list_unclaimed(
        uow, limit=limit, before=_position(after), amount_cents=amount_cents, search=search
    )


async def get_unclaimed(uow: UnitOfWork, unclaimed_id: UUID) -> UnclaimedView:
    """Return a row of the tray in any state. Raises: UnclaimedNotFound."""
    row = await tray.find_unclaimed(uow, unclaimed_id)
    if row is None:
        raise UnclaimedNotFound(unclaimed_id=unclaimed_id)
    return row


async def say_no_prompt_came(uow: UnitOfWork, payment_id: UUID) -> PaymentView:
    """Close a payment in doubt on a person's word that no prompt came; a success may still follow.

    That is one whose sending is in doubt, or one that M-Pesa took and still says nothing of when the schedule of questions is
    through. Raises: PaymentNotFound, PaymentNotUnknown, PromptMayStillCome within two minutes of sending.
    """
    payment = await repository.lock_payment(uow, payment_id)
    if payment is None:
        raise PaymentNotFound(payment_id=payment_id)
    age = uow.now - payment.asked_at
    if not _may_be_closed(payment, age, last_question=uow.tool(MpesaRules).check_at[-1]):
        raise PaymentNotUnknown(status=payment.status)
    if age < NO_PROMPT_AFTER:
        raise PromptMayStillCome(wait_seconds=math.ceil((NO_PROMPT_AFTER - age).total_seconds()))
    message = Message(Source.PERSON, Outcome.FAILED, reason=Reason.NOT_SENT, result_code="no_prompt")
    await apply_message(uow, payment_id, message, attached=Attached(reason_text=words_for(message)))
    return await get_payment(uow, payment_id)


async def configure_method(uow: UnitOfWork, kind: MethodKind, command: ConfigureMethod) -> MethodView:
    """Set up a way to be paid; secrets that are left out keep what is stored. Raises: MethodIncomplete, OtherEnvironment, PhoneInvalid."""
    known = await methods.lock_method(uow, kind)
    if command.pull_number is not None and normalise_msisdn(command.pull_number) is None:
        raise PhoneInvalid(pointer="/pull_number")
    method = StoredMethod(
        kind=kind, shortcode=command.shortcode, till_number=command.till_number, account_reference=command.account_reference,
        environment=command.environment, consumer_key_encrypted=None, consumer_secret_encrypted=None, passkey_encrypted=None,
        pull_number_encrypted=None, initiator_name=command.initiator_name, initiator_password_encrypted=None,
        active=command.active, strict_references=command.strict_references, rev=1,
    )  # fmt: skip
    sealed = {f"{name}_encrypted": _sealed(uow, kind, name=name, secret=getattr(command, name)) for name in _SEALED}
    method = replace(method, **sealed)
    if kind in {"paybill", "till"}:
        _require_complete(method, known)
        world = uow.tool(MpesaRules).environment
        if command.environment != world:
            raise OtherEnvironment(environment=command.environment, deployment=world)
    await methods.upsert_method(uow, method)
    audit.record(
        uow, "payment_method.configured", uow.tenant, kind=kind, shortcode=command.shortcode, active=command.active
    )
    uow.touch("payment_methods", uow.tenant)
    return next(view for view in await methods.list_methods(uow) if view.kind == kind)


async def list_methods(uow: UnitOfWork) -> list[MethodView]:
    """Return the ways to be paid, without their secrets."""
    return await methods.list_methods(uow)


async def revision_of_method(uow: UnitOfWork, kind: MethodKind) -> int | None:
    """Return the revision of a way to be paid, for If-Match, or None before it is set up."""
    known = await methods.lock_method(uow, kind)
    return known.rev if known else None


def _may_be_closed(payment: StoredPayment, age: timedelta, *, last_question: timedelta) -> bool:
    if payment.claimed_cents is not None:
        return False
    if payment.checkout_request_id is None:
        # What was never sent, or died while being sent, is not sent any more once it is closed.
        return payment.status in {PaymentStatus.CREATED, PaymentStatus.SENDING, PaymentStatus.UNKNOWN}
    return payment.status in {PaymentStatus.PENDING, PaymentStatus.UNKNOWN} and age > last_question


def _sealed(uow: UnitOfWork, kind: MethodKind, *, name: str, secret: str | None) -> bytes | None:
    if secret is None:
        return None
    return uow.tool(FieldCipher).encrypt(
        secret, table="payment_methods", column=f"{name}_encrypted", business_id=uow.tenant, row_id=row_named(uow.tenant, kind)
    )  # fmt: skip


def _require_complete(method: StoredMethod, known: StoredMethod | None) -> None:
    missing = [
        name
        for name in _SECRETS
        if not (getattr(method, f"{name}_encrypted") or getattr(known, f"{name}_encrypted", None))
    ]
    if method.shortcode is None:
        missing.append("shortcode")
    if method.kind == "till" and method.till_number is None:
        missing.append("till_number")
    if missing:
        raise MethodIncomplete(missing=missing)


def _position(after: list[Any] | None) -> tuple[datetime, UUID] | None:
    return (datetime.fromisoformat(after[0]), UUID(after[1])) if after else None
