"""List sales."""

from datetime import datetime
from typing import Any
from uuid import UUID

from payme.features.sales.enums import SaleStatus
from payme.features.sales.repository import sales
from payme.features.sales.schemas.sales import SaleRow
from payme.runtime.database import UnitOfWork


async def list_sales(
    uow: UnitOfWork, after: list[Any] | None, limit: int, *, status: SaleStatus | None, since: datetime | None
) -> list[SaleRow]:
    """Return sales, newest first; `after` is the position that a cursor holds."""
    before = (datetime.fromisoformat(after[0]), UUID(after[1])) if after else None
    return await sales.list_sales(uow, limit=limit, before=before, status=status, since=since)
