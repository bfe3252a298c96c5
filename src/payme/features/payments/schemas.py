"""Commands and views of payments and of the ways to be paid."""

import re
from datetime import datetime
from typing import Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from payme.features.payments.enums import OPEN_STATUSES, PaymentStatus
from payme.features.payments.rules.claims import Channel
from payme.features.payments.rules.pasted import Known
from payme.features.payments.rules.payouts import is_left_to_person
from payme.features.payments.rules.transitions import applied_cents
from payme.features.payments.rules.wording import OWN_WORDS, UNEXPLAINED
from payme.integrations.daraja import Reason, advice_for
from payme.kit.ids import ClientId

Purpose = Literal["sale", "token_purchase", "credit_account"]
Payee = Literal["business", "platform"]
CheckName = Literal["address", "credentials", "prompts", "notices", "operator", "pull", "declared"]
CheckMark = Literal["good", "bad", "waiting", "skipped"]
MethodKind = Literal["paybill", "till", "pochi", "send_money"]


class _Explained(BaseModel):
    """What ended otherwise than hoped for, and why, in two languages; without a code there is nothing to say."""

    reason_code: str | None = None
    reason_text: str | None = Field(default=None, description="What to tell the customer or the owner.")
    reason_text_sw: str | None = Field(default=None, description="The same in Swahili.")

    @model_validator(mode="after")
    def _say_why(self) -> Self:
        if self.reason_code is not None:
            english, self.reason_text_sw = _words_of(self.reason_code)
            self.reason_text = self.reason_text or english
        return self


def _words_of(reason_code: str) -> tuple[str, str]:
    if reason_code in set(Reason):
        advice = advice_for(Reason(reason_code))
        return advice.en, advice.sw
    return OWN_WORDS.get(reason_code, UNEXPLAINED)


class PaymentView(_Explained):
    """A payment: what was asked for, what came, and how sure that is."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "01936f0e-8d13-7000-8000-000000000001", "purpose": "sale",
                    "purpose_id": "01936f0e-8d11-7c60-8f1e-5e2f7c9a4d10", "method": "mpesa_stk", "status": "succeeded",
                    "assurance": "confirmed", "amount_cents": 30000, "paid_cents": 30000, "phone": "*********600",
                    "mpesa_receipt_number": "UKM8RT2K1P", "late": False, "settlement": "applied",
                    "created_at": "2026-11-20T08:15:00Z", "rev": 4,
                }
            ]
        }
    )  # fmt: skip

    id: UUID
    purpose: str
    purpose_id: UUID
    method: str
    status: str
    assurance: str
    amount_cents: int
    paid_cents: int | None = None
    phone: str | None = Field(default=None, description="Masked but for the last three digits.")
    mpesa_receipt_number: str | None = None
    late: bool = False
    settlement: str | None = None
    excess_cents: int = Field(default=0, description="What its purpose had no more need of; it is unclaimed.")
    channel: str | None = Field(default=None, description="How the customer paid what a cashier claims.")
    verdict: str | None = Field(default=None, description="How far a claim has been proved.")
    confirmed_cents: int | None = Field(default=None, description="What evidence has confirmed of a claim.")
    is_odd: bool = Field(default=False, description="The date letters of a claimed receipt name another day.")
    created_at: datetime
    ended_at: datetime | None = None
    rev: int = 1

    @property
    def applied_cents(self) -> int:
        """What of it counts for its purpose."""
        return applied_cents(self.amount_cents, self.paid_cents) - self.excess_cents

    @property
    def is_open(self) -> bool:
        """Whether its outcome is still to come."""
        return PaymentStatus(self.status) in OPEN_STATUSES


class ConfigureMethod(BaseModel):
    """Set up a way to be paid. Secrets are stored encrypted and never shown again."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"shortcode": "174379", "account_reference": "DUKA", "environment": "sandbox", "consumer_key": "…",
                 "consumer_secret": "…", "passkey": "…"}
            ]
        }
    )  # fmt: skip

    shortcode: str | None = Field(
        default=None, pattern=r"^[0-9]{5,7}$", description="Paybill, or a till's store number."
    )
    till_number: str | None = Field(default=None, pattern=r"^[0-9]{5,7}$")
    account_reference: str | None = Field(default=None, pattern=r"^[A-Za-z0-9-]{1,12}$")
    environment: Literal["sandbox", "production"]
    consumer_key: str | None = Field(default=None, min_length=1, max_length=200)
    consumer_secret: str | None = Field(default=None, min_length=1, max_length=200)
    passkey: str | None = Field(default=None, min_length=1, max_length=200)
    pull_number: str | None = Field(
        default=None, max_length=32, description="Phone in the short code's papers; with it missed payments are pulled."
    )
    initiator_name: str | None = Field(default=None, min_length=1, max_length=64, description="API operator.")
    initiator_password: str | None = Field(default=None, min_length=1, max_length=200)
    active: bool = True
    strict_references: bool = Field(
        default=False, description="Turn away money whose account names nothing that waits for it."
    )


class MethodView(BaseModel):
    """A way to be paid, without its secrets."""

    kind: MethodKind
    shortcode: str | None
    till_number: str | None
    account_reference: str | None
    environment: str
    active: bool
    strict_references: bool = False
    has_credentials: bool
    is_pulled: bool = Field(default=False, description="Safaricom is asked for payments of which it did not tell us.")
    has_initiator: bool = Field(
        default=False, description="An operator is set up for payouts, reversals and questions."
    )
    changed_at: datetime
    rev: int


class UnclaimedView(BaseModel):
    """Money that arrived and belongs to nothing yet."""

    id: UUID
    source: str
    reason: Literal["amount_differs", "sale_not_open", "no_match", "overpaid"]
    amount_cents: int
    shortcode: str
    mpesa_receipt_number: str | None
    payment_id: UUID | None
    state: str
    payer_name: str = ""
    payer_number: str = Field(default="", description="Masked by Safaricom; empty where it was hashed.")
    bill_reference: str = Field(default="", description="What the payer typed as the account.")
    paid_at: datetime | None = None
    is_verified: bool = Field(default=False, description="M-Pesa was asked and confirmed it, beyond the notice.")
    received_at: datetime

    @field_validator("payer_number")
    @classmethod
    def _show_no_hash(cls, number: str) -> str:
        return "" if re.search(r"[a-f]|[0-9]{9}", number) else number


class PasteSms(BaseModel):
    """An SMS of M-Pesa as somebody pasted it, of the payer or of the payee."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"text": "UKM8RT2K1P Confirmed. Ksh1,300.00 paid to DUKA BORA on 22/11/26 at 1:05 PM. New M-PESA balance is Ksh9.00."}
            ]
        }
    )  # fmt: skip

    text: str = Field(min_length=1, max_length=2_000)


class PastedSmsView(BaseModel):
    """What an SMS claims, which proves nothing, and what is known of its code."""

    mpesa_receipt_number: str
    amount_cents: int
    kind: Literal["received", "paid_to", "sent_to", "unknown"] = Field(
        description="Whose SMS it is: the payee's (`received`), or the payer's after paying a till, or a paybill or person."
    )
    channel: Channel | None = Field(description="How the customer paid, as far as the text says.")
    paid_at: datetime | None
    payer_name: str = Field(description="The first name and initials, where the SMS is the payee's.")
    payee_name: str = Field(description="Who was paid, where the SMS is the payer's.")
    account_reference: str
    is_odd: bool = Field(description="The date letters of the code name another day.")
    known: Known = Field(
        description="`new`; `in_tray`, to be claimed there; `claimed` on a cashier's word; `applied` to something; `used` elsewhere."
    )
    unclaimed_id: UUID | None = Field(default=None, description="Its row in the tray.")
    payment_id: UUID | None = Field(default=None, description="The payment that has it.")


class RequestPayout(BaseModel):
    """Pay a person out of the short code; somebody else must agree."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"amount_cents": 250000, "phone": "0712345678", "reason": "Casual labour", "kind": "b2c"}]
        }
    )

    id: ClientId | None = None
    amount_cents: int = Field(gt=0, le=25_000_000)
    phone: str = Field(max_length=32)
    reason: str = Field(min_length=2, max_length=100)
    kind: Literal["b2c", "b2pochi"] = "b2c"


class ReturnMoney(BaseModel):
    """Send money in the tray back to whoever sent it; somebody else must agree."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "Sent to the wrong till"}]})

    reason: str = Field(min_length=2, max_length=100)


class PayoutView(_Explained):
    """Money that leaves by M-Pesa."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "01936f0e-8d13-7000-8000-000000000001", "kind": "b2c", "purpose": "other",
                    "purpose_id": "01936f0e-8d13-7000-8000-000000000001", "state": "awaiting_approval", "amount_cents": 250000,
                    "reason": "Casual labour", "phone": "*********678", "approval_id": "01936f0e-8d13-7000-8000-000000000002",
                    "requested_by": "01936f0e-7c2a-7b4e-9d53-7f5d2a1c0b14", "created_at": "2026-11-20T08:15:00Z", "rev": 1,
                }
            ]
        }
    )  # fmt: skip

    id: UUID
    kind: str
    purpose: str
    purpose_id: UUID
    state: str
    amount_cents: int
    reason: str
    phone: str = Field(description="Masked but for the last three digits.")
    questions: int = Field(default=0, description="How often M-Pesa was asked what became of it.")
    left_to_person: bool = Field(
        default=False, description="M-Pesa is not asked again: somebody else than the requester says how it ended."
    )
    approval_id: UUID | None = None
    mpesa_receipt_number: str | None = None
    requested_by: UUID
    decided_by: UUID | None = None
    created_at: datetime
    sent_at: datetime | None = None
    ended_at: datetime | None = None
    rev: int = 1

    @model_validator(mode="after")
    def _say_whose_turn(self) -> Self:
        self.left_to_person = is_left_to_person(self.state, self.questions)
        return self


class SettlePayout(BaseModel):
    """Say how a payout ended that M-Pesa no longer tells of, and show that it is you: by your PIN here or your password."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"left": True, "mpesa_receipt_number": "UKM7XK9P2Q", "note": "On the statement of Monday", "proof": "482916"}
            ]
        }
    )  # fmt: skip

    left: bool = Field(description="Whether the money left.")
    mpesa_receipt_number: str | None = Field(
        default=None, max_length=32, description="Of the money that left, if known."
    )
    note: str = Field(min_length=2, max_length=200, description="Where it was seen.")
    proof: SecretStr = Field(min_length=4, max_length=1024)


class RegistrationView(BaseModel):
    """Where Safaricom was asked to tell of payments to a short code, and what it said."""

    id: UUID
    kind: Literal["paybill", "till"]
    shortcode: str
    till_number: str | None
    state: Literal["requested", "registered", "already_registered", "failed"] = Field(
        description="`already_registered`: other addresses may stand at Safaricom; have them deleted, then ask again."
    )
    note: str = ""
    created_at: datetime
    ended_at: datetime | None = None


class ProbeCheck(BaseModel):
    """What one check of a way to be paid found."""

    name: CheckName
    mark: CheckMark = Field(description="`waiting`: M-Pesa's answer is still to come. `skipped`: nothing was asked.")
    found: str
    found_sw: str = Field(description="The same in Swahili.")


class ProbeView(BaseModel):
    """What was found when a way to be paid was tried with real calls."""

    id: UUID
    kind: MethodKind
    shortcode: str | None
    checks: list[ProbeCheck]
    created_at: datetime
    ended_at: datetime | None = None


class OutageView(BaseModel):
    """A product of M-Pesa that gives no answer."""

    product: str = Field(description="As in Safaricom's addresses: stkpush, stkpushquery, b2c, transactionstatus, …")
    since: datetime
    advice: str = Field(description="What to tell people meanwhile.")
    advice_sw: str = Field(description="The same in Swahili.")


class BalanceGapView(BaseModel):
    """More money came to a short code than is known of, as the balances that Safaricom tells give away; a lower bound."""

    kind: str
    shortcode: str
    missing_cents: int
    after: datetime = Field(description="The first of it came after this instant.")
    until: datetime = Field(description="And the last of it before this one.")
    is_pulled: bool = Field(description="Pull has been through it and does not explain it: a person must look.")


class UnsettledPayment(BaseModel):
    """A payment whose end is not known yet, and why nobody can ask M-Pesa about it, where that is so."""

    payment_id: UUID
    purpose: str
    purpose_id: UUID
    status: PaymentStatus
    since: datetime
    amount_cents: int
    checks: int
    can_ask: bool = Field(description="M-Pesa gave the request an id, so there is something to ask about.")
    claimed_cents: int | None = None
    lacks_receipt: bool = Field(
        default=False, description="M-Pesa said that it was paid, and Pull never showed its receipt."
    )
    age_seconds: int = 0
    reason: str = ""
