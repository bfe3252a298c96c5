"""News that comes in from outside: kept as a row before anybody understands it. News from inside is `uow.publish`."""

from payme.runtime.events.inbox import InboxEntry, InboxItem, handling, open_route, record_callback

__all__ = ["InboxEntry", "InboxItem", "handling", "open_route", "record_callback"]
