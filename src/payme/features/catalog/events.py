"""News of the catalogue."""

from collections.abc import Mapping
from typing import ClassVar
from uuid import UUID

from pydantic import Field

from payme.kit.events import Event


class ProductCreated(Event):
    """A product was added."""

    name: ClassVar[str] = "product.created"
    track_stock: bool
    buying_price_cents: int | None = Field(default=None, exclude=True)


class ProductChanged(Event):
    """A product's description or price changed."""

    name: ClassVar[str] = "product.changed"
    track_stock: bool
    buying_price_cents: int | None = Field(default=None, exclude=True)


class ProductsImported(Event):
    """A file of products was added; `tracked` holds the buying price of each product whose stock is counted."""

    name: ClassVar[str] = "products.imported"
    count: int
    tracked: Mapping[UUID, int] = Field(default_factory=dict[UUID, int], exclude=True)
