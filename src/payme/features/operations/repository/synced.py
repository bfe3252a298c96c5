"""9. What devices read: no change lies beyond the counter, and no document is missing from the changes."""

from typing import Final

from payme.features.operations.repository.invariant import Rows, invariant
from payme.runtime.database import UnitOfWork


@invariant(9)
async def change_is_counted(uow: UnitOfWork) -> Rows:
    """No change, event or fork of an epoch has a number that the counter of its business has not reached."""
    return await uow.fetch(
        """-- operations.change_is_counted
        select f.id from (
          select document_id::text as id, seq from sync_changes where business_id = $1
          union all select id::text, seq from events where business_id = $1
          union all select 'epoch ' || epoch, fork_seq from sync_epochs where business_id = $1) f
        where f.seq > coalesce((select c.seq from sync_counters c where c.business_id = $1), 0)""",
        uow.tenant,
    )


@invariant(9)
async def document_is_in_the_changes(uow: UnitOfWork) -> Rows:
    """Each document that devices read stands among the changes, as deleted exactly where it is."""
    return await uow.fetch(
        """-- operations.document_is_in_the_changes
        select d.id from (
          select 'products' as collection, id, false as deleted from products where business_id = $1
          union all select 'customers', id, false from customers where business_id = $1
          union all select 'stock', product_id, false from stock_levels where business_id = $1
          union all select 'businesses', business_id, false from businesses where business_id = $1
          union all select collection, id, deleted from sync_documents where business_id = $1 and rev > 0) d
        left join (select * from sync_changes where business_id = $1) c
          on c.collection = d.collection and c.document_id = d.id
        where c.deleted is distinct from d.deleted""",
        uow.tenant,
    )


SYNCED: Final = (change_is_counted, document_is_in_the_changes)
