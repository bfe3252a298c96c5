"""Paying another business: a paybill, a till, our own payout shortcode, or the tax authority.

`RecieverIdentifierType` is misspelt and must be. There is no id of ours: a transfer whose answer did not come is asked
about and never sent again.
Source: Daraja portal, Business Pay Bill, Business Buy Goods, Tax Remittance.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from payme.integrations.daraja.errors import InvalidRequest
from payme.integrations.daraja.field_rules import (
    LONGEST_REMARKS,
    require_msisdn,
    require_remarks,
    require_shillings,
    require_shortcode,
    require_text,
)
from payme.integrations.daraja.operations.accounts import IdentifierType, OperatingAccount, ResultUrls

KRA_SHORTCODE = "572572"
LARGEST_SHILLINGS = 100_000_000
LONGEST_REFERENCE = 13


class B2bCommand(StrEnum):
    """What a payment to a business is."""

    BUSINESS_PAY_BILL = "BusinessPayBill"
    BUSINESS_BUY_GOODS = "BusinessBuyGoods"
    BUSINESS_PAY_TO_BULK = "BusinessPayToBulk"
    PAY_TAX_TO_KRA = "PayTaxToKRA"


_RECEIVERS = frozenset({IdentifierType.TILL, IdentifierType.SHORTCODE})
_WITHOUT_REFERENCE = frozenset({B2bCommand.BUSINESS_BUY_GOODS, B2bCommand.BUSINESS_PAY_TO_BULK})


@dataclass(frozen=True, slots=True)
class Transfer:
    """One payment to one business. `amount_cents` must be whole shillings.

    `account_reference`, at most 13 plain characters, is the account at a paybill and the PRN of a tax payment; a tax
    payment goes to `KRA_SHORTCODE`. `receiver_type` is TILL for a till where SHORTCODE, the documented one, is refused.
    `requester` is the customer on whose behalf it is paid.

    Raises: WholeShillingsOnly, InvalidRequest.
    """

    account: OperatingAccount
    urls: ResultUrls
    command: B2bCommand
    recipient: str
    amount_cents: int
    account_reference: str
    remarks: str
    occasion: str = ""
    requester: str | None = field(default=None, repr=False)
    receiver_type: IdentifierType = IdentifierType.SHORTCODE

    def __post_init__(self) -> None:
        require_shillings(self.amount_cents, largest=LARGEST_SHILLINGS)
        require_shortcode(self.recipient, field="recipient")
        if self.command is B2bCommand.PAY_TAX_TO_KRA and self.recipient != KRA_SHORTCODE:
            raise InvalidRequest(field="recipient", rule=f"{KRA_SHORTCODE} for tax")
        if self.receiver_type not in _RECEIVERS:
            raise InvalidRequest(field="receiver_type", rule="a till or a shortcode")
        shortest = 0 if self.command in _WITHOUT_REFERENCE else 1
        require_text(self.account_reference, field="account_reference", shortest=shortest, longest=LONGEST_REFERENCE)
        require_remarks(self.remarks)
        require_text(self.occasion, field="occasion", shortest=0, longest=LONGEST_REMARKS)
        if self.requester is not None:
            require_msisdn(self.requester, field="requester")

    def body(self) -> dict[str, str | int]:
        """Return the JSON body."""
        requester = {} if self.requester is None else {"Requester": require_msisdn(self.requester, field="requester")}
        return {
            "Initiator": self.account.initiator.name,
            "SecurityCredential": self.account.initiator.security_credential(),
            "CommandID": self.command.value,
            "SenderIdentifierType": IdentifierType.SHORTCODE.value,
            "RecieverIdentifierType": self.receiver_type.value,
            "Amount": str(require_shillings(self.amount_cents, largest=LARGEST_SHILLINGS)),
            "PartyA": self.account.shortcode,
            "PartyB": self.recipient,
            "AccountReference": self.account_reference,
            **requester,
            "Remarks": self.remarks,
            **self.urls.fields(),
            "Occassion": self.occasion or self.remarks,
        }
