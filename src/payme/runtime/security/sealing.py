"""Streams sealed to public keys with age: whoever seals cannot read again, and whoever reads notices every changed byte.

Not here: where a stream comes from and goes to. Invariant: nothing of a sealed part is given out before that part was authenticated.
Source: the age format, version 1 (X25519 recipients, ChaCha20-Poly1305 in parts of 64 KiB); any age program can read it.
"""

import re
from collections.abc import Sequence
from typing import Any, Final, Protocol

import pyrage  # pyright: ignore[reportMissingTypeStubs] -- the library is untyped

from payme.kit.errors import PaymeError

_pyrage: Final[Any] = pyrage
_IDENTITY: Final = re.compile(r"AGE-SECRET-KEY-1[0-9A-Z]{58}")


class SealBroken(PaymeError):
    """The stream was changed, cut off, or sealed to somebody else's key."""


class Readable(Protocol):
    """What bytes come from."""

    def read(self, size: int = -1, /) -> bytes:
        """Return up to so many bytes, none at the end."""
        ...


class Writable(Protocol):
    """Where bytes go."""

    def write(self, data: bytes, /) -> int:
        """Take bytes."""
        ...


def is_recipient(text: str) -> bool:
    """Tell whether this is a public key that a stream can be sealed to."""
    try:
        _pyrage.x25519.Recipient.from_str(text)
    except _pyrage.RecipientError:
        return False
    return True


def new_identity() -> tuple[str, str]:
    """Return a new private key and its public one, each as text."""
    identity = _pyrage.x25519.Identity.generate()
    return str(identity), str(identity.to_public())


def read_identities(text: str) -> list[str]:
    """Return the private keys in a text as `age-keygen` writes it. Raises: SealBroken where there is none."""
    found = _IDENTITY.findall(text)
    if not found:
        raise SealBroken("There is no age private key in it; it looks like AGE-SECRET-KEY-1….")
    return found


def seal(source: Readable, target: Writable, recipients: Sequence[str]) -> None:
    """Seal a stream to public keys, each of which opens it alone; an error of either end passes through."""
    assert recipients, "a stream is sealed to somebody"
    keys = [_pyrage.x25519.Recipient.from_str(each) for each in recipients]
    ends = _Ends(source, target)
    ends.run(_pyrage.encrypt_io, keys, _pyrage.EncryptError)


def unseal(source: Readable, target: Writable, identities: Sequence[str]) -> None:
    """Open a sealed stream with private keys; an error of either end passes through. Raises: SealBroken."""
    keys = [_pyrage.x25519.Identity.from_str(each) for each in identities]
    ends = _Ends(source, target)
    ends.run(_pyrage.decrypt_io, keys, _pyrage.DecryptError)


class _Ends:
    """The two ends of a stream as the library wants them; it tells an error of ours as one of its own, so the first is kept."""

    def __init__(self, source: Readable, target: Writable) -> None:
        self._source, self._target = source, target
        self._error: Exception | None = None

    def run(self, work: Any, keys: Sequence[Any], refusal: type[Exception]) -> None:
        try:
            work(self, self, keys)
        except (refusal, OSError, EOFError) as error:
            if self._error is not None:
                raise self._error from None
            raise SealBroken(str(error)) from error
        if self._error is not None:
            raise self._error

    def read(self, size: int = -1, /) -> bytes:
        return self._kept(self._source.read, size)

    def write(self, data: bytes, /) -> int:
        return self._kept(self._target.write, data)

    def flush(self) -> None:
        """Do nothing; whoever opened the target closes it."""

    def _kept(self, work: Any, argument: Any) -> Any:
        try:
            return work(argument)
        except Exception as error:
            self._error = self._error or error
            raise
