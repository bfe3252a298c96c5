"""Refusals of a sale. Whenever one is raised, nothing was written."""

from payme.kit.errors import Conflict, Forbidden, Invalid, NotFound, Refused


class SaleNotFound(NotFound):
    """There is no such sale in this business."""

    code = "sales.not_found"


class SaleExists(Conflict):
    """A sale with this id exists already; its first request was answered."""

    code = "sales.exists"
    constraints = ("sales_pkey",)


class StockShort(Conflict):
    """There is not enough stock for this sale."""

    code = "sales.stock_short"


class ProductNotForSale(Refused):
    """A product of this sale is no longer sold."""

    code = "sales.product_inactive"


class TillNotFound(NotFound):
    """There is no such till in this business."""

    code = "sales.till_not_found"


class BusinessSuspended(Refused):
    """This business is suspended and cannot sell."""

    code = "sales.business_suspended"


class DiscountTooLarge(Invalid):
    """A discount is larger than what it is taken from."""

    code = "sales.discount_too_large"
    pointer = "/discount_cents"


class DiscountAboveLimit(Refused):
    """This discount is above what you may give; somebody who may must sell it."""

    code = "sales.discount_above_limit"


class PriceOverrideForbidden(Forbidden):
    """You may not sell at another price than the catalogue's."""

    code = "sales.price_override_forbidden"


class TendersDiffer(Invalid):
    """The tenders do not add up to the total."""

    code = "sales.tenders_differ"
    pointer = "/tenders"


class ReceivedTooLittle(Invalid):
    """The cash received is less than the amount."""

    code = "sales.received_too_little"
    pointer = "/tenders"


class OnePromptPerSale(Invalid):
    """A sale can have one M-Pesa prompt at a time."""

    code = "sales.one_prompt"
    pointer = "/tenders"


class PromptOut(Conflict):
    """An M-Pesa prompt is out or its outcome is unknown; wait for its answer."""

    code = "sales.prompt_out"
    retryable = True


class SaleNotOpen(Conflict):
    """This sale is not waiting for payment."""

    code = "sales.not_open"
