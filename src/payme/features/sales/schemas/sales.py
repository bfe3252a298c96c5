"""Commands that make and pay sales, and the views of them."""

from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, JsonValue, RootModel, StringConstraints

from payme.features.approvals import Approver
from payme.features.payments import Channel
from payme.kit.ids import ClientId
from payme.kit.quantity import PositiveQuantity, Quantity

LARGEST_AMOUNT_CENTS = 1_000_000_000_000
MOST_LINES = 200
Amount = Annotated[int, Field(ge=0, le=LARGEST_AMOUNT_CENTS)]
PositiveAmount = Annotated[int, Field(gt=0, le=LARGEST_AMOUNT_CENTS)]
ReceiptNumber = Annotated[str, StringConstraints(pattern=r"^[A-Z0-9]{1,6}-[0-9]{1,12}$")]
CreditNoteNumber = Annotated[str, StringConstraints(strip_whitespace=True, to_upper=True, max_length=40)]

EXAMPLE_APPROVER: dict[str, JsonValue] = {"user_id": "01936f0e-7c2a-7b4e-9d53-7f5d2a1c0b14", "pin": "482916"}
EXAMPLE_CREDIT_ACCOUNT = "01936f0e-8d18-7000-8000-000000000001"
EXAMPLE_SHIFT = "01936f0e-8d16-7000-8000-000000000001"
EXAMPLE_PRODUCT = "01936f0e-7c2a-7b4e-9d53-7f5d2a1c0b11"


class SaleLineCommand(BaseModel):
    """One product in the cart; the catalogue's price unless another is given by somebody who may."""

    id: ClientId | None = Field(default=None, description="Made by a till that may have to refer to the line later.")
    product_id: UUID
    quantity: PositiveQuantity
    unit_price_cents: Amount | None = None
    discount_cents: Amount = 0


class CashTender(BaseModel):
    """Cash in the drawer; `received_cents` is what the customer handed over."""

    method: Literal["cash"]
    amount_cents: PositiveAmount
    received_cents: PositiveAmount | None = None


class CardTender(BaseModel):
    """A card payment taken on another machine and recorded here."""

    method: Literal["card_recorded"]
    amount_cents: PositiveAmount
    reference: str = Field(default="", max_length=64)


class MpesaStkTender(BaseModel):
    """An M-Pesa prompt on the customer's phone; whole shillings."""

    method: Literal["mpesa_stk"]
    amount_cents: PositiveAmount
    phone: str = Field(max_length=32)


class MpesaClaimTender(BaseModel):
    """Money that the customer has sent already, by the code of the SMS; whole shillings.

    `pochi` and `send_money` tell nobody but the owner's phone, so they stay declared.
    """

    method: Literal["mpesa_claim"]
    amount_cents: PositiveAmount
    mpesa_receipt_number: Annotated[str, StringConstraints(strip_whitespace=True, to_upper=True, max_length=20)]
    channel: Channel = Channel.TILL


class CreditNoteTender(BaseModel):
    """A credit note of this business, by its number; the whole of it or a part."""

    method: Literal["credit_note"]
    amount_cents: PositiveAmount
    number: CreditNoteNumber


class CreditTender(BaseModel):
    """A debt: the customer pays later, within the limit of the account."""

    method: Literal["credit"]
    credit_account_id: UUID
    amount_cents: PositiveAmount


Tender = Annotated[
    CashTender | CardTender | MpesaStkTender | MpesaClaimTender | CreditNoteTender | CreditTender,
    Field(discriminator="method"),
]


class AddPayment(RootModel[Tender]):
    """Another tender for a sale that is not paid yet."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"method": "cash", "amount_cents": 30000},
                {"method": "credit", "credit_account_id": EXAMPLE_CREDIT_ACCOUNT, "amount_cents": 30000},
            ]
        }
    )


class CreateSale(BaseModel):
    """Sell a cart. Cash and card complete it at once; an M-Pesa prompt leaves it awaiting payment."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "lines": [{"product_id": EXAMPLE_PRODUCT, "quantity": "2"}],
                    "tenders": [{"method": "cash", "amount_cents": 30000, "received_cents": 50000}],
                },
                {
                    "lines": [{"product_id": EXAMPLE_PRODUCT, "quantity": "2", "discount_cents": 6000}],
                    "tenders": [{"method": "cash", "amount_cents": 24000}],
                    "approver": EXAMPLE_APPROVER,
                },
                {
                    "customer_id": "01936f0e-8d15-7000-8000-000000000001",
                    "lines": [{"product_id": EXAMPLE_PRODUCT, "quantity": "2"}],
                    "tenders": [
                        {"method": "credit", "credit_account_id": EXAMPLE_CREDIT_ACCOUNT, "amount_cents": 20000}
                    ],
                },
            ]
        }
    )

    id: ClientId | None = None
    branch_id: UUID | None = None
    till_id: UUID | None = None
    receipt_number: ReceiptNumber | None = Field(
        default=None, description="Only from a device, with its prefix, unused; else the server makes it."
    )
    customer_id: UUID | None = None
    shift_id: UUID | None = Field(default=None, description="In which shift; its till, where none is named.")
    lines: list[SaleLineCommand] = Field(min_length=1, max_length=MOST_LINES)
    discount_cents: Amount = 0
    approver: Approver | None = Field(default=None, description="Who agrees to a discount above the business's limit.")
    tenders: list[Tender] = Field(max_length=10)


class ClaimMoney(BaseModel):
    """Say what money in the tray is for."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"purpose": "sale", "purpose_id": "01936f0e-8d11-7c60-8f1e-5e2f7c9a4d10"}]}
    )

    purpose: Literal["sale"]
    purpose_id: UUID


class Suggestion(BaseModel):
    """Something unpaid that money in the tray may be for."""

    purpose: Literal["sale", "credit_account"] = Field(
        description="A debt takes money at `/credit-accounts/{id}/claims`."
    )
    purpose_id: UUID
    label: str = Field(description="The receipt number, or who owes.")
    due_cents: int
    because: list[str] = Field(description="What fits: reference, amount, time.")
    created_at: datetime | None = Field(default=None, description="When the sale was made.")


class SaleLineView(BaseModel):
    """A line as it was sold; prices and amounts include VAT."""

    id: UUID
    product_id: UUID
    name: str
    quantity: Quantity
    unit_price_cents: int
    discount_cents: int
    total_cents: int
    vat_class: str
    vat_cents: int
    cost_cents: int | None = None


class SalePaymentView(BaseModel):
    """A part of the payment of a sale."""

    id: UUID
    method: str
    status: str
    assurance: str
    amount_cents: int
    mpesa_receipt_number: str | None = None
    settlement: str | None = Field(default=None, description="Where the money went: applied, returned or unclaimed.")
    reason_code: str | None = None
    verdict: str | None = Field(default=None, description="How far a claimed M-Pesa code has been proved.")


class SaleView(BaseModel):
    """A sale. `cost_cents` and `profit_cents` are null for those who may not see what goods cost."""

    hidden_without: ClassVar[dict[str, frozenset[str]]] = {"sales.read_cost": frozenset({"cost_cents", "profit_cents"})}
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "01936f0e-8d11-7c60-8f1e-5e2f7c9a4d10",
                    "receipt_number": "A1-000001",
                    "status": "completed",
                    "lines": [
                        {
                            "id": "01936f0e-8d12-7000-8000-000000000001",
                            "product_id": EXAMPLE_PRODUCT,
                            "name": "Maize flour 2 kg",
                            "quantity": "2",
                            "unit_price_cents": 15000,
                            "discount_cents": 0,
                            "total_cents": 30000,
                            "vat_class": "C",
                            "vat_cents": 0,
                            "cost_cents": 24000,
                        }
                    ],
                    "total_cents": 30000,
                    "discount_cents": 0,
                    "rounding_cents": 0,
                    "vat_cents": 0,
                    "cost_cents": 24000,
                    "profit_cents": 6000,
                    "paid_cents": 30000,
                    "change_cents": 20000,
                    "payments": [
                        {
                            "id": "01936f0e-8d13-7000-8000-000000000001",
                            "method": "cash",
                            "status": "succeeded",
                            "assurance": "counted",
                            "amount_cents": 30000,
                        }
                    ],
                    "tokens": {"charged": 1, "balance": 29, "available": 29},
                    "branch_id": "01936f0e-7c2a-7b4e-9d53-7f5d2a1c0b12",
                    "till_id": "01936f0e-7c2a-7b4e-9d53-7f5d2a1c0b13",
                    "created_at": "2026-11-20T08:15:00Z",
                    "currency": "KES",
                    "rev": 1,
                }
            ]
        }
    )

    id: UUID
    receipt_number: str
    status: str
    lines: list[SaleLineView]
    total_cents: int
    discount_cents: int
    rounding_cents: int
    vat_cents: int
    cost_cents: int | None = None
    profit_cents: int | None = None
    paid_cents: int
    change_cents: int
    payments: list[SalePaymentView]
    tokens: dict[str, Any] | None = None
    branch_id: UUID
    till_id: UUID
    customer_id: UUID | None = None
    shift_id: UUID | None = None
    created_at: datetime
    completed_at: datetime | None = None
    currency: str = "KES"
    rev: int = 1


class SaleRow(BaseModel):
    """A sale in a list."""

    id: UUID
    receipt_number: str
    status: str
    total_cents: int
    vat_cents: int
    paid_cents: int
    till_id: UUID
    sold_by: UUID
    created_at: datetime
    completed_at: datetime | None
