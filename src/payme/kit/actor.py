"""Who acts. Every unit of work knows its actor, so that every audit row does."""

from dataclasses import field
from typing import Literal
from uuid import UUID

from payme.kit.values import value

ActorKind = Literal["user", "api_key", "device", "system", "anonymous"]


@value
class Actor:
    """A person, a key, a device or the system itself.

    `family` names the credential's family (a session, a key): the scope in which an idempotency key is remembered.
    `permissions` are those held in the business at hand; the system holds all of them.
    """

    kind: ActorKind
    id: UUID
    name: str = ""
    family: str = ""
    permissions: frozenset[str] = field(default_factory=frozenset[str])

    def may(self, permission: str) -> bool:
        """Say whether the actor holds a permission in the business at hand."""
        return self.kind == "system" or permission in self.permissions


SYSTEM = Actor(kind="system", id=UUID(int=0), name="PayMe", family="system")
ANONYMOUS = Actor(kind="anonymous", id=UUID(int=0), name="", family="anonymous")
