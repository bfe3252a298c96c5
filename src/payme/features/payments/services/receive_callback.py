"""Store what Safaricom sends, as it came, and have it understood by a job."""

from collections.abc import Mapping
from typing import Final

from payme.features.payments.errors import CallbackRouteUnknown
from payme.runtime.database import UnitOfWork
from payme.runtime.events import record_callback

CALLBACK_JOB: Final = "payments.handle_callback"
_KEPT_HEADERS: Final = frozenset({"content-type", "user-agent", "businessshortcode", "x-request-id", "date"})


async def receive_callback(
    uow: UnitOfWork, token: str, *, kind: str, headers: Mapping[str, str], body: bytes, remote_address: str
) -> None:
    """Store a callback under the secret of its path. The transaction is bound to no business. Raises: CallbackRouteUnknown."""
    kept = {name: value for name, value in headers.items() if name in _KEPT_HEADERS}
    entry = await record_callback(uow, token, kind=kind, headers=kept, body=body, remote_address=remote_address)
    if entry is None:
        raise CallbackRouteUnknown
    uow.enqueue(CALLBACK_JOB, {"inbox_id": str(entry.id), "business_id": str(entry.business_id)})
