"""Every setting, typed, documented, read once and validated at start.

The variables' names stand in `.env.example` and `docs/reference/settings.md`, both generated from here.
Invariant: nothing else in the system reads the environment.
"""

from payme.runtime.settings.groups import Environment, Group, LogLevel
from payme.runtime.settings.model import GROUPS
from payme.runtime.settings.mpesa import MpesaEnvironment
from payme.runtime.settings.reading import Settings, SettingsError

__all__ = [
    "GROUPS",
    "Environment",
    "Group",
    "LogLevel",
    "MpesaEnvironment",
    "Settings",
    "SettingsError",
]
