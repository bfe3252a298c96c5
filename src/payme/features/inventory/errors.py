"""Refusals of the stock room."""

from typing import ClassVar

from payme.kit.errors import Conflict, Forbidden, Invalid, NotFound, Refused


class ProductUnknown(NotFound):
    """There is no such product in this business."""

    code = "inventory.product_unknown"
    constraints = ("stock_levels_business_id_product_id_fkey",)


class NotTracked(Refused):
    """This product is sold without counting its stock."""

    code = "inventory.not_tracked"


class StockShort(Refused):
    """There is less of this product in the shop than would be taken out."""

    code = "inventory.stock_short"


class StockOnHand(Refused):
    """There is still stock of this product, or some is owed or set aside; bring it to zero before it is no longer counted."""

    code = "inventory.stock_on_hand"


class AlreadyRecorded(Conflict):
    """This has been recorded already."""

    code = "inventory.already_recorded"
    constraints = ("stock_batches_pkey", "stock_movements_once", "stock_reservations_open")


class ApprovalNeeded(Forbidden):
    """This is more than one person may write off; one of `approvers` has to agree with a PIN, as `approver` of the request."""

    code = "inventory.approval_needed"


class TooMuch(Invalid):
    """This is more than a level can count, or costs more than can be booked."""

    code = "inventory.too_much"
    pointer: ClassVar[str] = "/quantity"


class ReceivedInFuture(Invalid):
    """Goods cannot have been received in the future."""

    code = "inventory.received_in_future"
    pointer: ClassVar[str] = "/received_at"
