"""Money that somebody sent by hand to the platform's own paybill: it goes to the wallet that its account names.

What names no wallet, buys nothing, or is more than a notice alone is believed, stays in the inbox until a person says whose it
is. The second notices of prompts come there too: an hour later they are known by the payment that holds their receipt.
What Pull shows and nobody told of goes the same way; it is no notice, and believed whatever the amount.
"""

import json
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID, uuid5

from payme.features import audit
from payme.features.payments.enums import NOTICES, Assurance, Effect, Outcome, Source
from payme.features.payments.errors import UnclaimedNotFound, WalletUnknown
from payme.features.payments.events import PaymentSucceeded, WalletPaid
from payme.features.payments.repository import claims, registrations
from payme.features.payments.repository import evidence as evidence_repository
from payme.features.payments.repository.claims import NewMoney
from payme.features.payments.repository.evidence import About, Holder
from payme.features.payments.rules.transitions import Message, ReceiptOwner
from payme.features.payments.schemas import Purpose
from payme.features.payments.services.gateway import PlatformAccount
from payme.features.payments.services.place_money import Arrival
from payme.features.payments.services.policies import verify_above_cents
from payme.features.payments.services.purposes import Desk
from payme.features.payments.services.register_c2b import C2B_KIND, request_registration
from payme.integrations.daraja import C2bPayment, parse_c2b
from payme.kit.ids import new_id
from payme.kit.values import value
from payme.runtime.database import UnitOfWork
from payme.runtime.events import explain_ignored, keep_as_ignored, list_ignored

NAMES_NO_WALLET: Final = "it names no wallet, or buys nothing"
TOO_MUCH: Final = "it is more than a notice alone is believed"
PLACED: Final = "a payment holds its receipt"
LOOK_JOB: Final = "payments.look_for_holder"
_HELD_WITHIN: Final = timedelta(hours=1)
"""How long the prompt's own notice may take, before the second one of it is looked at again."""
PLATFORMS_KIND: Final = "paybill"


@value
class Unplaced:
    """Money at the platform's paybill that is nobody's yet: the receipt, cents, the account as it was typed, and when it was told."""

    receipt: str
    amount_cents: int
    account: str
    told_at: datetime


async def listen_for_platform(uow: UnitOfWork) -> None:
    """Have Safaricom asked, once, to tell of payments to the platform's own paybill; the transaction is the platform's."""
    if uow.tool(PlatformAccount).is_told and not await registrations.list_told(uow):
        await request_registration(uow, PLATFORMS_KIND)


async def hand_over(uow: UnitOfWork, arrival: Arrival, *, inbox_id: UUID) -> str | None:
    """Publish for whose wallet money is; return why it waits for a person where it does."""
    why = await _find_owner(uow, arrival)
    if why is not None:
        _look_later(uow, inbox_id, arrival.receipt)
    return why


async def take_pulled(uow: UnitOfWork, arrival: Arrival) -> None:
    """Hand over money that Pull shows, or keep it for a person; what is known changes nothing."""
    if await evidence_repository.is_registered(uow, arrival.receipt):
        return
    why = await _find_owner(uow, arrival)
    if why is None or arrival.receipt in {notice.receipt for notice, _ in await _waiting(uow)}:
        return
    inbox_id = await keep_as_ignored(uow, C2B_KIND, name=arrival.receipt, body=_as_notice(arrival), note=why)
    _look_later(uow, inbox_id, arrival.receipt)


def _as_notice(arrival: Arrival) -> bytes:
    """Spell money as the notice would have that did not come."""
    shillings, cents = divmod(arrival.amount_cents, 100)
    told = {
        "TransID": arrival.receipt, "TransAmount": f"{shillings}.{cents:02d}", "BusinessShortCode": arrival.shortcode,
        "BillRefNumber": arrival.bill_reference,
    }  # fmt: skip
    return json.dumps(told).encode()


def _look_later(uow: UnitOfWork, inbox_id: UUID, receipt: str) -> None:
    job = {"inbox_id": str(inbox_id), "receipt": receipt}
    uow.enqueue(LOOK_JOB, job, execute_after=_HELD_WITHIN, dedupe_key=f"{LOOK_JOB}:{inbox_id}")


async def look_for_holder(uow: UnitOfWork, inbox_id: UUID, receipt: str) -> None:
    """Have a notice wait for nobody any more whose receipt a payment holds."""
    if await evidence_repository.is_registered(uow, receipt):
        await explain_ignored(uow, inbox_id, PLACED)


async def _find_owner(uow: UnitOfWork, arrival: Arrival) -> str | None:
    wallet_id = await uow.tool(Desk).wallets.find_wallet(uow, arrival.bill_reference, arrival.amount_cents)
    if wallet_id is None:
        return NAMES_NO_WALLET
    if arrival.source in NOTICES and arrival.amount_cents > await verify_above_cents(uow):
        return TOO_MUCH
    _tell(uow, wallet_id, arrival, source=arrival.source)
    return None


async def take_platform_money(uow: UnitOfWork, paid: WalletPaid, *, purpose: Purpose, purpose_id: UUID) -> UUID | None:
    """Make the money a payment of its purpose, in the business whose wallet it is for, and return its id; None when it was before."""
    payment_id = new_id()
    owner = await evidence_repository.register_receipt(uow, paid.receipt, Holder("payment", payment_id, paid.shortcode))
    if owner is not ReceiptOwner.NEW:
        return None
    new = NewMoney(
        payment_id, purpose, purpose_id, "mpesa_c2b", paid.amount_cents, Assurance.CONFIRMED, None, paid.shortcode,
        paid.receipt, payee="platform",
    )  # fmt: skip
    await claims.insert_money(uow, new)
    message = Message(
        paid.source, Outcome.PAID, amount_cents=paid.amount_cents, receipt=paid.receipt, shortcode=paid.shortcode,
        result_code="0",
    )  # fmt: skip
    about = About(paid.shortcode, payment_id=payment_id)
    await evidence_repository.insert_evidence(uow, about, message, effect=Effect.SUCCEEDED, inbox_id=None)
    audit.record(uow, "payment.wallet_paid", payment_id, amount_cents=paid.amount_cents)
    uow.touch("payments", payment_id)
    uow.publish(
        PaymentSucceeded(
            subject_id=payment_id, payment_id=payment_id, purpose=purpose, purpose_id=purpose_id,
            applied_cents=paid.amount_cents,
        )
    )  # fmt: skip
    return payment_id


async def list_unplaced(uow: UnitOfWork) -> list[Unplaced]:
    """Return what waits for a person, oldest first; the transaction is the platform's."""
    return [
        Unplaced(notice.receipt, notice.amount_cents, notice.bill_reference, told_at)
        for notice, told_at in await _waiting(uow)
    ]


async def hand_over_receipt(uow: UnitOfWork, receipt: str, account: str) -> UUID:
    """Give money that waits to the wallet of an account, by a person's word; return the business.

    Raises: UnclaimedNotFound, WalletUnknown.
    """
    notice = next((each for each, _ in await _waiting(uow) if each.receipt == receipt), None)
    if notice is None:
        raise UnclaimedNotFound(receipt=receipt)
    wallet_id = await uow.tool(Desk).wallets.find_wallet(uow, account, notice.amount_cents)
    if wallet_id is None:
        raise WalletUnknown(account=account)
    _tell(uow, wallet_id, notice, source=Source.PERSON)
    audit.record(uow, "payment.handed_over", wallet_id, amount_cents=notice.amount_cents)
    return wallet_id


def _tell(uow: UnitOfWork, wallet_id: UUID, money: Arrival | C2bPayment, *, source: Source) -> None:
    uow.publish(
        WalletPaid(
            # The receipt's own: a second payment for the wallet is other news, and must not be taken for this one.
            subject_id=uuid5(wallet_id, money.receipt), wallet_id=wallet_id, receipt=money.receipt, amount_cents=money.amount_cents,
            shortcode=money.shortcode, paid_at=money.paid_at, source=source,
        )
    )  # fmt: skip


async def _waiting(uow: UnitOfWork) -> list[tuple[C2bPayment, datetime]]:
    found = [
        (parse_c2b(each.body), each.received_at)
        for each in await list_ignored(uow, C2B_KIND, notes=(NAMES_NO_WALLET, TOO_MUCH))
    ]
    placed = await evidence_repository.list_registered(uow, [notice.receipt for notice, _ in found])
    once = {notice.receipt: (notice, told_at) for notice, told_at in reversed(found) if notice.receipt not in placed}
    return list(once.values())[::-1]
