"""The one error of the embedded server; its message is meant to be read by a person."""

from payme.kit.errors import PaymeError


class EmbeddedServerError(PaymeError):
    """The embedded PostgreSQL could not do what was asked."""
