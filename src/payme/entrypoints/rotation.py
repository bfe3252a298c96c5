"""Who holds keys in a process, and how each takes others while it runs.

Invariant: ciphers come first, because they alone can refuse; a process then keeps all that it had.
"""

from collections.abc import Mapping
from typing import Any

from payme.entrypoints.wiring import cursor_key, ring_of, signing_secrets
from payme.features.identity import Identity
from payme.runtime.http import Cursors
from payme.runtime.secrets import Taker
from payme.runtime.security import FieldCipher
from payme.runtime.settings import Settings


def takers_of(tools: Mapping[type[Any], Any], *ciphers: FieldCipher, cursors: Cursors | None = None) -> list[Taker]:
    """Return what takes changed keys to the tools of a process, to further ciphers, and to the cursors of its lists."""
    identity: Identity = tools[Identity]
    held: list[FieldCipher] = [tools[FieldCipher], *ciphers]

    def take_field_keys(settings: Settings) -> None:
        ring = ring_of(settings)
        for cipher in held:
            cipher.take(ring)

    def take_signing_secrets(settings: Settings) -> None:
        secret, previous = signing_secrets(settings)
        identity.tokens.take(secret, previous)
        identity.csrf.take(secret, previous)
        if cursors is not None:
            cursors.take(cursor_key(secret), cursor_key(previous) if previous else None)

    return [take_field_keys, take_signing_secrets]
