"""Hold a business against what must hold, whatever happened."""

from payme.features.operations.repository.invariants import BUSINESS, Finding, find_violations
from payme.runtime.database import UnitOfWork


async def check_invariants(uow: UnitOfWork) -> list[Finding]:
    """Return a finding for every invariant of the business at hand, with its count of violations; reads only."""
    return [await find_violations(uow, invariant) for invariant in BUSINESS]
