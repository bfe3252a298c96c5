"""What the provider tells a short code's C2B URLs of a payment.

Lives here: the body, the same for validation and confirmation, and the ways of writing a number.
Does not live here: when it is told. Invariant: every value is a string, and no form but `plain` gives the number away.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

from payme_sim.apps import Kind, ShortCode
from payme_sim.clock import NAIROBI
from payme_sim.movements import Order, shillings

TRANSACTION_TYPES = {Kind.PAYBILL: "Pay Bill", Kind.TILL: "Customer Merchant Payment"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One payment as it is told; `balance_cents` is None before the money has moved."""

    receipt: str
    at: datetime
    shortcode: ShortCode
    order: Order
    msisdn: str
    balance_cents: int | None = None
    third_party_id: str = ""


def notice_body(notice: Notice) -> dict[str, str]:
    """Write the body; a till's has no reference, and only the first name is told."""
    order, is_till = notice.order, notice.shortcode.kind is Kind.TILL
    return {
        "TransactionType": TRANSACTION_TYPES[notice.shortcode.kind],
        "TransID": notice.receipt,
        "TransTime": notice.at.astimezone(NAIROBI).strftime("%Y%m%d%H%M%S"),
        "TransAmount": shillings(order.amount_cents),
        "BusinessShortCode": notice.shortcode.receives_on,
        "BillRefNumber": "" if is_till else order.reference,
        "InvoiceNumber": "",
        "OrgAccountBalance": "" if notice.balance_cents is None else shillings(notice.balance_cents),
        "ThirdPartyTransID": notice.third_party_id,
        "MSISDN": notice.msisdn,
        "FirstName": order.party.split(" ", 1)[0],
        "MiddleName": "",
        "LastName": "",
    }


def written_msisdn(msisdn: str, form: str) -> str:
    """Write a number in one of the forms: `masked`, `hashed`, `masked_hash` or `plain`."""
    if form == "plain":
        return msisdn
    if form == "masked":
        return f"{msisdn[:4]} ***** {msisdn[-3:]}"
    digest = hashlib.sha256(msisdn.encode()).hexdigest()
    return digest if form == "hashed" else f"{digest[:34]} ***** {digest[-25:]}"
