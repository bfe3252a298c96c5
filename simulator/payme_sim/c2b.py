"""Customers who pay a paybill or a till by themselves, and the URLs that are told of it.

Lives here: registrations, a payment by hand from its validation to its confirmation. Does not live here: prompts, and
the body of what is told. Invariant: what is told was moved, under the same receipt; a rejected payment moves nothing.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from payme_sim.courier import Letter
from payme_sim.daraja.c2b_notice import Notice, notice_body, written_msisdn
from payme_sim.faults import FaultKind, Product
from payme_sim.ledger import PaymentRefused
from payme_sim.movements import WALLET, Movement, Order, Place
from payme_sim.outcomes import PAID, Delivery, other_amount
from payme_sim.transcript import Event

if TYPE_CHECKING:
    from payme_sim.apps import ShortCode
    from payme_sim.parts import Parts


class AlreadyRegistered(Exception):
    """The short code has its URLs, and may not change them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """Where a short code wants to be asked and told; `version` is that of the API it registered with."""

    version: str
    completes: bool
    confirmation_url: str
    validation_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ByHand:
    """What a person types into the phone; `amount` in whole shillings, without `name` the number's own is taken."""

    msisdn: str
    shortcode: ShortCode
    amount: int
    reference: str
    name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """How a payment by hand ended: a result code, or the code the merchant rejected it with."""

    code: str
    movement: Movement | None = None
    third_party_id: str = ""


class C2b:
    """Registrations and payments by hand."""

    def __init__(self, parts: Parts) -> None:
        """Begin with no registrations."""
        self._parts = parts
        self.registrations: dict[str, Registration] = {}

    def register(self, shortcode: ShortCode, registration: Registration) -> None:
        """Take a short code's URLs, in place of earlier ones.

        Raises: AlreadyRegistered where only the first registration counts; nothing has changed then.
        """
        if self._parts.settings.register_once and shortcode.shortcode in self.registrations:
            raise AlreadyRegistered
        self.registrations[shortcode.shortcode] = registration

    async def attempt(self, wish: ByHand) -> Attempt:
        """Ask the merchant where it wants to be asked, and move the money; whoever calls confirms what moved."""
        parts = self._parts
        order = self._order(wish)
        attempt = Attempt(code=PAID)
        try:
            parts.ledger.refuse_if_not_allowed(order)
            receipt = parts.ledger.new_receipt()
            attempt = await self._validated(wish.shortcode, order, receipt=receipt)
            if attempt.code == PAID:
                movement = parts.ledger.move(order, receipt=receipt)
                attempt = Attempt(code=PAID, movement=movement, third_party_id=attempt.third_party_id)
        except PaymentRefused as refusal:
            attempt = Attempt(code=refusal.code)
        receipt = attempt.movement.receipt if attempt.movement else None
        facts = {"msisdn": wish.msisdn, "shortcode": wish.shortcode.shortcode, "amount": order.amount_cents // 100}
        parts.transcript.record(Event.PAYMENT, **facts, result_code=attempt.code, receipt=receipt)
        return attempt

    async def confirm(self, movement: Movement, shortcode: ShortCode, *, third_party_id: str = "") -> None:
        """Tell the confirmation URL of a payment, if one is registered."""
        registration = self.registrations.get(shortcode.shortcode)
        if registration is None:
            return
        notice = Notice(
            receipt=movement.receipt,
            at=movement.at,
            shortcode=shortcode,
            order=movement.order,
            msisdn=self._written(movement.msisdn, registration),
            balance_cents=movement.credit_after_cents,
            third_party_id=third_party_id,
        )
        letter = _letter(Product.CONFIRMATION, registration.confirmation_url, notice=notice)
        await self._parts.courier.dispatch(letter, Delivery.ONCE)

    async def _validated(self, shortcode: ShortCode, order: Order, *, receipt: str) -> Attempt:
        """Ask the validation URL; no answer in time means what the merchant chose when it registered."""
        registration = self.registrations.get(shortcode.shortcode)
        if registration is None or not shortcode.validation:
            return Attempt(code=PAID)
        notice = Notice(
            receipt=receipt,
            at=self._parts.clock.now(),
            shortcode=shortcode,
            order=order,
            msisdn=self._written(order.debit.holder, registration),
        )
        letter = _letter(Product.VALIDATION, registration.validation_url, notice=notice)
        if self._parts.faults.take(Product.VALIDATION, order.debit.holder, kinds={FaultKind.LOST}):
            self._parts.transcript.record(Event.CALLBACK_NOT_SENT, reason="fault: lost", **letter.told)
            text = None
        else:
            text = await self._parts.courier.send(letter, seconds=self._parts.settings.validation_timeout_seconds)
        verdict = _verdict(text)
        if verdict is None:
            return Attempt(code=PAID if registration.completes else "C2B00016")
        return verdict

    def _order(self, wish: ByHand) -> Order:
        amount = wish.amount
        fault = self._parts.faults.take(Product.CONFIRMATION, wish.msisdn, kinds={FaultKind.OTHER_AMOUNT})
        if fault is not None:
            amount = fault.amount or other_amount(amount)
        return Order(
            debit=Place(wish.msisdn, WALLET),
            credit=wish.shortcode.receiving_place,
            amount_cents=amount * 100,
            reason=wish.shortcode.reason,
            reference="" if wish.shortcode.till_number else wish.reference,
            party=wish.name or self._parts.ledger.wallet(wish.msisdn).name,
        )

    def _written(self, msisdn: str, registration: Registration) -> str:
        by_version = "masked" if registration.version == "v2" else "hashed"
        return written_msisdn(msisdn, self._parts.settings.msisdn_form or by_version)


def _letter(product: Product, url: str, *, notice: Notice) -> Letter:
    return Letter(
        product=product,
        url=url,
        body=json.dumps(notice_body(notice), separators=(",", ":")).encode(),
        msisdn=notice.order.debit.holder,
        facts={"receipt": notice.receipt, "shortcode": notice.shortcode.shortcode},
    )


def _verdict(text: str | None) -> Attempt | None:
    """Read a validation's answer; None when there is none that can be understood."""
    try:
        parsed: Any = json.loads(text or "")
    except ValueError:
        return None
    if not isinstance(parsed, dict) or "ResultCode" not in parsed:
        return None
    answer = cast("dict[str, Any]", parsed)
    return Attempt(code=str(answer["ResultCode"]), third_party_id=str(answer.get("ThirdPartyTransID") or ""))
