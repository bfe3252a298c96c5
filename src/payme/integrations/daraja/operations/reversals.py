"""Sending a customer's payment back, whole. Money that came by prompt or by the customer's own doing, nothing else.

Source: Daraja portal, Reversals; the right spelling of `RecieverIdentifierType` is refused.
"""

from dataclasses import dataclass

from payme.integrations.daraja.errors import InvalidRequest
from payme.integrations.daraja.field_rules import LONGEST_REMARKS, require_remarks, require_shillings, require_text
from payme.integrations.daraja.operations.accounts import IdentifierType, OperatingAccount, ResultUrls
from payme.integrations.daraja.receipts import is_receipt


@dataclass(frozen=True, slots=True)
class Reversal:
    """One payment that goes back; `amount_cents` is the whole of it, `receipt` that of the payment.

    Raises: WholeShillingsOnly, InvalidRequest.
    """

    account: OperatingAccount
    urls: ResultUrls
    receipt: str
    amount_cents: int
    remarks: str
    occasion: str = ""

    def __post_init__(self) -> None:
        if not is_receipt(self.receipt):
            raise InvalidRequest(field="receipt", rule="the receipt of a payment")
        require_shillings(self.amount_cents)
        require_remarks(self.remarks)
        require_text(self.occasion, field="occasion", shortest=0, longest=LONGEST_REMARKS)

    def body(self) -> dict[str, str | int]:
        """Return the JSON body."""
        return {
            "Initiator": self.account.initiator.name,
            "SecurityCredential": self.account.initiator.security_credential(),
            "CommandID": "TransactionReversal",
            "TransactionID": self.receipt,
            "Amount": str(require_shillings(self.amount_cents)),
            "ReceiverParty": self.account.shortcode,
            "RecieverIdentifierType": IdentifierType.REVERSAL.value,
            **self.urls.fields(),
            "Remarks": self.remarks,
            "Occasion": self.occasion or self.remarks,
        }
