"""The one error of the embedded server; its message is meant to be read by a person."""


class EmbeddedServerError(RuntimeError):
    """The embedded PostgreSQL could not do what was asked."""
