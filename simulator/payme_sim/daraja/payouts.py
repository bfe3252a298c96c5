"""Paying people: `/mpesa/b2c/v3/paymentrequest`, `/mpesa/b2c/v1/paymentrequest` and `/mpesa/b2pochi/v1/paymentrequest`.

Lives here: field rules, the payment, what its result tells. Does not live here: when the result comes.
Invariant: an id that the caller chose pays once.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from payme_sim.apps import Kind
from payme_sim.clock import NAIROBI
from payme_sim.daraja.errands import Asking, accept, read_asking
from payme_sim.daraja.fields import MSISDN, read_amount, read_choice, read_optional_text, read_text
from payme_sim.daraja.wire import decimal_number
from payme_sim.faults import Product
from payme_sim.gateway import Call, Refused
from payme_sim.ledger import PaymentRefused
from payme_sim.movements import CHARGES_PAID, POCHI, UTILITY, WALLET, WORKING, Movement, Order, Place, Reason
from payme_sim.operations import Errand, Operation, Verdict
from payme_sim.outcomes import PAID, WRONG_PRODUCT, outcome_of_payout
from payme_sim.world import World

SMALLEST_AMOUNT_CENTS = 10_00
BELOW_MINIMUM = "2"
_OWN_ID = re.compile(r"\S{1,100}")
_B2C = {
    "BusinessPayment": Reason.BUSINESS_PAYMENT,
    "SalaryPayment": Reason.SALARY,
    "PromotionPayment": Reason.PROMOTION,
}
_POCHI = {"BusinessPayToPochi": Reason.POCHI}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Api:
    product: Product
    reasons: Mapping[str, Reason]
    account: str
    own_id: bool


async def pay_person(call: Call) -> dict[str, Any]:
    """Accept a B2C payment; the newer version takes the caller's id, the older gives one."""
    is_v3 = "/v3/" in call.request.url.path
    call.app()
    if is_v3 and not call.world.settings.b2c_v3:
        raise Refused(403, "403.002.1001", text="You are not allowed to access this service.")
    return await _pay(call, _Api(product=Product.B2C, reasons=_B2C, account=WALLET, own_id=is_v3))


async def pay_pochi(call: Call) -> dict[str, Any]:
    """Accept a payment into somebody's Pochi, a wallet of its own on the same number."""
    call.app()
    return await _pay(call, _Api(product=Product.B2POCHI, reasons=_POCHI, account=POCHI, own_id=True))


async def _pay(call: Call, api: _Api) -> dict[str, Any]:
    world, body = call.world, call.body()
    own_id = read_text(body, "OriginatorConversationID", pattern=_OWN_ID) if api.own_id else None
    asking = read_asking(world, body, initiator="InitiatorName")
    reason = api.reasons[read_choice(body, "CommandID", choices=tuple(api.reasons))]
    amount, recipient = read_amount(body), read_text(body, "PartyB", pattern=MSISDN)
    order = Order(
        debit=Place(asking.shortcode.shortcode, UTILITY),
        credit=Place(recipient, api.account),
        amount_cents=amount * 100,
        reason=reason,
        reference=read_optional_text(body, "Occassion") or read_optional_text(body, "Occasion"),
        party=world.ledger.name_of(recipient),
    )
    return await accept(call, _errand(world, asking, api=api, order=order, own_id=own_id))


def _errand(world: World, asking: Asking, *, api: _Api, order: Order, own_id: str | None) -> Errand:
    def perform(operation: Operation) -> Verdict:
        if asking.shortcode.kind is Kind.TILL:
            return Verdict(code=WRONG_PRODUCT)
        if order.amount_cents < SMALLEST_AMOUNT_CENTS:
            return Verdict(code=BELOW_MINIMUM)
        try:
            movement = world.ledger.move(order, started_at=operation.accepted_at)
        except PaymentRefused as refusal:
            return Verdict(code=refusal.code)
        return Verdict(code=PAID, movement=movement, parameters=_parameters(world, movement))

    return Errand(
        product=api.product,
        shortcode=asking.shortcode,
        initiator=asking.initiator,
        credential=asking.credential,
        result_url=asking.result_url,
        timeout_url=asking.timeout_url,
        perform=perform,
        order=order,
        msisdn=order.credit.holder,
        own_id=own_id,
        outcome=outcome_of_payout(order.credit.holder, world.settings.telling_digits),
    )


def _parameters(world: World, movement: Movement) -> tuple[tuple[str, Any], ...]:
    order, holder = movement.order, movement.order.debit.holder

    def funds(account: str) -> str:
        return decimal_number(world.ledger.balance_cents(Place(holder, account)))

    return (
        ("TransactionAmount", order.amount_cents // 100),
        ("TransactionReceipt", movement.receipt),
        ("ReceiverPartyPublicName", f"{order.credit.holder} - {order.party}"),
        ("TransactionCompletedDateTime", movement.at.astimezone(NAIROBI).strftime("%d.%m.%Y %H:%M:%S")),
        ("B2CUtilityAccountAvailableFunds", funds(UTILITY)),
        ("B2CWorkingAccountAvailableFunds", funds(WORKING)),
        ("B2CChargesPaidAccountAvailableFunds", funds(CHARGES_PAID)),
        ("B2CRecipientIsRegisteredCustomer", "Y"),
    )
