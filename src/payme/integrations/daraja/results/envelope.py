"""The `Result` envelope of B2C, B2B, reversal, status and balance: any bytes in, a typed message out.

The code alone decides, by the table of the product that was asked. Only a message without a code or without a
conversation is malformed; like every message of Safaricom it is unsigned, and may be late, double or forged. A failure
carries a transaction id too, a dummy or one that looks real, so an id is believed with code 0 alone.
Source: Daraja portal, results of each product; results seen on the wire (objects for arrays, values missing).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from payme.integrations.daraja.errors import MalformedCallback
from payme.integrations.daraja.fields import Fields
from payme.integrations.daraja.receipts import is_dummy_receipt
from payme.integrations.daraja.result_codes import UNLISTED, Product, Reason, ResultRule, Standing, rule_for
from payme.integrations.daraja.values import receipt_of
from payme.integrations.daraja.wire import Unreadable, as_list, as_object, as_text, read_json

LONGEST_CODE = 32
LONGEST_ID = 128
LONGEST_PARAMETER = 4_000
MOST_PARAMETERS = 64
SUCCESSES = frozenset({Standing.PAID, Standing.DONE})


@dataclass(frozen=True, slots=True)
class OperationResult:
    """What became of one operation, or of one question.

    `transaction_id` is the receipt of the money moved, there with PAID alone. `parameters` and `reference` are texts by
    Safaricom's names, without what has no value; they hold names and numbers of people and stay out of the repr.
    """

    product: Product
    standing: Standing
    reason: Reason | None
    result_code: str
    result_text: str
    originator_conversation_id: str
    conversation_id: str
    transaction_id: str | None = None
    parameters: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    reference: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    oddities: tuple[str, ...] = ()

    @property
    def is_success(self) -> bool:
        """Whether the money moved or the question was answered; what else stands in it counts only then."""
        return self.standing in SUCCESSES


@dataclass(frozen=True, slots=True)
class QueueTimeout:
    """M-Pesa did not get to a request in time. That is no failure: a result may still come, and the status can be asked.

    A body that cannot be read is one too, because the address it came to says what it is; its ids are empty then.
    """

    originator_conversation_id: str = ""
    conversation_id: str = ""
    result_code: str = ""
    result_text: str = ""


def parse_result(raw: bytes, product: Product) -> OperationResult:
    """Return what the raw body of a result says, by the codes of the product whose result it is.

    Raises: MalformedCallback for everything without a result code or without a conversation.
    """
    message = _message(raw)
    code = message.text("ResultCode", longest=LONGEST_CODE + 1)
    if not 0 < len(code) <= LONGEST_CODE:
        raise MalformedCallback("it has no result code")
    originator_conversation_id = message.text("OriginatorConversationID", longest=LONGEST_ID)
    conversation_id = message.text("ConversationID", longest=LONGEST_ID)
    if not originator_conversation_id and not conversation_id:
        raise MalformedCallback("it does not say which request it is about")
    rule, transaction_id = _verdict(message, product, code)
    parameters = _items(message, "ResultParameters", "ResultParameter")
    reference = _items(message, "ReferenceData", "ReferenceItem")
    return OperationResult(
        product=product,
        standing=rule.standing,
        reason=rule.reason,
        result_code=code,
        result_text=message.text("ResultDesc"),
        originator_conversation_id=originator_conversation_id,
        conversation_id=conversation_id,
        transaction_id=transaction_id,
        parameters=parameters,
        reference=reference,
        oddities=tuple(message.oddities),
    )


def parse_timeout(raw: bytes) -> QueueTimeout:
    """Return which request M-Pesa did not get to; total, for any bytes, because the body is not documented."""
    try:
        message = _message(raw)
    except MalformedCallback:
        return QueueTimeout()
    return QueueTimeout(
        originator_conversation_id=message.text("OriginatorConversationID", longest=LONGEST_ID),
        conversation_id=message.text("ConversationID", longest=LONGEST_ID),
        result_code=message.text("ResultCode", longest=LONGEST_CODE),
        result_text=message.text("ResultDesc"),
    )


def _message(raw: bytes) -> Fields:
    try:
        envelope = as_object(read_json(raw))
    except Unreadable as fault:
        raise MalformedCallback(str(fault)) from fault
    if envelope is None:
        raise MalformedCallback("it is no object")
    outer = Fields(envelope)
    if "Result" not in outer:
        return outer
    return Fields(as_object(outer.value("Result")))


def _verdict(message: Fields, product: Product, code: str) -> tuple[ResultRule, str | None]:
    rule = rule_for(product, code)
    if rule.standing is not Standing.PAID:
        return rule, None
    if is_dummy_receipt(message.text("TransactionID")):
        return UNLISTED, None
    return rule, message.read("TransactionID", receipt_of, is_expected=True)


def _items(message: Fields, outer: str, inner: str) -> Mapping[str, str]:
    """Return keys and values of an object or an array, under their wrapper or without it; odd ones are noted."""
    wrapper = message.value(outer)
    wrapped = Fields(as_object(wrapper))
    found: dict[str, str] = {}
    for item in as_list(wrapped.value(inner) if inner in wrapped else wrapper)[:MOST_PARAMETERS]:
        fields = Fields(as_object(item))
        key, value = fields.text("Key", longest=64), as_text(fields.value("Value"), longest=LONGEST_PARAMETER).strip()
        if key and value and found.setdefault(key, value) != value:
            found[key] = ""
            message.note(key)
    return MappingProxyType({key: value for key, value in found.items() if value})
