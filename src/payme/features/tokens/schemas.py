"""Commands and views of the wallet."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from payme.features.tokens.rules import LARGEST_PURCHASE


class TopUpView(BaseModel):
    """How to pay for tokens by hand: Lipa na M-Pesa, Pay Bill, this number and this account."""

    paybill: str
    account: str


class WalletView(BaseModel):
    """What is left to operate with."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"balance": 30, "reserved": 1, "available": 29, "overdraft": 200, "warning": "low"}]
        }
    )

    balance: int
    reserved: int
    available: int
    overdraft: int
    warning: Literal["low", "very_low", "exhausted"] | None = None
    top_up: TopUpView | None = Field(default=None, description="Left out where the platform cannot see such money.")


class TokenMovement(BaseModel):
    """One movement of the wallet: what it was spent on, or where it came from."""

    kind: str
    quantity: int = Field(description="Positive when tokens came in, negative when they were spent.")
    cause: UUID
    occurred_at: datetime
    recorded_at: datetime


class PackageView(BaseModel):
    """A package of tokens on sale."""

    quantity: int
    price_cents: int


class BuyTokens(BaseModel):
    """Buy a package, or any quantity at KES 2 each; the number gets an M-Pesa prompt."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"package": 150, "phone": "0712345600"}],
            "oneOf": [
                {"required": [one], "properties": {one: {"type": "integer"}, other: {"type": "null"}}}
                for one, other in (("package", "quantity"), ("quantity", "package"))
            ],
        }
    )

    package: int | None = Field(default=None, gt=0, description="The quantity of a listed package.")
    quantity: int | None = Field(default=None, gt=0, le=LARGEST_PURCHASE)
    phone: str = Field(max_length=32)

    @model_validator(mode="after")
    def _one_of_both(self) -> "BuyTokens":
        if (self.package is None) == (self.quantity is None):
            message = "give either package or quantity"
            raise ValueError(message)
        return self


class PurchaseView(BaseModel):
    """A purchase of tokens and its payment."""

    id: UUID
    quantity: int
    price_cents: int
    state: Literal["awaiting_payment", "credited", "failed"]
    payment_id: UUID
    payment_status: str
    created_at: datetime
