"""What security refuses; the messages say nothing that would help a forger."""

from payme.kit.errors import PaymeError, Unauthenticated


class InvalidToken(Unauthenticated):
    """The token is not valid."""

    code = "auth.invalid_token"


class KeysMixed(PaymeError):
    """Two encryption keys go by one id, or one by two; what was encrypted since could not be read by others."""


class UnreadableField(PaymeError):
    """An encrypted value does not belong where it stands, was changed, or its key is gone."""
