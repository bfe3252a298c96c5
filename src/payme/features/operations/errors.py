"""What operators are told when a backup cannot be made or used; no API answers with it."""

from payme.kit.errors import PaymeError


class BackupError(PaymeError):
    """A backup cannot be made, read or restored; the message says why, and what to do."""
