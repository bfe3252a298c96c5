"""Paying organisations: `/mpesa/b2b/v1/paymentrequest` and `/mpesa/b2b/v1/remittax`.

Lives here: field rules, the payment, what its result tells. Does not live here: when the result comes.
Invariant: money leaves the working account, and arrives where customers' money of the receiver does.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from payme_sim.apps import TAX_AUTHORITY, Kind, ShortCode
from payme_sim.daraja.errands import Asking, accept, read_asking
from payme_sim.daraja.fields import SHORTCODE, FieldRefused, read_amount, read_choice, read_optional_text, read_text
from payme_sim.daraja.wire import decimal_number, piped_balance, stamp, struct_balance
from payme_sim.faults import Product
from payme_sim.gateway import Call
from payme_sim.ledger import PaymentRefused
from payme_sim.movements import WORKING, Movement, Order, Place, Reason
from payme_sim.operations import Errand, Operation, Verdict
from payme_sim.outcomes import NO_SUCH_OPERATOR, PAID, WRONG_PRODUCT
from payme_sim.world import World

_REFERENCE = re.compile(r".{1,13}")
_COMMANDS = {
    "BusinessPayBill": Reason.BUSINESS_PAY_BILL,
    "BusinessBuyGoods": Reason.BUSINESS_BUY_GOODS,
    "BusinessPayToBulk": Reason.BUSINESS_PAY_TO_BULK,
}
_TAX = {"PayTaxToKRA": Reason.TAX}


async def pay_organisation(call: Call) -> dict[str, Any]:
    """Accept a payment to another short code."""
    call.app()
    return await _pay(call, _COMMANDS, product=Product.B2B)


async def remit_tax(call: Call) -> dict[str, Any]:
    """Accept a payment to the tax authority, whose reference is the registration number of the payment."""
    call.app()
    if read_text(call.body(), "PartyB", pattern=SHORTCODE) != TAX_AUTHORITY:
        raise FieldRefused("PartyB")
    return await _pay(call, _TAX, product=Product.REMITTAX)


async def _pay(call: Call, commands: Mapping[str, Reason], *, product: Product) -> dict[str, Any]:
    world, body = call.world, call.body()
    asking = read_asking(world, body)
    reason = commands[read_choice(body, "CommandID", choices=tuple(commands))]
    read_choice(body, "SenderIdentifierType", choices=("4",))
    # The misspelling is the field's name: the right one is as good as none.
    read_choice(body, "RecieverIdentifierType", choices=("2", "4"))
    number, amount = read_text(body, "PartyB", pattern=SHORTCODE), read_amount(body)
    receiver = world.apps.shortcode_of(number)
    order = Order(
        debit=Place(asking.shortcode.shortcode, WORKING),
        credit=receiver.receiving_place if receiver else Place(number, ""),
        amount_cents=amount * 100,
        reason=reason,
        reference=read_text(body, "AccountReference", pattern=_REFERENCE),
        party=receiver.name if receiver else "",
    )
    occasion = read_optional_text(body, "Occassion") or read_optional_text(body, "Occasion")
    return await accept(call, _errand(world, asking, product=product, order=order, occasion=occasion))


def _errand(world: World, asking: Asking, *, product: Product, order: Order, occasion: str) -> Errand:
    def perform(operation: Operation) -> Verdict:
        receiver = world.apps.shortcodes.get(order.credit.holder)
        if receiver is None:
            return Verdict(code=NO_SUCH_OPERATOR)
        if not _suits(receiver, order.reason):
            return Verdict(code=WRONG_PRODUCT)
        try:
            movement = world.ledger.move(order, started_at=operation.accepted_at)
        except PaymentRefused as refusal:
            return Verdict(code=refusal.code)
        parameters = _parameters(movement, receiver)
        return Verdict(code=PAID, movement=movement, parameters=parameters, references=_references(order, occasion))

    return Errand(
        product=product,
        shortcode=asking.shortcode,
        initiator=asking.initiator,
        credential=asking.credential,
        result_url=asking.result_url,
        timeout_url=asking.timeout_url,
        perform=perform,
        order=order,
    )


def _suits(receiver: ShortCode, reason: Reason) -> bool:
    """Tell whether money of this kind goes to short codes of that kind."""
    return (receiver.kind is Kind.TILL) == (reason is Reason.BUSINESS_BUY_GOODS)


def _parameters(movement: Movement, receiver: ShortCode) -> tuple[tuple[str, Any], ...]:
    left_cents = movement.debit_after_cents
    return (
        ("DebitAccountBalance", struct_balance(left_cents)),
        ("Amount", decimal_number(movement.amount_cents)),
        ("DebitPartyAffectedAccountBalance", piped_balance(WORKING, left_cents)),
        ("TransCompletedTime", stamp(movement.at)),
        ("DebitPartyCharges", None),
        ("ReceiverPartyPublicName", f"{receiver.receives_on} - {receiver.name}"),
        ("Currency", "KES"),
        ("InitiatorAccountCurrentBalance", struct_balance(left_cents)),
    )


def _references(order: Order, occasion: str) -> tuple[tuple[str, Any], ...]:
    """Give the reference back; one made of digits comes as a number, and loses its leading zeros."""
    reference = order.reference
    is_number = reference.isascii() and reference.isdigit()
    return (("BillReferenceNumber", int(reference) if is_number else reference), ("Occassion", occasion or None))
