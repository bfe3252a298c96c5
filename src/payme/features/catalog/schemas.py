"""Commands that change the catalogue, and views of it."""

from datetime import date, datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

from payme.features.catalog.enums import VatClass
from payme.kit.changes import STAYS, refuse_null, without_null
from payme.kit.ids import ClientId
from payme.kit.quantity import Quantity, QuantityFromZero
from payme.kit.texts import Filled

MOST_BARCODES = 20
_EXAMPLE_ID = "01936f0e-7c2a-7b4e-9d53-7f5d2a1c0b11"


Name = Annotated[Filled, StringConstraints(max_length=200)]
Sku = Annotated[Filled, StringConstraints(max_length=64)]
Unit = Annotated[Filled, StringConstraints(max_length=16)]
Category = Annotated[str, StringConstraints(strip_whitespace=True, max_length=80)]
Barcode = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z._-]{3,64}$")]
Price = Annotated[int, Field(ge=0, le=100_000_000_000)]


class CreateProduct(BaseModel):
    """A product to be sold. Prices include VAT; `barcode` and `barcodes` are taken together."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"name": "Maziwa Lala 500 ml", "sku": "MLK-500", "barcode": "6161100100012", "price_cents": 6500,
                 "vat_class": "C", "reorder_point": "24"}
            ]
        }
    )  # fmt: skip

    id: ClientId | None = None
    name: Name
    sku: Sku | None = None
    barcode: Barcode | None = None
    barcodes: list[Barcode] = Field(default_factory=list[str], max_length=MOST_BARCODES)
    unit: Unit = "each"
    category: Category = ""
    price_cents: Price
    buying_price_cents: Price | None = None
    vat_class: VatClass = VatClass.B
    reorder_point: QuantityFromZero | None = None
    track_stock: bool = True
    track_expiry: bool = False
    active: bool = True

    @model_validator(mode="after")
    def _join_barcodes(self) -> Self:
        both = [*([self.barcode] if self.barcode else []), *self.barcodes]
        self.barcodes = list(dict.fromkeys(both))
        return self


class ChangeProduct(BaseModel):
    """What to change of a product; what is absent stays. `barcodes` replaces all of them; null empties what may be empty."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"price_cents": 7000, "reorder_point": None}]})

    name: Name | None = STAYS
    sku: Sku | None = None
    barcodes: list[Barcode] | None = Field(default=None, max_length=MOST_BARCODES, json_schema_extra=without_null)
    unit: Unit | None = STAYS
    category: Category | None = STAYS
    price_cents: Price | None = STAYS
    buying_price_cents: Price | None = None
    vat_class: VatClass | None = STAYS
    reorder_point: QuantityFromZero | None = None
    track_stock: bool | None = STAYS
    track_expiry: bool | None = STAYS
    active: bool | None = STAYS

    _refuse_null = field_validator(
        "name",
        "barcodes",
        "unit",
        "category",
        "price_cents",
        "vat_class",
        "track_stock",
        "track_expiry",
        "active",
        mode="before",
    )(refuse_null)

    @field_validator("barcodes")
    @classmethod
    def _once_each(cls, value: list[str]) -> list[str]:
        return list(dict.fromkeys(value))


class ProductView(BaseModel):
    """A product. `buying_price_cents` is null for those who may not see what goods cost."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"id": _EXAMPLE_ID, "name": "Maziwa Lala 500 ml", "sku": "MLK-500", "barcode": "6161100100012",
                 "barcodes": ["6161100100012"], "unit": "each", "category": "Dairy", "price_cents": 6500,
                 "buying_price_cents": 5400, "vat_class": "C", "reorder_point": "24", "track_stock": True,
                 "track_expiry": True, "active": True, "rev": 1, "created_at": "2026-11-22T08:00:00Z",
                 "updated_at": "2026-11-22T08:00:00Z"}
            ]
        }
    )  # fmt: skip

    id: UUID
    name: str
    sku: str | None
    barcode: str | None
    barcodes: list[str]
    unit: str
    category: str
    price_cents: int
    buying_price_cents: int | None
    vat_class: VatClass
    reorder_point: Quantity | None
    track_stock: bool
    track_expiry: bool
    active: bool
    rev: int
    created_at: datetime
    updated_at: datetime


class ProductFilter(BaseModel):
    """Which products are wanted: `q` is found in a name or SKU, or is a barcode."""

    q: str | None = None
    category: str | None = None
    active: bool | None = None


class VatRateView(BaseModel):
    """The rate of a VAT class from a day on, until a later row of the class begins."""

    vat_class: VatClass
    name: str
    rate_basis_points: int
    valid_from: date


class RowFault(BaseModel):
    """Why a row of a file was left out; the header is row 1, and an empty column means the row as a whole."""

    row: int
    column: str
    code: str
    detail: str


class ImportReport(BaseModel):
    """What became of a file: `imported` rows are products now, or would be after a dry run; `rejected` ones are explained.

    `errors` names the first thousand faults.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"dry_run": False, "imported": 118, "rejected": 1,
                 "errors": [{"row": 4, "column": "price", "code": "not_an_amount", "detail": "Write shillings, such as 120.50"}]}
            ]
        }
    )  # fmt: skip

    dry_run: bool
    imported: int
    rejected: int
    errors: list[RowFault]
