"""What the deployment and the business allow about money, together."""

from payme.features.businesses import get_business
from payme.features.payments.services.checks import MpesaRules
from payme.runtime.database import UnitOfWork


async def verify_above_cents(uow: UnitOfWork) -> int:
    """Return the amount above which a notice alone credits nothing: the stricter of the platform's limit and the shop's."""
    return min(uow.tool(MpesaRules).verify_above_cents, (await get_business(uow)).verify_above_cents)
