"""Every collection by its name. A new one is a class and a line here."""

from collections.abc import Iterable, Mapping
from typing import Final

from payme.features.sync.errors import CollectionForbidden, CollectionUnknown
from payme.features.sync.services.collections import Collection
from payme.features.sync.services.reference import PaymentMethods, Products, Settings, StockLevels
from payme.features.sync.services.shelf import Counts, Notes, Preferences, TillLayouts
from payme.kit.actor import Actor


def _by_name(collections: Iterable[Collection]) -> Mapping[str, Collection]:
    return {each.name: each for each in collections}


COLLECTIONS: Final = _by_name(
    (Products(), StockLevels(), Settings(), PaymentMethods(), Notes(), Counts(), TillLayouts(), Preferences())
)


def find_collection(name: str, *, actor: Actor) -> Collection:
    """Return a collection that the actor may read. Raises: CollectionUnknown, CollectionForbidden."""
    collection = COLLECTIONS.get(name)
    if collection is None:
        raise CollectionUnknown(collection=name)
    if not actor.may(collection.reads):
        raise CollectionForbidden(collection=name)
    return collection


def seen_by(actor: Actor) -> list[Collection]:
    """Return the collections that the actor may read, in their order."""
    return [each for each in COLLECTIONS.values() if actor.may(each.reads)]
