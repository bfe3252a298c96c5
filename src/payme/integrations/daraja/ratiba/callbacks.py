"""Whether a customer allowed a standing order: any bytes in, a typed message out, or MalformedCallback and nothing else.

A success has names in lower case and a failure in capitals, so names are found in any case. No money has moved.
Source: Daraja portal, M-Pesa Ratiba.
"""

from dataclasses import dataclass, field

from payme.integrations.daraja.errors import MalformedCallback
from payme.integrations.daraja.fields import Fields
from payme.integrations.daraja.result_codes import Product, Reason, Standing, rule_for
from payme.integrations.daraja.values import receipt_of
from payme.integrations.daraja.wire import Unreadable, as_list, as_object, read_json

LONGEST_CODE, LONGEST_ID, MOST_ITEMS = 32, 128, 64


@dataclass(frozen=True, slots=True)
class StandingOrderResult:
    """DONE means that the order stands, NOT_DONE that it does not, for the reason given.

    `reference` is that of the acceptance. `transaction_id` is there with DONE alone and is no receipt of money.
    """

    standing: Standing
    reason: Reason | None
    result_code: str
    result_text: str
    reference: str
    transaction_id: str | None = None
    msisdn: str | None = field(default=None, repr=False)


def parse_standing_order(raw: bytes) -> StandingOrderResult:
    """Return what the raw body of a standing order's callback says.

    Raises: MalformedCallback for everything without a code or without a reference.
    """
    message = _message(raw)
    header = Fields(as_object(message.value("ResponseHeader")))
    data = _data(as_object(message.value("ResponseBody")))
    code = _code(header, data)
    reference = header.text("responseRefID", longest=LONGEST_ID)
    if not reference:
        raise MalformedCallback("it does not say which order it is about")
    rule = rule_for(Product.RATIBA, code)
    transaction_id = data.read("TransactionID", receipt_of) if rule.standing is Standing.DONE else None
    return StandingOrderResult(
        standing=rule.standing,
        reason=rule.reason,
        result_code=code,
        result_text=header.text("responseDescription"),
        reference=reference,
        transaction_id=transaction_id,
        msisdn=data.text("Msisdn", longest=80) or None,
    )


def _message(raw: bytes) -> Fields:
    try:
        message = as_object(read_json(raw))
    except Unreadable as fault:
        raise MalformedCallback(str(fault)) from fault
    return Fields(message)


def _code(header: Fields, data: Fields) -> str:
    code, *others = {fields.text("responseCode", longest=LONGEST_CODE + 1) for fields in (header, data)} - {""} or {""}
    if others or not 0 < len(code) <= LONGEST_CODE:
        raise MalformedCallback("it has no result code, or two")
    return code


def _data(body: dict[str, object] | None) -> Fields:
    found = Fields()
    for item in as_list(Fields(body).value("ResponseData"))[:MOST_ITEMS]:
        fields = Fields(as_object(item))
        found.add(fields.text("Name", longest=64), fields.value("Value"))
    return found
