"""All groups as one class, with the few questions that need more than one setting.

Not here: reading and judging (`reading`, `rules`). Invariant: unchangeable, and nothing of a secret in its text.
"""

from payme.runtime.settings.groups import (
    Backups,
    DatabaseGroup,
    Environment,
    Limits,
    Observability,
    Process,
    Secrecy,
)
from payme.runtime.settings.mpesa import Mpesa

GROUPS = (Process, Observability, DatabaseGroup, Backups, Secrecy, Limits, Mpesa)


class SettingValues(Process, Observability, DatabaseGroup, Backups, Secrecy, Limits, Mpesa):
    """Every setting of one process, not judged yet."""

    def callback_base_url(self) -> str | None:
        """Return where Safaricom reaches this deployment."""
        return self.mpesa_callback_base_url or self.public_base_url

    def direct_database_url(self) -> str:
        """Return the database's URL without a transaction pooler."""
        return (self.database_direct_url or self.database_url).get_secret_value()

    def dumped_database_url(self) -> str:
        """Return the database's URL as whoever dumps it connects."""
        return self.backup_database_url.get_secret_value() if self.backup_database_url else self.direct_database_url()

    def report_sample_rates(self) -> tuple[float, float]:
        """Return which share of requests and jobs is traced, and which share of those is profiled."""
        usual = 0.1 if self.app_env is Environment.PRODUCTION else 0.0
        given = (self.sentry_traces_sample_rate, self.sentry_profiles_sample_rate)
        traces, profiles = (usual if each is None else each for each in given)
        return traces, profiles

    def previous_encryption_keys(self) -> dict[str, str]:
        """Return older encryption keys by id, in hexadecimal."""
        if self.encryption_keys_previous is None:
            return {}
        parts = (part.strip() for part in self.encryption_keys_previous.get_secret_value().split(","))
        return dict(part.split(":", 1) for part in parts)
