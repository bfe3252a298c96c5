"""What stands in a successful result, by product. A result that is none has empty details, whatever it carries.

Every value may be missing: None or an empty text, never a guess.
Source: Daraja portal, result parameters of each product; keys seen on the wire.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from payme.integrations.daraja.fields import Fields
from payme.integrations.daraja.parties import Party, party_of
from payme.integrations.daraja.results.balances import AccountBalance, charge_cents, piped_balances, struct_cents
from payme.integrations.daraja.results.envelope import LONGEST_PARAMETER, OperationResult
from payme.integrations.daraja.values import positive_cents_of, receipt_of, signed_cents_of, written_instant_of

COMPLETED = "completed"

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class B2cDetails:
    """A payment to a person; instants are aware UTC. Funds are what was left afterwards, charges may be below zero."""

    amount_cents: int | None
    receipt: str | None
    recipient: Party
    completed_at: datetime | None
    utility_funds_cents: int | None
    working_funds_cents: int | None
    charges_paid_cents: int | None
    is_recipient_registered: bool | None


@dataclass(frozen=True, slots=True)
class B2bDetails:
    """A payment to another business. `bill_reference` may have lost leading zeros: Safaricom sends it as a number."""

    amount_cents: int | None
    recipient: Party
    completed_at: datetime | None
    debit_balance_cents: int | None
    affected_balances: tuple[AccountBalance, ...]
    charges_cents: int | None
    bill_reference: str


@dataclass(frozen=True, slots=True)
class ReversalDetails:
    """Money that went back. `original_receipt` is that of the payment; the reversal's own is in the envelope."""

    amount_cents: int | None
    original_receipt: str | None
    completed_at: datetime | None
    charge_cents: int | None
    credit_party: Party
    debit_party: Party
    debit_balances: tuple[AccountBalance, ...]


@dataclass(frozen=True, slots=True)
class StatusDetails:
    """What Safaricom knows about one transaction. `originator_conversation_id` is that of the original request."""

    transaction_status: str
    amount_cents: int | None
    receipt: str | None
    debit_party: Party
    credit_party: Party
    initiated_at: datetime | None
    finalised_at: datetime | None
    originator_conversation_id: str
    reason_type: str
    charges_cents: int | None

    @property
    def is_completed(self) -> bool:
        """Whether it ran to its end, which Declined, Cancelled, Expired and Authorized did not."""
        return self.transaction_status.lower() == COMPLETED

    def proves(self, receipt: str, *, amount_cents: int, shortcode: str) -> bool:
        """Say whether it proves that this shortcode was paid this amount under this receipt."""
        found = (self.receipt, self.amount_cents, self.credit_party.number)
        return self.is_completed and found == (receipt, amount_cents, shortcode)


def b2c_details(result: OperationResult) -> B2cDetails:
    """Return what a result of B2C or B2Pochi says."""
    fields = _parameters(result)
    return B2cDetails(
        amount_cents=fields.read("TransactionAmount", positive_cents_of),
        receipt=fields.read("TransactionReceipt", receipt_of),
        recipient=_party(fields, "ReceiverPartyPublicName"),
        completed_at=fields.read("TransactionCompletedDateTime", written_instant_of),
        utility_funds_cents=fields.read("B2CUtilityAccountAvailableFunds", signed_cents_of),
        working_funds_cents=fields.read("B2CWorkingAccountAvailableFunds", signed_cents_of),
        charges_paid_cents=fields.read("B2CChargesPaidAccountAvailableFunds", signed_cents_of),
        is_recipient_registered=fields.read("B2CRecipientIsRegisteredCustomer", _yes_or_no),
    )


def b2b_details(result: OperationResult) -> B2bDetails:
    """Return what a result of B2B or of a tax payment says."""
    fields = _parameters(result)
    names = ("DebitAccountBalance", "DebitAccountCurrentBalance", "InitiatorAccountCurrentBalance")
    balances = (_long(fields, name, struct_cents) for name in names)
    reference = Fields(dict(result.reference)) if result.is_success else Fields()
    return B2bDetails(
        amount_cents=fields.read("Amount", positive_cents_of),
        recipient=_party(fields, "ReceiverPartyPublicName"),
        completed_at=fields.read("TransCompletedTime", written_instant_of),
        debit_balance_cents=next((cents for cents in balances if cents is not None), None),
        affected_balances=_long(fields, "DebitPartyAffectedAccountBalance", piped_balances),
        charges_cents=_long(fields, "DebitPartyCharges", charge_cents),
        bill_reference=reference.text("BillReferenceNumber"),
    )


def reversal_details(result: OperationResult) -> ReversalDetails:
    """Return what the result of a reversal says."""
    fields = _parameters(result)
    return ReversalDetails(
        amount_cents=fields.read("Amount", positive_cents_of),
        original_receipt=fields.read("OriginalTransactionID", receipt_of),
        completed_at=fields.read("TransCompletedTime", written_instant_of),
        charge_cents=_long(fields, "Charge", charge_cents),
        credit_party=_party(fields, "CreditPartyPublicName"),
        debit_party=_party(fields, "DebitPartyPublicName"),
        debit_balances=_long(fields, "DebitAccountBalance", piped_balances),
    )


def status_details(result: OperationResult) -> StatusDetails:
    """Return what the result of a status query says about the transaction that was asked for."""
    fields = _parameters(result)
    return StatusDetails(
        transaction_status=fields.text("TransactionStatus", longest=64),
        amount_cents=fields.read("Amount", positive_cents_of),
        receipt=fields.read("ReceiptNo", receipt_of),
        debit_party=_party(fields, "DebitPartyName"),
        credit_party=_party(fields, "CreditPartyName"),
        initiated_at=fields.read("InitiatedTime", written_instant_of),
        finalised_at=fields.read("FinalisedTime", written_instant_of),
        originator_conversation_id=fields.text("OriginatorConversationID", longest=128),
        reason_type=fields.text("ReasonType"),
        charges_cents=_long(fields, "DebitPartyCharges", charge_cents),
    )


def balances(result: OperationResult) -> tuple[AccountBalance, ...]:
    """Return the accounts in the result of a balance query; which ones there are depends on the kind of shortcode."""
    return _long(_parameters(result), "AccountBalance", piped_balances)


def _parameters(result: OperationResult) -> Fields:
    return Fields(dict(result.parameters)) if result.is_success else Fields()


def _party(fields: Fields, name: str) -> Party:
    return party_of(fields.text(name))


def _long(fields: Fields, name: str, parse: Callable[[str], Value]) -> Value:
    return parse(fields.text(name, longest=LONGEST_PARAMETER))


def _yes_or_no(text: str) -> bool | None:
    return {"Y": True, "N": False}.get(text.upper())
