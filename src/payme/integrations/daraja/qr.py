"""A picture to scan that fills in a payment in the payer's M-Pesa app. It pays nothing, and no message belongs to it.

Source: Daraja portal, Dynamic QR; the live answer says ResponseCode 00, the documented one something else, so the
picture itself is the success.
"""

import base64
import binascii
from dataclasses import dataclass, field
from enum import StrEnum

from payme.integrations.daraja.answers import Answer, Verdict
from payme.integrations.daraja.calls import CallingApp
from payme.integrations.daraja.errors import DarajaUnavailable, DarajaUnknown, InvalidRequest
from payme.integrations.daraja.field_rules import require_msisdn, require_shillings, require_shortcode, require_text
from payme.integrations.daraja.outcomes import fault_in

PATH = "/mpesa/qrcode/v1/generate"
LONGEST_NAME, LONGEST_REFERENCE, LONGEST_PICTURE = 64, 20, 60_000
SMALLEST_PIXELS, LARGEST_PIXELS = 1, 1_000
_PNG = b"\x89PNG\r\n\x1a\n"
_DATA_PREFIX = "data:image/png;base64,"


class QrTransaction(StrEnum):
    """What the scanned payment is. SEND_MONEY and POCHI go to a phone number, of which the shop hears nothing."""

    BUY_GOODS = "BG"
    PAYBILL = "PB"
    AGENT_WITHDRAWAL = "WA"
    SEND_MONEY = "SM"
    POCHI = "SB"


TO_A_PHONE = frozenset({QrTransaction.SEND_MONEY, QrTransaction.POCHI})


@dataclass(frozen=True, slots=True)
class DynamicQr:
    """One picture. `receiver` is a till, a paybill, an agent's number or a phone, by `transaction`.

    Raises: WholeShillingsOnly, InvalidRequest.
    """

    transaction: QrTransaction
    receiver: str = field(repr=False)
    merchant_name: str
    reference: str
    amount_cents: int
    size_pixels: int = 300

    def __post_init__(self) -> None:
        if self.transaction in TO_A_PHONE:
            require_msisdn(self.receiver, field="receiver")
        else:
            require_shortcode(self.receiver, field="receiver")
        require_text(self.merchant_name, field="merchant_name", shortest=1, longest=LONGEST_NAME)
        require_text(self.reference, field="reference", shortest=1, longest=LONGEST_REFERENCE)
        require_shillings(self.amount_cents)
        if not SMALLEST_PIXELS <= self.size_pixels <= LARGEST_PIXELS:
            raise InvalidRequest(field="size_pixels", rule=f"{SMALLEST_PIXELS} to {LARGEST_PIXELS}")

    def body(self) -> dict[str, str | int]:
        """Return the JSON body."""
        to_a_phone = self.transaction in TO_A_PHONE
        return {
            "MerchantName": self.merchant_name,
            "RefNo": self.reference,
            "Amount": require_shillings(self.amount_cents),
            "TrxCode": self.transaction.value,
            "CPI": require_msisdn(self.receiver) if to_a_phone else self.receiver,
            "Size": str(self.size_pixels),
        }


class QrCalls(CallingApp):
    """The one call for pictures."""

    async def dynamic_qr(self, qr: DynamicQr) -> bytes:
        """Return a picture as PNG.

        Raises: DarajaRefused; DarajaUnavailable for every other trouble, because asking again harms nobody.
        """
        try:
            answer = await self._call_again_if_unsent(PATH, qr.body(), limits=self._query_limits)
        except DarajaUnknown as fault:
            raise DarajaUnavailable("daraja.no_qr", cause=fault.code) from fault
        return picture_in(answer)


def picture_in(answer: Answer) -> bytes:
    """Return the PNG in an answer.

    Raises: DarajaRefused, DarajaUnavailable.
    """
    encoded = answer.text("QRCode", longest=LONGEST_PICTURE).removeprefix(_DATA_PREFIX)
    try:
        picture = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        picture = b""
    if picture.startswith(_PNG):
        return picture
    if answer.verdict is Verdict.UNKNOWN:
        raise DarajaUnavailable("daraja.no_qr", status=answer.status, error_code=answer.error_code)
    raise fault_in(answer)
