"""What the ledger does when a business begins."""

from payme.features.businesses import BusinessCreated
from payme.features.ledger.services import open_accounts
from payme.runtime.database import UnitOfWork
from payme.runtime.jobs import Tasks

tasks = Tasks("ledger")


@tasks.within(BusinessCreated)
async def open_books(uow: UnitOfWork, _event: BusinessCreated) -> None:
    """Give a new business its accounts, in the transaction that makes it."""
    await open_accounts(uow)
