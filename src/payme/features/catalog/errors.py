"""Refusals of the catalogue."""

from payme.kit.errors import Conflict, Invalid, NotFound


class ProductNotFound(NotFound):
    """There is no such product in this business."""

    code = "catalog.product_not_found"


class ProductExists(Conflict):
    """A product with this id exists already."""

    code = "catalog.product_exists"
    constraints = ("products_pkey",)


class SkuTaken(Conflict):
    """Another product has this SKU."""

    code = "catalog.sku_taken"
    constraints = ("products_sku_key",)


class BarcodeTaken(Conflict):
    """Another product has this barcode."""

    code = "catalog.barcode_taken"
    constraints = ("product_barcodes_pkey",)


class CsvUnreadable(Invalid):
    """The file is no CSV table in UTF-8 that could be read to its end."""

    code = "catalog.csv_unreadable"


class CsvHeader(Invalid):
    """The first row must name the columns: name and price at least, and none that is unknown or comes twice."""

    code = "catalog.csv_header"
