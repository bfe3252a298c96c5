"""Commands that move stock, and views of it.

A command's `id` is the id of what it does: the cause of its movements, and of its batch.
"""

from datetime import date, datetime
from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, JsonValue, StringConstraints

from payme.features.approvals import Approver
from payme.features.inventory.enums import AlertKind, MovementKind, SpoilageType
from payme.features.inventory.rules import LARGEST_COST_CENTS
from payme.kit.ids import ClientId
from payme.kit.quantity import PositiveQuantity, Quantity, QuantityChange
from payme.kit.texts import Filled
from payme.kit.time import Instant

_PRODUCT = "01936f0e-7c2a-7b4e-9d53-7f5d2a1c0b11"
_APPROVER: dict[str, JsonValue] = {"user_id": "01936f0e-7c2a-7b4e-9d53-7f5d2a1c0b14", "pin": "482916"}
_WHO_AGREES = "Who agrees to a write-off above the business's limit."
_EVENT = "01936f10-1b6e-7d0a-8c1f-2f4f7b7a9e02"


Reason = Annotated[Filled, StringConstraints(max_length=200)]
Note = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)]


class ReceiveGoods(BaseModel):
    """Goods that came in, with what all of them cost together."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"product_id": _PRODUCT, "quantity": "24", "total_cost_cents": 129600}]}
    )

    id: ClientId | None = None
    product_id: UUID
    quantity: PositiveQuantity
    total_cost_cents: int = Field(ge=0, le=LARGEST_COST_CENTS)
    received_at: Instant | None = None
    expires_on: date | None = None


class AdjustStock(BaseModel):
    """A correction of what is on hand, up or down."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"product_id": _PRODUCT, "quantity_delta": "-2", "reason": "Counted two less"},
                {"product_id": _PRODUCT, "quantity_delta": "-90", "reason": "Flood", "approver": _APPROVER},
            ]
        }
    )

    id: ClientId | None = None
    product_id: UUID
    quantity_delta: QuantityChange
    reason: Reason
    approver: Approver | None = Field(default=None, description=_WHO_AGREES)


class SpoilStock(BaseModel):
    """Goods that were lost, and how."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"product_id": _PRODUCT, "quantity": "3", "type": "expiration"},
                {"product_id": _PRODUCT, "quantity": "90", "type": "damage", "approver": _APPROVER},
            ]
        }
    )

    id: ClientId | None = None
    product_id: UUID
    quantity: PositiveQuantity
    type: SpoilageType
    note: Note = ""
    approver: Approver | None = Field(default=None, description=_WHO_AGREES)


class StockChangeView(BaseModel):
    """What a change did to one product, and what is there after it.

    `cost_cents` is what moved: positive in, negative out; `variance_cents` how much more than was booked the goods cost that
    had been sold before they came. Both are null for those who may not see what goods cost.
    """

    hidden_without: ClassVar[dict[str, frozenset[str]]] = {
        "sales.read_cost": frozenset({"cost_cents", "variance_cents"})
    }
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"id": _EVENT, "product_id": _PRODUCT, "kind": "purchase", "quantity": "24", "cost_cents": 129600,
                 "variance_cents": 0, "settled_quantity": "0", "on_hand": "31", "reserved": "0", "available": "31",
                 "created_at": "2026-11-22T08:00:00Z"}
            ]
        }
    )  # fmt: skip

    id: UUID
    product_id: UUID
    kind: MovementKind
    quantity: Quantity
    cost_cents: int | None
    variance_cents: int | None
    settled_quantity: Quantity
    on_hand: Quantity
    reserved: Quantity
    available: Quantity
    created_at: datetime


class StockRow(BaseModel):
    """What is in the shop of one product. `value_cents` is null for those who may not see what goods cost."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"product_id": _PRODUCT, "on_hand": "31", "reserved": "2", "available": "29", "value_cents": 167400}
            ]
        }
    )

    product_id: UUID
    on_hand: Quantity
    reserved: Quantity
    available: Quantity
    value_cents: int | None


class MovementRow(BaseModel):
    """One movement: signed quantity and cost. `cause` is the sale, receipt or correction that it belongs to."""

    id: UUID
    product_id: UUID
    batch_id: UUID | None
    kind: MovementKind
    spoilage_type: SpoilageType | None
    quantity: Quantity
    cost_cents: int | None
    reason: str
    cause: UUID
    actor_id: UUID
    occurred_at: datetime
    recorded_at: datetime


class MovementFilter(BaseModel):
    """Which movements are wanted; the period is by when they happened, its end excluded."""

    product_id: UUID | None = None
    kind: MovementKind | None = None
    since: datetime | None = None
    until: datetime | None = None


class StockAlert(BaseModel):
    """A product to order, or goods to sell before a date.

    `reorder`: `available` is at or below `reorder_point`; `suggested_quantity` brings it back there with as much on top as was
    sold in the last thirty days. `expiring`: `quantity` of a batch must be sold by `expires_on`.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"kind": "reorder", "product_id": _PRODUCT, "available": "5", "reorder_point": "24",
                 "sold_in_30_days": "60", "suggested_quantity": "79"}
            ]
        }
    )  # fmt: skip

    kind: AlertKind
    product_id: UUID
    name: str | None = None
    available: Quantity | None = None
    reorder_point: Quantity | None = None
    sold_in_30_days: Quantity | None = None
    suggested_quantity: Quantity | None = None
    batch_id: UUID | None = None
    quantity: Quantity | None = None
    expires_on: date | None = None


class ValuationRow(BaseModel):
    """What was on hand of one product at an instant, and what it had cost."""

    product_id: UUID
    on_hand: Quantity
    value_cents: int


class Valuation(BaseModel):
    """The stock of the whole business at an instant, at cost."""

    at: datetime
    value_cents: int
    products: list[ValuationRow]
