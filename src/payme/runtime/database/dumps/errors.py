"""The one error of dumps; its message is meant to be read by a person and holds no row of anybody."""

from payme.kit.errors import PaymeError


class DumpError(PaymeError):
    """A dump or a restore could not be done."""
