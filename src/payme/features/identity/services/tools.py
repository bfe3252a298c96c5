"""What identity works with: hashing, signing, encryption, the gate in front of passwords, and the lengths of things.

Wiring builds one and puts it among the tools of the database's wiring.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal

from payme.features.identity.services.login_gate import LoginGate
from payme.runtime.database import Database
from payme.runtime.security import BlindIndex, CsrfTokens, FieldCipher, PasswordHasher, TokenSigner


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityOptions:
    """How long tokens, sessions and invitations live, and which world API keys are for."""

    access_life: timedelta = timedelta(minutes=15)
    session_life: timedelta = timedelta(days=7)
    refresh_grace: timedelta = timedelta(seconds=10)
    invitation_life: timedelta = timedelta(days=7)
    cache_life: timedelta = timedelta(seconds=30)
    key_mode: Literal["test", "live"] = "test"


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """The tools of this process."""

    passwords: PasswordHasher
    tokens: TokenSigner
    csrf: CsrfTokens
    cipher: FieldCipher
    index: BlindIndex
    gate: LoginGate
    options: IdentityOptions
    pins: PasswordHasher = field(default_factory=PasswordHasher.at_least_cost)


def identity_of(database: Database) -> Identity:
    """Return the tools that a database's transactions work with."""
    tools = database.wiring.tools
    assert Identity in tools, "wiring provides no Identity"
    return tools[Identity]
