"""Asking what became of a transaction, and what a shortcode has. Both move nothing and answer later.

The acceptance of a question says nothing about the operator's password: a wrong one shows in the result, or never.
Source: Daraja portal, Transaction Status and Account Balance.
"""

from dataclasses import dataclass

from payme.integrations.daraja.errors import InvalidRequest
from payme.integrations.daraja.field_rules import LONGEST_REMARKS, require_remarks, require_text
from payme.integrations.daraja.operations.accounts import IdentifierType, OperatingAccount, ResultUrls
from payme.integrations.daraja.receipts import is_receipt
from payme.integrations.daraja.requests import is_request_id


@dataclass(frozen=True, slots=True)
class StatusQuery:
    """A question about one transaction, by its receipt or by the conversation id of its request; one of the two.

    Raises: InvalidRequest.
    """

    account: OperatingAccount
    urls: ResultUrls
    receipt: str | None = None
    original_conversation_id: str | None = None
    remarks: str = "Status"
    occasion: str = ""
    identifier_type: IdentifierType = IdentifierType.SHORTCODE

    def __post_init__(self) -> None:
        if (self.receipt is None) == (self.original_conversation_id is None):
            raise InvalidRequest(field="receipt", rule="a receipt or a conversation id, and not both")
        if self.receipt is not None and not is_receipt(self.receipt):
            raise InvalidRequest(field="receipt", rule="the receipt of a payment")
        if self.original_conversation_id is not None and not is_request_id(self.original_conversation_id):
            raise InvalidRequest(field="original_conversation_id", rule="1 to 128 printable characters")
        require_remarks(self.remarks)
        require_text(self.occasion, field="occasion", shortest=0, longest=LONGEST_REMARKS)

    def body(self) -> dict[str, str | int]:
        """Return the JSON body; sources disagree on the name of a conversation id, so it has both."""
        return {
            "Initiator": self.account.initiator.name,
            "SecurityCredential": self.account.initiator.security_credential(),
            "CommandID": "TransactionStatusQuery",
            **self._asked_for(),
            "PartyA": self.account.shortcode,
            "IdentifierType": self.identifier_type.value,
            **self.urls.fields(),
            "Remarks": self.remarks,
            "Occasion": self.occasion or self.remarks,
        }

    def _asked_for(self) -> dict[str, str]:
        if self.original_conversation_id is None:
            return {"TransactionID": self.receipt or ""}
        return {
            "OriginalConversationID": self.original_conversation_id,
            "OriginatorConversationID": self.original_conversation_id,
        }


@dataclass(frozen=True, slots=True)
class BalanceQuery:
    """A question about all accounts of one shortcode.

    Raises: InvalidRequest.
    """

    account: OperatingAccount
    urls: ResultUrls
    remarks: str = "Balance"
    identifier_type: IdentifierType = IdentifierType.SHORTCODE

    def __post_init__(self) -> None:
        require_remarks(self.remarks)

    def body(self) -> dict[str, str | int]:
        """Return the JSON body."""
        return {
            "Initiator": self.account.initiator.name,
            "SecurityCredential": self.account.initiator.security_credential(),
            "CommandID": "AccountBalance",
            "PartyA": self.account.shortcode,
            "IdentifierType": self.identifier_type.value,
            "Remarks": self.remarks,
            **self.urls.fields(),
        }
