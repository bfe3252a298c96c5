"""What the stock room does when something happens elsewhere: inside the transaction that publishes it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

from payme.features.catalog import ProductChanged, ProductCreated, ProductsImported
from payme.features.inventory.services.keep_levels import follow_product, open_level, open_levels
from payme.runtime.database import UnitOfWork

REACTIONS: Final[Mapping[str, Sequence[Callable[[UnitOfWork, Any], Awaitable[None]]]]] = {
    ProductCreated.name: (open_level,),
    ProductChanged.name: (follow_product,),
    ProductsImported.name: (open_levels,),
}
