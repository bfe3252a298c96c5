"""Sales: carts that were paid, or are waiting to be.

    open → awaiting_payment → completed | payment_failed | cancelled | expired
    completed → partly_refunded → refunded, or voided on its own business day

A sale takes stock FIFO, charges one token and books itself in one transaction. While a prompt is out it can be neither
cancelled nor paid twice; money for a sale that cannot take it any more becomes unclaimed, never lost. What goes
back of a sale is never more than was sold and paid; by M-Pesa it waits for its payout:

    RefundRequested  →  whoever sends the money calls complete_refund or fail_refund
"""

from payme.features.sales.events import RefundChanged, RefundCompleted, RefundRequested, SaleChanged, SaleCompleted
from payme.features.sales.repository.proofs import RefundDocument, SoldSale, list_refund_documents, list_sold
from payme.features.sales.rules.facts import AtTill
from payme.features.sales.schemas.refunds import RefundSale, RefundView, VoidSale
from payme.features.sales.schemas.sales import CreateSale, MpesaClaimTender, SaleView
from payme.features.sales.services.claim_money import SalesDesk
from payme.features.sales.services.create_sale import create_sale
from payme.features.sales.services.finish_refund import complete_refund, fail_refund
from payme.features.sales.services.read_refunds import list_refunds
from payme.features.sales.services.read_sale import get_sale
from payme.features.sales.services.refund_sale import refund_sale, void_sale
from payme.features.sales.services.settle_sale import add_payment, cancel_sale

__all__ = [
    "AtTill",
    "CreateSale",
    "MpesaClaimTender",
    "RefundChanged",
    "RefundCompleted",
    "RefundDocument",
    "RefundRequested",
    "RefundSale",
    "RefundView",
    "SaleChanged",
    "SaleCompleted",
    "SaleView",
    "SalesDesk",
    "SoldSale",
    "VoidSale",
    "add_payment",
    "cancel_sale",
    "complete_refund",
    "create_sale",
    "fail_refund",
    "get_sale",
    "list_refund_documents",
    "list_refunds",
    "list_sold",
    "refund_sale",
    "void_sale",
]
