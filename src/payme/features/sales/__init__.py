"""Sales: carts that were paid, or are waiting to be.

    open → awaiting_payment → completed | payment_failed | cancelled | expired

A sale takes stock FIFO, charges one token and books itself in one transaction. While a prompt is out it can be neither
cancelled nor paid twice; money for a sale that cannot take it any more becomes unclaimed, never lost.
"""

from payme.features.sales.events import SaleChanged, SaleCompleted
from payme.features.sales.schemas import CreateSale, SaleView
from payme.features.sales.services.claim_money import SalesDesk
from payme.features.sales.services.create_sale import create_sale
from payme.features.sales.services.read_sale import get_sale
from payme.features.sales.services.settle_sale import add_payment, cancel_sale

__all__ = [
    "CreateSale",
    "SaleChanged",
    "SaleCompleted",
    "SaleView",
    "SalesDesk",
    "add_payment",
    "cancel_sale",
    "create_sale",
    "get_sale",
]
