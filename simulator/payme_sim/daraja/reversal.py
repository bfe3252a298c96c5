"""Giving a customer's payment back: `/mpesa/reversal/v1/request`.

Lives here: field rules, what may be reversed, what the result tells. Does not live here: when the result comes.
Invariant: a payment is given back once, whole, by the short code that got it.
"""

from __future__ import annotations

import re
from typing import Any

from payme_sim.apps import ShortCode
from payme_sim.daraja.errands import accept, read_asking
from payme_sim.daraja.fields import read_amount, read_choice, read_text
from payme_sim.daraja.wire import decimal_number, piped_balance, stamp
from payme_sim.faults import Product
from payme_sim.gateway import Call
from payme_sim.ledger import PaymentRefused
from payme_sim.movements import CUSTOMER_PAYMENTS, Movement, Order, Reason
from payme_sim.operations import Errand, Operation, Verdict
from payme_sim.outcomes import PAID
from payme_sim.world import World

ALREADY_REVERSED = "R000001"
NO_SUCH_TRANSACTION = "R000002"
AGAINST_ACCOUNT_RULE = "2006"
_RECEIPT = re.compile(r"[A-Za-z0-9]{8,12}", re.ASCII)


async def reverse_payment(call: Call) -> dict[str, Any]:
    """Accept a reversal; the misspelt identifier type is the only one understood."""
    world = call.world
    call.app()
    body = call.body()
    asking = read_asking(world, body, party="ReceiverParty")
    read_choice(body, "CommandID", choices=("TransactionReversal",))
    read_choice(body, "RecieverIdentifierType", choices=("11", "4", "2"))
    receipt, amount = read_text(body, "TransactionID", pattern=_RECEIPT), read_amount(body)
    payment = world.ledger.movement_of(receipt)

    def perform(operation: Operation) -> Verdict:
        return _reverse(world, operation, payment=world.ledger.movement_of(receipt), amount_cents=amount * 100)

    errand = Errand(
        product=Product.REVERSAL,
        shortcode=asking.shortcode,
        initiator=asking.initiator,
        credential=asking.credential,
        result_url=asking.result_url,
        timeout_url=asking.timeout_url,
        perform=perform,
        order=_order(payment) if payment and _is_reversible(payment, asking.shortcode) else None,
        msisdn=payment.msisdn if payment else None,
    )
    return await accept(call, errand)


def _is_reversible(payment: Movement, shortcode: ShortCode) -> bool:
    return payment.order.reason in CUSTOMER_PAYMENTS and payment.shortcode == shortcode.shortcode


def _order(payment: Movement) -> Order:
    return Order(
        debit=payment.order.credit,
        credit=payment.order.debit,
        amount_cents=payment.amount_cents,
        reason=Reason.REVERSAL,
        reference=payment.reference,
        party=payment.order.party,
        linked_receipt=payment.receipt,
    )


def _reverse(world: World, operation: Operation, *, payment: Movement | None, amount_cents: int) -> Verdict:
    shortcode = operation.errand.shortcode
    if payment is None or not _is_reversible(payment, shortcode):
        return Verdict(code=NO_SUCH_TRANSACTION)
    if world.ledger.reversal_of(payment.receipt):
        return Verdict(code=ALREADY_REVERSED)
    if amount_cents != payment.amount_cents:
        return Verdict(code=AGAINST_ACCOUNT_RULE)
    try:
        movement = world.ledger.give_back(_order(payment), started_at=operation.accepted_at)
    except PaymentRefused as refusal:
        return Verdict(code=refusal.code)
    account = movement.order.debit.account
    parameters = (
        ("DebitAccountBalance", piped_balance(account, movement.debit_after_cents)),
        ("Amount", decimal_number(movement.amount_cents)),
        ("TransCompletedTime", stamp(movement.at)),
        ("OriginalTransactionID", payment.receipt),
        ("Charge", 0),
        ("CreditPartyPublicName", f"{payment.msisdn} - {payment.order.party}"),
        ("DebitPartyPublicName", f"{shortcode.receives_on} - {shortcode.name}"),
    )
    return Verdict(code=PAID, movement=movement, parameters=parameters)
