"""What the deployment and the business believe of money, together, and how more is asked for."""

from datetime import timedelta
from typing import Final, Literal
from uuid import UUID

from payme.features.businesses import get_business
from payme.features.payments.services.checks import MpesaRules
from payme.runtime.database import UnitOfWork

RECEIPT_JOB: Final = "payments.ask_about_receipt"


async def verify_above_cents(uow: UnitOfWork) -> int:
    """Return the amount above which a notice alone credits nothing: the stricter of the platform's limit and the shop's."""
    return min(uow.tool(MpesaRules).verify_above_cents, (await get_business(uow)).verify_above_cents)


def ask_about_receipt(
    uow: UnitOfWork, kind: Literal["claim", "unclaimed"], subject_id: UUID, *, after: timedelta
) -> None:
    """Have M-Pesa asked about the receipt of a claim, or of money in the tray, by whoever operates the short code."""
    uow.enqueue(
        RECEIPT_JOB, {"kind": kind, "subject_id": str(subject_id)}, execute_after=after,
        dedupe_key=f"{RECEIPT_JOB}:{subject_id}:{int(after.total_seconds())}",
    )  # fmt: skip
