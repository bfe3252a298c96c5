"""HTTP of sync: devices, and what they exchange."""

from payme.features.sync.endpoints import commands, devices
from payme.runtime.http import Feature

feature = Feature("sync", "Tills that sell without a network.", (commands.router, devices.router, devices.registering))
