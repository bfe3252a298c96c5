"""The news of one payment to a paybill or till, the same for validation and confirmation.

Any bytes in, a payment out, or MalformedCallback and nothing else. Without a receipt and a positive amount it is
malformed, because nothing could be credited; everything else may be missing. Only the address that a message came to
tells a validation (no money yet) from a confirmation. It is unsigned: a claim, until the receipt is verified.
Source: Daraja portal, C2B; confirmations seen on the wire (nulls, masks with spaces, hashes, tills without reference).
"""

from dataclasses import dataclass, field
from datetime import datetime

from payme.integrations.daraja.credentials import is_shortcode
from payme.integrations.daraja.errors import MalformedCallback
from payme.integrations.daraja.fields import Fields
from payme.integrations.daraja.parties import party_of
from payme.integrations.daraja.values import instant_of, positive_cents_of, receipt_of, signed_cents_of
from payme.integrations.daraja.wire import Unreadable, as_object, read_json

LONGEST_MSISDN = 80


@dataclass(frozen=True, slots=True)
class C2bPayment:
    """One payment as it was told; `paid_at` is aware UTC, a missing text is empty.

    `msisdn` stands as it came: plain, masked (also a masked hash) or hashed, and is no key of a customer. `org_balance_cents` is the shortcode's balance
    after the payment; a validation has none. Person and number are kept out of the repr.
    """

    transaction_type: str
    receipt: str
    amount_cents: int
    paid_at: datetime | None
    shortcode: str
    bill_reference: str = ""
    payer_name: str = field(default="", repr=False)
    msisdn: str | None = field(default=None, repr=False)
    invoice_number: str = ""
    third_party_id: str = ""
    org_balance_cents: int | None = None
    oddities: tuple[str, ...] = ()


def parse_c2b(raw: bytes) -> C2bPayment:
    """Return what the raw body of a validation or a confirmation says.

    Raises: MalformedCallback for everything that names no receipt or no positive amount.
    """
    fields = _fields(raw)
    receipt = fields.read("TransID", receipt_of)
    if receipt is None:
        raise MalformedCallback("it has no receipt")
    amount_cents = fields.read("TransAmount", positive_cents_of)
    if amount_cents is None:
        raise MalformedCallback("it has no amount that could be credited")
    msisdn = fields.text("MSISDN", longest=LONGEST_MSISDN) or None
    return C2bPayment(
        transaction_type=fields.text("TransactionType", longest=64),
        receipt=receipt,
        amount_cents=amount_cents,
        paid_at=fields.read("TransTime", instant_of, is_expected=True),
        shortcode=fields.read("BusinessShortCode", _shortcode_of, is_expected=True) or "",
        bill_reference=fields.text("BillRefNumber"),
        payer_name=_payer_name(fields),
        msisdn=msisdn,
        invoice_number=fields.text("InvoiceNumber"),
        third_party_id=fields.text("ThirdPartyTransID"),
        org_balance_cents=fields.read("OrgAccountBalance", signed_cents_of),
        oddities=tuple(fields.oddities),
    )


def _fields(raw: bytes) -> Fields:
    try:
        message = as_object(read_json(raw))
    except Unreadable as fault:
        raise MalformedCallback(str(fault)) from fault
    if message is None:
        raise MalformedCallback("it is no object")
    return Fields(message)


def _payer_name(fields: Fields) -> str:
    parts = (fields.text(name) for name in ("FirstName", "MiddleName", "LastName"))
    return party_of(" ".join(part for part in parts if part)).name


def _shortcode_of(text: str) -> str | None:
    return text if is_shortcode(text) else None
