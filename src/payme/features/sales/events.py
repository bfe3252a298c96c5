"""News of sales."""

from typing import ClassVar
from uuid import UUID

from payme.kit.events import Event


class SaleCompleted(Event):
    """A sale is paid in full; its stock is taken and its token charged."""

    name: ClassVar[str] = "sale.completed"
    total_cents: int
    till_id: UUID


class SaleChanged(Event):
    """A sale reached another state that is not completion."""

    name: ClassVar[str] = "sale.changed"
    status: str


class RefundRequested(Event):
    """Money goes back by a payout, which is on its way; the refund is pending until its end is heard of.

    `payment_id` is the M-Pesa payment with the customer's number. Published once for each refund.
    """

    name: ClassVar[str] = "refund.requested"
    sale_id: UUID
    method: str
    amount_cents: int
    payment_id: UUID


class RefundCompleted(Event):
    """Money and goods of a sale went back. Published once for each refund."""

    name: ClassVar[str] = "refund.completed"
    sale_id: UUID
    kind: str
    amount_cents: int


class RefundChanged(Event):
    """A refund reached another state that is not completion."""

    name: ClassVar[str] = "refund.changed"
    sale_id: UUID
    state: str
