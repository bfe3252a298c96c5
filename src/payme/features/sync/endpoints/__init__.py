"""HTTP of sync: devices, rows and what became of them."""

from payme.features.sync.endpoints import commands, conflicts, devices, rows
from payme.runtime.http import Feature

feature = Feature(
    "sync",
    "Tills that sell without a network.",
    (commands.router, devices.router, devices.registering, rows.router, conflicts.router),
)
