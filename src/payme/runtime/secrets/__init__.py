"""Where the variables come from: one port, and the sources behind it, the first that knows a variable wins.

Not here: what the variables mean (`payme.runtime.settings`). Invariant: a secret is read and not written anywhere.
"""

from payme.runtime.secrets.refresh import SecretsRefresh, Taker
from payme.runtime.secrets.sources import (
    EnvFile,
    EnvironmentFiles,
    EnvironmentVariables,
    HostingPlatform,
    SecretSource,
    gather,
    load_settings,
)

__all__ = [
    "EnvFile",
    "EnvironmentFiles",
    "EnvironmentVariables",
    "HostingPlatform",
    "SecretSource",
    "SecretsRefresh",
    "Taker",
    "gather",
    "load_settings",
]
