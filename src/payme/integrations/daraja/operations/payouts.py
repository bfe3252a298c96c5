"""Paying a person, into the M-Pesa account or into the Pochi.

`originator_conversation_id` is ours, made and stored before the call: Daraja's only protection against paying twice.
Version 1 does not take it, so nothing protects a payout there but never sending it again.
Source: Daraja portal, B2C and Business to Pochi.
"""

import re
from dataclasses import dataclass, field
from enum import StrEnum

from payme.integrations.daraja.errors import InvalidRequest
from payme.integrations.daraja.field_rules import (
    LONGEST_REMARKS,
    require_msisdn,
    require_remarks,
    require_shillings,
    require_text,
)
from payme.integrations.daraja.operations.accounts import OperatingAccount, ResultUrls

SMALLEST_SHILLINGS = 10
POCHI_COMMAND = "BusinessPayToPochi"
_OUR_ID = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)


class B2cCommand(StrEnum):
    """What a payment to a person is."""

    SALARY_PAYMENT = "SalaryPayment"
    BUSINESS_PAYMENT = "BusinessPayment"
    PROMOTION_PAYMENT = "PromotionPayment"


class B2cVersion(StrEnum):
    """Version 3 takes our id; version 1 is for apps that are not let into version 3."""

    V3 = "v3"
    V1 = "v1"


@dataclass(frozen=True, slots=True)
class Payout:
    """One payment to one person. `amount_cents` must be whole shillings, 10 to 250,000; it cannot be reversed by API.

    `remarks` has 2 to 100 plain characters, `occasion` at most 100; an empty one is sent as the remarks.

    Raises: WholeShillingsOnly, InvalidRequest.
    """

    account: OperatingAccount
    urls: ResultUrls
    originator_conversation_id: str
    msisdn: str = field(repr=False)
    amount_cents: int
    remarks: str
    occasion: str = ""
    command: B2cCommand = B2cCommand.BUSINESS_PAYMENT

    def __post_init__(self) -> None:
        require_shillings(self.amount_cents, smallest=SMALLEST_SHILLINGS)
        require_msisdn(self.msisdn)
        require_remarks(self.remarks)
        require_text(self.occasion, field="occasion", shortest=0, longest=LONGEST_REMARKS)
        if _OUR_ID.fullmatch(self.originator_conversation_id) is None:
            raise InvalidRequest(
                field="originator_conversation_id", rule="1 to 64 letters, digits, hyphens and underscores"
            )

    def body(self, version: B2cVersion = B2cVersion.V3) -> dict[str, str | int]:
        """Return the JSON body; Occassion has a double s in version 3 alone."""
        if version is B2cVersion.V1:
            return {**self._shared_fields(self.command.value), "Occasion": self.occasion or self.remarks}
        return self._with_our_id(self.command.value)

    def pochi_body(self) -> dict[str, str | int]:
        """Return the JSON body of the same payment into the person's Pochi."""
        return self._with_our_id(POCHI_COMMAND)

    def _with_our_id(self, command: str) -> dict[str, str | int]:
        return {
            "OriginatorConversationID": self.originator_conversation_id,
            **self._shared_fields(command),
            "Occassion": self.occasion or self.remarks,
        }

    def _shared_fields(self, command: str) -> dict[str, str | int]:
        return {
            "InitiatorName": self.account.initiator.name,
            "SecurityCredential": self.account.initiator.security_credential(),
            "CommandID": command,
            "Amount": str(require_shillings(self.amount_cents, smallest=SMALLEST_SHILLINGS)),
            "PartyA": self.account.shortcode,
            "PartyB": require_msisdn(self.msisdn),
            "Remarks": self.remarks,
            **self.urls.fields(),
        }
