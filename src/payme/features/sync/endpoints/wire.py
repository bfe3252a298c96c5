"""What every request of a device carries in its headers, and every answer to one.

`X-Sync-Protocol` (1 without it) and `X-App-Version` come in, and with what is pushed `X-Pending-Count` and `X-Oldest-Pending`: how
many commands more the device keeps, and since when; `X-Server-Time` (milliseconds) and `X-Sync-Epoch` go out.
"""

from datetime import datetime
from typing import Final
from uuid import UUID

from pydantic import TypeAdapter, ValidationError

from payme.features import identity
from payme.features.sync.errors import ProtocolUnknown
from payme.features.sync.rules.clocks import milliseconds_of
from payme.features.sync.services.senders import Sender
from payme.kit.time import Instant
from payme.runtime.database import UnitOfWork
from payme.runtime.http import Call, Response

PROTOCOL: Final = "1"
_LONGEST_VERSION: Final = 40
_MOST_DIGITS: Final = 6
_INSTANT: Final[TypeAdapter[datetime]] = TypeAdapter(Instant)


def sender_of(call: Call) -> Sender:
    """Return who sends. Raises: ProtocolUnknown."""
    headers = call.request.headers
    spoken = headers.get("x-sync-protocol", PROTOCOL)
    if spoken != PROTOCOL:
        raise ProtocolUnknown(spoken=spoken[:_LONGEST_VERSION], known=[PROTOCOL])
    version = headers.get("x-app-version", "")[:_LONGEST_VERSION]
    return Sender(
        call.database,
        call.business_id,
        call.actor,
        call.signed_in_as.device_id,
        version.encode("ascii", "replace").decode(),
        len(call.body),
    )


def queue_of(call: Call) -> tuple[int | None, datetime | None]:
    """Return how many commands more a device keeps, and when the oldest of them was made; None where it does not say."""
    headers = call.request.headers
    count = headers.get("x-pending-count", "")
    pending = int(count) if count.isascii() and count.isdigit() and len(count) <= _MOST_DIGITS else None
    try:
        oldest = _INSTANT.validate_strings(headers.get("x-oldest-pending", ""))
    except ValidationError:
        oldest = None
    return pending, oldest if pending else None


async def branch_of(uow: UnitOfWork, device_id: UUID | None) -> UUID | None:
    """Return the branch that a device sees; a person without one sees all."""
    return None if device_id is None else (await identity.get_device(uow, device_id)).branch_id


def answer(call: Call, body: str, *, epoch: int) -> Response:
    """Return an answer of sync: never cached, with the server's time in milliseconds and the epoch."""
    headers = {
        "cache-control": "no-store",
        "x-server-time": str(milliseconds_of(call.database.clock.now())),
        "x-sync-epoch": str(epoch),
    }
    return Response(body, 200, headers, "application/json")
