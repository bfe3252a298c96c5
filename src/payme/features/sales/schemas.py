"""Commands that make, pay and refund sales, and the views of them."""

from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, JsonValue, RootModel, StringConstraints

from payme.features.approvals import Approver
from payme.features.payments import Channel
from payme.features.sales.enums import RefundKind, RefundMethod, RefundState, Restock
from payme.kit.ids import ClientId
from payme.kit.quantity import PositiveQuantity, Quantity

LARGEST_AMOUNT_CENTS = 1_000_000_000_000
MOST_LINES = 200
Amount = Annotated[int, Field(ge=0, le=LARGEST_AMOUNT_CENTS)]
PositiveAmount = Annotated[int, Field(gt=0, le=LARGEST_AMOUNT_CENTS)]

_APPROVER: dict[str, JsonValue] = {"user_id": "01936f0e-7c2a-7b4e-9d53-7f5d2a1c0b14", "pin": "482916"}
_PRODUCT = "01936f0e-7c2a-7b4e-9d53-7f5d2a1c0b11"


class SaleLineCommand(BaseModel):
    """One product in the cart; the catalogue's price unless another is given by somebody who may."""

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


Tender = Annotated[CashTender | CardTender | MpesaStkTender | MpesaClaimTender, Field(discriminator="method")]


class AddPayment(RootModel[Tender]):
    """Another tender for a sale that is not paid yet."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"method": "cash", "amount_cents": 30000}]})


class CreateSale(BaseModel):
    """Sell a cart. Cash and card complete it at once; an M-Pesa prompt leaves it awaiting payment."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "lines": [{"product_id": _PRODUCT, "quantity": "2"}],
                    "tenders": [{"method": "cash", "amount_cents": 30000, "received_cents": 50000}],
                }
            ]
        }
    )

    id: ClientId | None = None
    branch_id: UUID | None = None
    till_id: UUID | None = None
    lines: list[SaleLineCommand] = Field(min_length=1, max_length=MOST_LINES)
    discount_cents: Amount = 0
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

    purpose: Literal["sale"]
    purpose_id: UUID
    label: str = Field(description="The receipt number.")
    due_cents: int
    because: list[str] = Field(description="What fits: reference, amount, time.")
    created_at: datetime


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
                            "product_id": _PRODUCT,
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


Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


class RefundLineCommand(BaseModel):
    """A quantity of one line that goes back; `restock`: it can be sold again, else it is written off as spoilage."""

    sale_line_id: UUID
    quantity: PositiveQuantity
    restock: bool = True


class RefundSale(BaseModel):
    """Give back a part of a sale, or all of it. Above the business's limit it waits for a second person, unless `approver` is there."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "lines": [
                        {"sale_line_id": "01936f0e-8d12-7000-8000-000000000001", "quantity": "1", "restock": True}
                    ],
                    "method": "cash",
                    "reason": "Torn bag",
                    "approver": _APPROVER,
                }
            ]
        }
    )

    id: ClientId | None = None
    lines: list[RefundLineCommand] = Field(min_length=1, max_length=MOST_LINES)
    method: Literal["cash", "mpesa", "credit_note"] = "cash"
    reason: Reason
    approver: Approver | None = None


class VoidSale(BaseModel):
    """Undo a whole sale on its own business day: goods to the shelf, each counted part back the way it came."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "Wrong customer", "approver": _APPROVER}]})

    id: ClientId | None = None
    reason: Reason
    approver: Approver | None = None


class RefundLineView(BaseModel):
    """A part of a line that goes back."""

    id: UUID
    sale_line_id: UUID
    product_id: UUID
    name: str
    quantity: Quantity
    amount_cents: int
    vat_cents: int
    cost_cents: int | None = None
    restock: Restock


class RefundView(BaseModel):
    """A refund or a void. `approval_id` is the request that it waits for, or waited for; `end_reason` says why it did not happen."""

    hidden_without: ClassVar[dict[str, frozenset[str]]] = {"sales.read_cost": frozenset({"cost_cents"})}
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "01936f0e-8d14-7000-8000-000000000001",
                    "sale_id": "01936f0e-8d11-7c60-8f1e-5e2f7c9a4d10",
                    "kind": "refund",
                    "method": "cash",
                    "state": "completed",
                    "amount_cents": 15000,
                    "rounding_cents": 0,
                    "vat_cents": 0,
                    "cost_cents": 12000,
                    "reason": "Torn bag",
                    "lines": [
                        {
                            "id": "01936f0e-8d14-7000-8000-000000000002",
                            "sale_line_id": "01936f0e-8d12-7000-8000-000000000001",
                            "product_id": _PRODUCT,
                            "name": "Maize flour 2 kg",
                            "quantity": "1",
                            "amount_cents": 15000,
                            "vat_cents": 0,
                            "cost_cents": 12000,
                            "restock": "shelf",
                        }
                    ],
                    "sale_status": "partly_refunded",
                    "requested_by": "01936f0e-7c2a-7b4e-9d53-7f5d2a1c0b14",
                    "created_at": "2026-11-20T09:15:00Z",
                    "ended_at": "2026-11-20T09:15:00Z",
                    "currency": "KES",
                    "rev": 1,
                }
            ]
        }
    )

    id: UUID
    sale_id: UUID
    kind: RefundKind
    method: RefundMethod
    state: RefundState
    amount_cents: int
    rounding_cents: int
    vat_cents: int
    cost_cents: int | None = None
    reason: str
    lines: list[RefundLineView]
    sale_status: str
    requested_by: UUID
    approval_id: UUID | None = None
    approved_by: UUID | None = None
    end_reason: str = ""
    created_at: datetime
    ended_at: datetime | None = None
    currency: str = "KES"
    rev: int = 1
