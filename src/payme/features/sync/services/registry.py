"""Every collection by its name. A new one is a class and a line here."""

from collections.abc import Iterable, Mapping
from typing import Final

from payme.features.sync.errors import CollectionUnknown
from payme.features.sync.services.collections import Collection
from payme.features.sync.services.command_log import Commands
from payme.features.sync.services.people import Customers
from payme.features.sync.services.reference import PaymentMethods, Products, Settings, StockLevels
from payme.features.sync.services.shelf import Counts, Notes, Preferences, TillLayouts


def _by_name(collections: Iterable[Collection]) -> Mapping[str, Collection]:
    return {each.name: each for each in collections}


COLLECTIONS: Final = _by_name(
    (
        Products(),
        StockLevels(),
        Settings(),
        PaymentMethods(),
        Customers(),
        Commands(),
        Notes(),
        Counts(),
        TillLayouts(),
        Preferences(),
    )
)


def find_collection(name: str) -> Collection:
    """Return a collection. Raises: CollectionUnknown."""
    collection = COLLECTIONS.get(name)
    if collection is None:
        raise CollectionUnknown(collection=name)
    return collection
