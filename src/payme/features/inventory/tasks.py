"""What the stock room does when something happens in the catalogue, inside the transaction that makes it happen."""

from payme.features.catalog import ProductChanged, ProductCreated, ProductsImported
from payme.features.inventory.services.keep_levels import follow_product, open_level, open_levels
from payme.runtime.jobs import Tasks

tasks = Tasks("inventory")
tasks.within(ProductCreated)(open_level)
tasks.within(ProductChanged)(follow_product)
tasks.within(ProductsImported)(open_levels)
