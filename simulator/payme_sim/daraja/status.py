"""Asking about a transaction: `/mpesa/transactionstatus/v1/query`.

Lives here: finding what is asked about, and what is told of it. Does not live here: when the result comes.
Invariant: a short code is told only of what it paid or was paid.
"""

from __future__ import annotations

from typing import Any

from payme_sim.apps import ShortCode
from payme_sim.daraja.errands import accept, read_asking
from payme_sim.daraja.fields import FieldRefused, read_choice, read_optional_text
from payme_sim.daraja.wire import decimal_number, stamp
from payme_sim.faults import Product
from payme_sim.gateway import Call
from payme_sim.movements import POCHI, WALLET, Movement, Order, Place
from payme_sim.operations import Errand, Operation, Verdict
from payme_sim.outcomes import PAID
from payme_sim.world import World

NO_SUCH_RECEIPT = "2032"
_ID_FIELDS = ("OriginalConversationID", "OriginatorConversationID")
_CUSTOMERS_ACCOUNT = "MMF Account For Customer"


async def query_status(call: Call) -> dict[str, Any]:
    """Accept a question by receipt, or by an id of the original request under either of its names."""
    world = call.world
    call.app()
    body = call.body()
    asking = read_asking(world, body)
    read_choice(body, "CommandID", choices=("TransactionStatusQuery",))
    read_choice(body, "IdentifierType", choices=("1", "2", "4"))
    receipt = read_optional_text(body, "TransactionID").strip()
    some_id = next(filter(None, (read_optional_text(body, name).strip() for name in _ID_FIELDS)), "")
    if not receipt and not some_id:
        raise FieldRefused("TransactionID")
    occasion = read_optional_text(body, "Occasion")

    def perform(asked: Operation) -> Verdict:
        found = _find(world, asking.shortcode, receipt=receipt, some_id=some_id)
        if found is None:
            return Verdict(code=NO_SUCH_RECEIPT)
        references = (("Occasion", occasion or None),)
        return Verdict(code=PAID, parameters=_parameters(world, found, asked=asked), references=references)

    errand = Errand(
        product=Product.STATUS,
        shortcode=asking.shortcode,
        initiator=asking.initiator,
        credential=asking.credential,
        result_url=asking.result_url,
        timeout_url=asking.timeout_url,
        perform=perform,
    )
    return await accept(call, errand)


class _Found:
    """What is asked about: something that moved, or an operation that has moved nothing yet or never will."""

    def __init__(self, movement: Movement | None, operation: Operation | None, *, is_reversed: bool) -> None:
        self.movement = movement
        self.operation = operation
        self._is_reversed = is_reversed

    @property
    def order(self) -> Order:
        order = self.movement.order if self.movement else self.operation and self.operation.errand.order
        assert order is not None, "only what moves money is found"
        return order

    @property
    def status(self) -> str:
        if self.movement is not None:
            return "Reversed" if self._is_reversed else "Completed"
        return "Authorized" if self.operation and self.operation.verdict is None else "Declined"


def _find(world: World, shortcode: ShortCode, *, receipt: str, some_id: str) -> _Found | None:
    operation = world.operations.find(some_id) if some_id and not receipt else None
    movement = world.ledger.movement_of(receipt) if receipt else None
    if operation is not None and operation.verdict is not None:
        movement = operation.verdict.movement
    if movement is None and (operation is None or operation.errand.order is None):
        return None
    is_reversed = movement is not None and world.ledger.reversal_of(movement.receipt) is not None
    found = _Found(movement, operation, is_reversed=is_reversed)
    parties = {found.order.debit.holder, found.order.credit.holder}
    return found if shortcode.shortcode in parties else None


def _parameters(world: World, found: _Found, *, asked: Operation) -> tuple[tuple[str, Any], ...]:
    order, movement = found.order, found.movement
    original = found.operation or _operation_of(world, movement)
    started_at = movement.started_at if movement else asked.accepted_at
    account = order.debit.account
    return (
        ("DebitPartyName", _name(world, order.debit)),
        ("CreditPartyName", _name(world, order.credit)),
        ("OriginatorConversationID", original.originator_conversation_id if original else None),
        ("ConversationID", original.conversation_id if original else None),
        ("InitiatedTime", stamp(original.accepted_at if original else started_at)),
        ("FinalisedTime", stamp(movement.at) if movement else None),
        ("DebitAccountType", _CUSTOMERS_ACCOUNT if account == WALLET else account),
        ("DebitPartyCharges", None),
        ("CreditPartyCharges", None),
        ("TransactionReason", None),
        ("ReasonType", str(order.reason)),
        ("TransactionStatus", found.status),
        ("Amount", decimal_number(order.amount_cents)),
        ("ReceiptNo", movement.receipt if movement else None),
    )


def _operation_of(world: World, movement: Movement | None) -> Operation | None:
    return world.operations.that_moved(movement.receipt) if movement else None


def _name(world: World, place: Place) -> str:
    shortcode = world.apps.shortcodes.get(place.holder)
    if shortcode is not None:
        return f"{shortcode.receives_on} - {shortcode.name}"
    if place.account in {WALLET, POCHI}:
        return f"{place.holder} - {world.ledger.name_of(place.holder)}"
    return place.holder
