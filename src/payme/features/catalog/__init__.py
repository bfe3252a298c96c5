"""What the shop sells: products, barcodes, units, prices, VAT classes with their dates.

How much of it there is belongs to inventory, which hears of new products in the transaction that makes them.
"""

from payme.features.catalog.enums import VatClass
from payme.features.catalog.errors import ProductNotFound
from payme.features.catalog.events import ProductChanged, ProductCreated, ProductsImported
from payme.features.catalog.schemas import ChangeProduct, CreateProduct, ProductView, VatRateView
from payme.features.catalog.services.change_product import change_product
from payme.features.catalog.services.create_product import create_product
from payme.features.catalog.services.read_products import (
    get_product,
    list_vat_rates,
    lock_product_document,
    page_products,
    products_version,
)

__all__ = [
    "ChangeProduct",
    "CreateProduct",
    "ProductChanged",
    "ProductCreated",
    "ProductNotFound",
    "ProductView",
    "ProductsImported",
    "VatClass",
    "VatRateView",
    "change_product",
    "create_product",
    "get_product",
    "list_vat_rates",
    "lock_product_document",
    "page_products",
    "products_version",
]
