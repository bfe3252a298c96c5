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


class DiscountAboveLimit(Forbidden):
    """This discount is above what one person may give; one of `approvers` has to agree with a PIN, as `approver` of the sale."""

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


class OneCreditAccount(Invalid):
    """A sale can be bought on one credit account."""

    code = "sales.one_credit_account"
    pointer = "/tenders"


class PromptOut(Conflict):
    """An M-Pesa prompt is out or its outcome is unknown; wait for its answer."""

    code = "sales.prompt_out"
    retryable = True


class SaleNotOpen(Conflict):
    """This sale is not waiting for payment."""

    code = "sales.not_open"


class SaleLineNotFound(NotFound):
    """There is no such line in this sale."""

    code = "sales.line_not_found"


class RefundNotFound(NotFound):
    """There is no such refund in this business."""

    code = "sales.refund_not_found"


class RefundExists(Conflict):
    """A refund with this id exists already; its first request was answered."""

    code = "sales.refund_exists"
    constraints = ("refunds_pkey",)


class NotRefundable(Conflict):
    """Nothing can go back of this sale: it is not completed, or all of it went back."""

    code = "sales.not_refundable"


class RefundTooMuch(Conflict):
    """More of a line would go back than was sold and has not gone back, or been asked back, already."""

    code = "sales.refund_too_much"


class MpesaPaidLess(Refused):
    """By M-Pesa goes back what came by M-Pesa, and no more."""

    code = "sales.mpesa_paid_less"


class CreditNotePaidPart(Refused):
    """What was paid by credit note goes back as a credit note; `refundable_cents` is what may go back in money."""

    code = "sales.credit_note_paid_part"


class NothingToCredit(Refused):
    """What goes back had cost nothing, or is still owed, so there is nothing to write a credit note for."""

    code = "sales.nothing_to_credit"


class CreditNoteNotFound(NotFound):
    """There is no such credit note in this business."""

    code = "sales.credit_note_not_found"


class CreditNoteShort(Conflict):
    """There is less left on this credit note than would be spent of it."""

    code = "sales.credit_note_short"


class RefundOvertaken(Conflict):
    """This refund had failed, and what it would give back has gone back in another way since."""

    code = "sales.refund_overtaken"


class RefundNotPending(Conflict):
    """This refund is not waiting for its money to go out."""

    code = "sales.refund_not_pending"


class NotVoidable(Conflict):
    """Only a completed sale is voided, and only before anything of it went back or was asked back."""

    code = "sales.not_voidable"


class VoidTooLate(Refused):
    """A sale is voided on its own business day; after that, refund it."""

    code = "sales.void_too_late"


class VoidOfMpesa(Refused):
    """M-Pesa money cannot be handed back over the counter as it came; refund the sale instead."""

    code = "sales.void_of_mpesa"


class ReceiptNumberOfDevice(Invalid):
    """Only a registered device numbers its receipts, under its own prefix."""

    code = "sales.receipt_number_of_device"
    pointer = "/receipt_number"


class ReceiptNumberUsed(Conflict):
    """This receipt number is another sale's."""

    code = "sales.receipt_number_used"


class LineTwice(Invalid):
    """Two lines of a sale have one id."""

    code = "sales.line_twice"
    pointer = "/lines"
