"""All groups as one class, with the few questions that need more than one setting.

Not here: reading and judging (`reading`, `rules`). Invariant: unchangeable, and nothing of a secret in its text.
"""

from payme.runtime.settings.groups import DatabaseGroup, Limits, Mpesa, Observability, Process, Secrecy

GROUPS = (Process, Observability, DatabaseGroup, Secrecy, Limits, Mpesa)


class SettingValues(Process, Observability, DatabaseGroup, Secrecy, Limits, Mpesa):
    """Every setting of one process, not judged yet."""

    def callback_base_url(self) -> str | None:
        """Return where Safaricom reaches this deployment."""
        return self.mpesa_callback_base_url or self.public_base_url

    def direct_database_url(self) -> str:
        """Return the database's URL without a transaction pooler."""
        return (self.database_direct_url or self.database_url).get_secret_value()

    def previous_encryption_keys(self) -> dict[str, str]:
        """Return older encryption keys by id, in hexadecimal."""
        if self.encryption_keys_previous is None:
            return {}
        parts = (part.strip() for part in self.encryption_keys_previous.get_secret_value().split(","))
        return dict(part.split(":", 1) for part in parts)
