"""News across the border of a transaction.

What happened is told onwards after the commit: stored events reach live streams and other processes. What comes in from
outside is kept as a row before anybody understands it.
"""

from payme.runtime.events.inbox import (
    InboxEntry,
    InboxItem,
    explain_ignored,
    find_route,
    handling,
    keep_as_ignored,
    list_ignored,
    open_route,
    record_callback,
)

__all__ = [
    "InboxEntry",
    "InboxItem",
    "explain_ignored",
    "find_route",
    "handling",
    "keep_as_ignored",
    "list_ignored",
    "open_route",
    "record_callback",
]
