"""Store what Safaricom sends, as it came, and have it understood by a job."""

import ipaddress
from collections.abc import Mapping
from typing import Final

import structlog

from payme.features.payments.errors import CallbackRouteUnknown
from payme.features.payments.services.checks import MpesaRules
from payme.runtime.database import UnitOfWork
from payme.runtime.events import record_callback

CALLBACK_JOB: Final = "payments.handle_callback"
_log = structlog.get_logger("payme.payments")
_KEPT_HEADERS: Final = frozenset(
    {"content-type", "user-agent", "businessshortcode", "x-request-id", "date", "payme-door"}
)


async def receive_callback(
    uow: UnitOfWork, token: str, *, kind: str, headers: Mapping[str, str], body: bytes, remote_address: str
) -> None:
    """Store a callback under the secret of its path, wherever it came from; an unlisted source is written to the log.

    The transaction is bound to no business. Raises: CallbackRouteUnknown.
    """
    kept = {name: value for name, value in headers.items() if name in _KEPT_HEADERS}
    entry = await record_callback(uow, token, kind=kind, headers=kept, body=body, remote_address=remote_address)
    if entry is None:
        raise CallbackRouteUnknown
    uow.enqueue(CALLBACK_JOB, {"inbox_id": str(entry.id), "business_id": str(entry.business_id)})
    if not is_listed(remote_address, uow.tool(MpesaRules).callback_sources):
        # The list may change without notice, so it warns and refuses nothing; the secret in the path is what counts.
        _log.warning("payments.callback_from_unlisted_source", inbox_id=str(entry.id), address=remote_address)


def is_listed(address: str, networks: tuple[str, ...]) -> bool:
    """Say whether an address lies in one of the networks; one that is no address lies in none."""
    try:
        source = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(source in ipaddress.ip_network(network, strict=False) for network in networks)
