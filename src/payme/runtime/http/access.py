"""Who may call a route: a permission in the business of the path, anybody signed in, or the public. Every route says one.

Identity implements the `Authenticator`; this room only asks. A failing check denies: nothing here turns an error into a yes.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Literal, Protocol
from uuid import UUID

from payme.kit.actor import Actor, ActorKind
from payme.kit.values import value

if TYPE_CHECKING:
    from collections.abc import Mapping


@value
class Credentials:
    """What a request brought to say who it is."""

    token: str
    source: Literal["bearer", "cookie"]


@value
class Principal:
    """Who the credentials belong to, before any business is looked at.

    `family` names the credential's family (a session, a key): rate limits and idempotency keys are counted by it.
    `session` is what a CSRF token is bound to. `business_id` is set where the credential opens one business only, `device_id`
    where it is a registered device's own or was given at one.
    """

    kind: ActorKind
    id: UUID
    family: str
    name: str = ""
    session: str = ""
    business_id: UUID | None = None
    device_id: UUID | None = None

    def as_actor(self) -> Actor:
        """Return the actor outside any business: nobody's permissions."""
        return Actor(kind=self.kind, id=self.id, name=self.name, family=self.family)


Ask = Callable[[], Awaitable[None]]


async def nothing() -> None:
    """Ask nothing."""


class Authenticator(Protocol):
    """Answers who somebody is, and what they may do in a business."""

    async def authenticate(self, credentials: Credentials, *, before_look_up: Ask) -> Principal:
        """Return whose credentials these are; `before_look_up` is asked before the database is, and may refuse.

        Raises: Unauthenticated, and what `before_look_up` raises.
        """
        ...

    async def actor_in(self, principal: Principal, business_id: UUID) -> Actor | None:
        """Return the actor with its permissions in a business, or None where the principal has no part in it."""
        ...


class CsrfGuard(Protocol):
    """Tells whether a CSRF token was made for a session."""

    def matches(self, session: str, token: str) -> bool:
        """Say whether the token belongs to the session; compares in constant time."""
        ...


@value
class Access:
    """What a route asks of its caller."""

    kind: Literal["permission", "signed_in", "public"]
    permission: str = ""

    def describe(self) -> str:
        """Return the sentence that the reference shows."""
        if self.kind == "permission":
            return f"Needs the permission `{self.permission}`."
        return "Needs a signed-in caller." if self.kind == "signed_in" else "Open to everybody."


def may(permission: str) -> Access:
    """Ask for a permission, such as `sales.create`, in the business of the path."""
    assert permission.count(".") >= 1, "a permission is dotted: feature.verb"
    return Access("permission", permission)


signed_in = Access("signed_in")
public = Access("public")


def credentials_from(headers: Mapping[str, str], cookies: Mapping[str, str], *, cookie_name: str) -> Credentials | None:
    """Return what the request brought; a bearer token makes cookies unseen."""
    authorization = headers.get("authorization")
    if authorization is not None:
        scheme, _, token = authorization.partition(" ")
        return (
            Credentials(token.strip(), "bearer")
            if scheme.lower() == "bearer" and token.strip()
            else Credentials("", "bearer")
        )
    cookie = cookies.get(cookie_name)
    return Credentials(cookie, "cookie") if cookie else None
