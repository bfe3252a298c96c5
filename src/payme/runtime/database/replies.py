"""How long stored replies are kept, and their end. Storing and finding them belongs to the edge (`runtime.http.idempotency`).

Invariant: a reply whose key is the id of what it made stays as long as that does.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from payme.runtime.database.unit_of_work import UnitOfWork

MOST_AT_ONCE: Final = 1_000
_FORGET: Final = """
-- replies.forget
delete from idempotency_keys where business_id = $1 and (scope, key) in (
  select scope, key from idempotency_keys
  where business_id = $1 and recorded_at < $2 and response::jsonb ->> 'id' is distinct from lower(key)
  order by recorded_at limit $3)
"""


@dataclass(frozen=True, slots=True)
class ReplyKeeping:
    """How long a reply is kept for repetition; from settings."""

    keep: timedelta = timedelta(hours=24)


async def forget_replies(uow: UnitOfWork) -> int:
    """Delete the business's oldest replies that were kept long enough, so many at once; return how many."""
    before = uow.now - uow.tool(ReplyKeeping).keep
    return await uow.execute(_FORGET, uow.tenant, before, MOST_AT_ONCE)
