"""Commands that give back what was sold, and the views of it."""

from datetime import datetime
from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from payme.features.approvals import Approver
from payme.features.sales.enums import RefundKind, RefundMethod, RefundState, Restock
from payme.features.sales.schemas.sales import EXAMPLE_APPROVER, EXAMPLE_PRODUCT, EXAMPLE_SHIFT, MOST_LINES
from payme.kit.ids import ClientId
from payme.kit.quantity import PositiveQuantity, Quantity
from payme.kit.texts import Filled

Reason = Annotated[Filled, StringConstraints(max_length=200)]


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
                    "approver": EXAMPLE_APPROVER,
                },
                {
                    "lines": [{"sale_line_id": "01936f0e-8d12-7000-8000-000000000001", "quantity": "1"}],
                    "reason": "Torn bag",
                    "shift_id": EXAMPLE_SHIFT,
                },
            ]
        }
    )

    id: ClientId | None = None
    lines: list[RefundLineCommand] = Field(min_length=1, max_length=MOST_LINES)
    method: Literal["cash", "mpesa", "credit_note"] = "cash"
    reason: Reason
    shift_id: UUID | None = Field(default=None, description="From whose drawer cash goes back.")
    approver: Approver | None = None


class VoidSale(BaseModel):
    """Undo a whole sale on its own business day: goods to the shelf, each counted part back the way it came."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"reason": "Wrong customer", "approver": EXAMPLE_APPROVER},
                {"reason": "Wrong customer", "shift_id": EXAMPLE_SHIFT},
            ]
        }
    )

    id: ClientId | None = None
    reason: Reason
    shift_id: UUID | None = Field(default=None, description="From whose drawer cash goes back.")
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
                            "product_id": EXAMPLE_PRODUCT,
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
    debt_cents: int = Field(
        default=0, description="What of the amount lowers the customer's debt and is not given back."
    )
    rounding_cents: int
    vat_cents: int
    cost_cents: int | None = None
    reason: str
    lines: list[RefundLineView]
    sale_status: str
    requested_by: UUID
    approval_id: UUID | None = None
    approved_by: UUID | None = None
    shift_id: UUID | None = None
    end_reason: str = ""
    credit_note_number: str | None = Field(default=None, description="The note that the money went back as.")
    created_at: datetime
    ended_at: datetime | None = None
    currency: str = "KES"
    rev: int = 1

    @property
    def money_cents(self) -> int:
        """What goes back in money, or as a credit note."""
        return self.amount_cents - self.debt_cents
