"""The callback of a finished prompt, as it looks on the wire.

Lives here: its body and its header. Does not live here: what the result is, and delivery.
Invariant: only a payment carries metadata; the amount travels as a number with two decimals.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from payme_sim.courier import Letter
from payme_sim.daraja.wire import decimal_number, stamp, wire_json
from payme_sim.faults import Product
from payme_sim.outcomes import result_text, wire_code

if TYPE_CHECKING:
    from payme_sim.prompts import Push


def stk_callback(push: Push) -> Letter:
    """Write the callback of a finished prompt."""
    return Letter(
        product=Product.CALLBACK,
        url=push.callback_url,
        body=_body(push),
        msisdn=push.phone,
        headers={"Businessshortcode": push.shortcode.shortcode},
        facts={"checkout_request_id": push.checkout_request_id},
    )


def _body(push: Push) -> bytes:
    code = push.result_code
    assert code is not None, "only a finished prompt has a result to tell"
    callback: dict[str, Any] = {
        "MerchantRequestID": push.merchant_request_id,
        "CheckoutRequestID": push.checkout_request_id,
        "ResultCode": wire_code(code),
        "ResultDesc": push.result_text or result_text(code),
    }
    if push.payment is not None:
        callback["CallbackMetadata"] = {"Item": _metadata(push)}
    return wire_json({"Body": {"stkCallback": callback}})


def _metadata(push: Push) -> list[dict[str, Any]]:
    """List the five items of a success; `Balance` comes without a value, as it does in real traffic."""
    payment = push.payment
    assert payment is not None, "metadata belongs to a payment"
    return [
        {"Name": "Amount", "Value": decimal_number(payment.amount_cents)},
        {"Name": "MpesaReceiptNumber", "Value": payment.receipt},
        {"Name": "Balance"},
        {"Name": "TransactionDate", "Value": stamp(payment.at)},
        {"Name": "PhoneNumber", "Value": int(push.payer)},
    ]
