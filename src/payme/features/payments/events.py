"""News of payments, for whoever asked for the money."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from payme.features.payments.enums import Source
from payme.kit.events import Event


class PaymentSucceeded(Event):
    """Money asked for was confirmed. Published once for each payment."""

    name: ClassVar[str] = "payment.succeeded"
    payment_id: UUID
    purpose: str
    purpose_id: UUID
    applied_cents: int
    late: bool = False


class PaymentFailed(Event):
    """Money asked for did not come. A late success may still follow."""

    name: ClassVar[str] = "payment.failed"
    payment_id: UUID
    purpose: str
    purpose_id: UUID
    reason_code: str
    expired: bool = False


class WalletPaid(Event):
    """Somebody paid the platform's paybill by hand, for a wallet. Published in the platform's business; the receipt makes it once."""

    name: ClassVar[str] = "payment.wallet_paid"
    wallet_id: UUID
    """The business whose wallet it is."""
    receipt: str
    amount_cents: int
    shortcode: str
    paid_at: datetime | None
    source: Source
    """Who says whose it is: the notice, or a person."""


class WalletOverpaid(Event):
    """More came to the platform's paybill by a prompt than it asked for, or again. Published once for each such amount."""

    name: ClassVar[str] = "payment.wallet_overpaid"
    payment_id: UUID
    purpose: str
    purpose_id: UUID
    amount_cents: int


class PaymentChanged(Event):
    """A payment reached another state that is not final, for live screens."""

    name: ClassVar[str] = "payment.changed"
    status: str


class PayoutSucceeded(Event):
    """Money left by M-Pesa. Published once for each payout."""

    name: ClassVar[str] = "payout.succeeded"
    purpose: str
    purpose_id: UUID
    amount_cents: int
    mpesa_receipt_number: str | None = None


class PayoutFailed(Event):
    """Money did not leave: M-Pesa said no, or a person did. A late success may still follow."""

    name: ClassVar[str] = "payout.failed"
    purpose: str
    purpose_id: UUID
    reason_code: str


class PayoutChanged(Event):
    """A payout reached another state that is not final, for live screens."""

    name: ClassVar[str] = "payout.changed"
    state: str
