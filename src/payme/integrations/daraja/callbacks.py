"""The STK callback: any bytes in, a typed message out, or MalformedCallback and nothing else.

Values are found by name, never by place. What is missing or odd is left out and named in `oddities`; only a message
without a result code or without the id of its prompt is malformed. A callback is a claim: it is unsigned, may be late,
double or forged, and the caller decides what it proves.
Source: Daraja portal, M-Pesa Express, and callbacks seen on the wire (Balance without a value, amounts as 1.00).
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from payme.integrations.daraja.errors import MalformedCallback
from payme.integrations.daraja.receipts import is_dummy_receipt
from payme.integrations.daraja.requests import is_request_id
from payme.integrations.daraja.result_codes import UNLISTED, Product, Reason, Standing, rule_for
from payme.integrations.daraja.values import cents_of, instant_of, receipt_of
from payme.integrations.daraja.wire import JsonObject, Unreadable, as_list, as_object, as_text, read_json

LONGEST_CODE = 32
MOST_ITEMS = 64
_PHONE = re.compile(r"[0-9*]{9,15}", re.ASCII)

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class StkCallback:
    """What a callback says. `result_code` decides alone; the other values are None where absent or odd.

    `paid_at` is aware UTC. `msisdn` may be masked with asterisks. Ids and phone are kept out of the repr.
    """

    standing: Standing
    reason: Reason | None
    result_code: str
    result_text: str
    checkout_request_id: str = field(repr=False)
    merchant_request_id: str
    amount_cents: int | None = None
    mpesa_receipt_number: str | None = None
    paid_at: datetime | None = None
    msisdn: str | None = field(default=None, repr=False)
    oddities: tuple[str, ...] = ()


def parse_stk_callback(raw: bytes) -> StkCallback:
    """Return what the raw body of a callback says; a code 0 with the dummy receipt of a failure is UNKNOWN, not paid.

    Raises: MalformedCallback for everything that is no STK callback.
    """
    message = _stk_callback(raw)
    code = as_text(message.get("ResultCode"), longest=LONGEST_CODE + 1)
    if not 0 < len(code) <= LONGEST_CODE:
        raise MalformedCallback("it has no result code")
    checkout_request_id = as_text(message.get("CheckoutRequestID"), longest=129)
    if not is_request_id(checkout_request_id):
        raise MalformedCallback("it does not say which prompt it is about")
    rule = rule_for(Product.STK, code)
    metadata = _Metadata(message.get("CallbackMetadata"), is_paid=rule.standing is Standing.PAID)
    if metadata.holds_dummy_receipt:
        rule = UNLISTED if rule.standing is Standing.PAID else rule
    return StkCallback(
        standing=rule.standing,
        reason=rule.reason,
        result_code=code,
        result_text=as_text(message.get("ResultDesc")),
        checkout_request_id=checkout_request_id,
        merchant_request_id=as_text(message.get("MerchantRequestID"), longest=128),
        amount_cents=metadata.read("Amount", cents_of),
        mpesa_receipt_number=metadata.read("MpesaReceiptNumber", receipt_of),
        paid_at=metadata.read("TransactionDate", instant_of),
        msisdn=metadata.read("PhoneNumber", _phone_of),
        oddities=tuple(metadata.oddities),
    )


def _stk_callback(raw: bytes) -> JsonObject:
    try:
        envelope = as_object(read_json(raw))
    except Unreadable as fault:
        raise MalformedCallback(str(fault)) from fault
    body = as_object(envelope.get("Body")) if envelope else None
    message = as_object(body.get("stkCallback")) if body else None
    if message is None:
        raise MalformedCallback("it has no Body.stkCallback")
    return message


class _Metadata:
    """The items of CallbackMetadata by name; what cannot be used is noted, not raised."""

    def __init__(self, metadata: object, *, is_paid: bool) -> None:
        self.oddities: list[str] = []
        self._values: dict[str, object] = {}
        self._is_paid = is_paid
        wrapped = as_object(metadata)
        found = wrapped["Item"] if wrapped and "Item" in wrapped else metadata
        for item in as_list(found)[:MOST_ITEMS]:
            self._add(as_object(item) or {})

    @property
    def holds_dummy_receipt(self) -> bool:
        return is_dummy_receipt(as_text(self._values.get("MpesaReceiptNumber")))

    def read(self, name: str, parse: Callable[[str], Value | None]) -> Value | None:
        text = as_text(self._values.get(name), longest=64)
        value = parse(text) if text else None
        if value is None and (self._is_paid or text) and name not in self.oddities:
            self.oddities.append(name)
        return value

    def _add(self, item: JsonObject) -> None:
        name, value = as_text(item.get("Name"), longest=64), item.get("Value")
        if value is None:
            return
        if self._values.setdefault(name, value) != value:
            self._values[name] = None
            self.oddities.append(name)


def _phone_of(text: str) -> str | None:
    return text if _PHONE.fullmatch(text) else None
