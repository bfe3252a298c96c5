"""Commands and views of payments and of the ways to be paid."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from payme.features.payments.enums import OPEN_STATUSES, PaymentStatus
from payme.features.payments.rules.transitions import applied_cents

Purpose = Literal["sale", "token_purchase"]
Payee = Literal["business", "platform"]
MethodKind = Literal["paybill", "till", "pochi", "send_money"]


class PaymentView(BaseModel):
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
    reason_code: str | None = None
    reason_text: str | None = Field(default=None, description="What to tell the customer or the owner.")
    late: bool = False
    settlement: str | None = None
    excess_cents: int = Field(default=0, description="What its purpose had no more need of; it is unclaimed.")
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
    active: bool = True


class MethodView(BaseModel):
    """A way to be paid, without its secrets."""

    kind: MethodKind
    shortcode: str | None
    till_number: str | None
    account_reference: str | None
    environment: str
    active: bool
    has_credentials: bool
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
    received_at: datetime


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
    age_seconds: int = 0
    reason: str = ""
