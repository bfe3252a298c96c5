"""Passwords, tokens, field encryption, the blind index and CSRF: everything that must be right once, in one room.

Not here: who may do what (`features.identity`) and where secrets come from (`runtime.secrets`).
Invariant: no function here logs, no error here contains a secret, and every comparison of secrets takes constant time.
"""

from payme.runtime.security.blind_index import BlindIndex
from payme.runtime.security.csrf import CsrfTokens
from payme.runtime.security.errors import InvalidToken, KeysMixed, UnreadableField
from payme.runtime.security.fields import FieldCipher, FieldPlace, row_named
from payme.runtime.security.keys import Keyring, derive_key
from payme.runtime.security.passwords import PasswordHasher
from payme.runtime.security.secret_tokens import hash_token, new_secret_token, same_secret
from payme.runtime.security.tokens import AccessClaims, RefreshClaims, TokenSigner

__all__ = [
    "AccessClaims",
    "BlindIndex",
    "CsrfTokens",
    "FieldCipher",
    "FieldPlace",
    "InvalidToken",
    "Keyring",
    "KeysMixed",
    "PasswordHasher",
    "RefreshClaims",
    "TokenSigner",
    "UnreadableField",
    "derive_key",
    "hash_token",
    "new_secret_token",
    "row_named",
    "same_secret",
]
