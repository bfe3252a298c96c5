"""Who somebody is and what they may do in a business, for every request; without a statement once it is known.

A token's signature, its session, memberships and keys are remembered for half a minute at most. A revocation is told to every
process in the moment it commits (channel `payme_revocations`), and the process forgets; when the line to the database was
broken, it forgets everything. Invariant: an error on the way is never a yes.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import structlog

from payme.features.identity.errors import KeyRefused, SessionEnded
from payme.features.identity.repository import api_keys, members, sessions
from payme.features.identity.repository.api_keys import KeyRow
from payme.features.identity.repository.sessions import REVOCATIONS, SessionRow
from payme.features.identity.rules import permissions_of
from payme.features.identity.services.api_keys import PREFIXES
from payme.features.identity.services.known_devices import CREDENTIAL, KnownDevices
from payme.features.identity.services.remembered import Remembered
from payme.features.identity.services.secrets import business_of
from payme.features.identity.services.tools import identity_of
from payme.kit.actor import Actor
from payme.runtime.database import Database
from payme.runtime.database.notifications import NotificationLine
from payme.runtime.http.access import Ask, Credentials, Principal, nothing
from payme.runtime.security import AccessClaims, InvalidToken, hash_token

_log = structlog.get_logger("payme.security")
_KEY_MARK = "pk_"
_FAMILY_OF_KEY = "key:"


@dataclass(frozen=True, slots=True)
class _Part:
    """What somebody is in one business."""

    name: str
    permissions: frozenset[str]


class IdentityAuthenticator:
    """The authenticator of the edge. `listen` keeps what it remembers true across processes."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._identity = identity = identity_of(database)
        life = int(identity.options.cache_life.total_seconds())
        self._tokens: Remembered[str, AccessClaims] = Remembered(life)
        self._sessions: Remembered[UUID, SessionRow | None] = Remembered(life)
        self._parts: Remembered[tuple[UUID, UUID], _Part | None] = Remembered(life)
        self._keys: Remembered[tuple[UUID, bytes], KeyRow | None] = Remembered(life)
        self._keys_by_id: dict[tuple[UUID, UUID], bytes] = {}
        self._devices = KnownDevices(database, life)
        self._line: NotificationLine | None = None
        self._kept_back = 0

    async def listen(self, dsn: str) -> None:
        """Begin to hear of revocations in other processes; the URL must reach the server without a transaction pooler."""
        self._line = NotificationLine(dsn)
        await self._line.open(REVOCATIONS, on_message=self.forget, on_gap=self.forget_all)

    async def close(self) -> None:
        """Hang up."""
        if self._line is not None:
            await self._line.close()
            self._line = None

    async def authenticate(self, credentials: Credentials, *, before_look_up: Ask = nothing) -> Principal:
        """Return whose credentials these are; `before_look_up` is asked before a key is looked for, and may refuse.

        Raises: InvalidToken, SessionEnded, KeyRefused, DeviceRefused, DeviceRevoked, and what `before_look_up` raises.
        """
        if credentials.source == "bearer" and credentials.token.startswith(_KEY_MARK):
            return await self._key_principal(credentials.token, before_look_up)
        if credentials.source == "bearer" and credentials.token.startswith(CREDENTIAL):
            return await self._devices.authenticate(credentials.token, before_look_up)
        claims = await self._tokens.get(credentials.token, self._read_token)
        now = self._database.clock.now()
        if claims.expires_at <= now:
            raise InvalidToken
        return await self._session_principal(claims, now)

    async def actor_in(self, principal: Principal, business_id: UUID) -> Actor | None:
        """Return the actor with its permissions in a business, or None where it has no part in it."""
        if principal.kind == "api_key":
            return await self._key_actor(principal, business_id)
        if principal.kind == "device":
            return self._devices.actor_in(principal, business_id)
        part = await self._parts.get((principal.id, business_id), self._find_part)
        if part is None:
            return None
        return Actor(
            kind=principal.kind, id=principal.id, name=part.name, family=principal.family, permissions=part.permissions
        )

    def forget(self, subject: str) -> None:
        """Forget a session, a member, a key or a device, as a notice names it."""
        kind, _, rest = subject.partition(":")
        try:
            ids = tuple(UUID(each) for each in rest.split(":"))
        except ValueError:
            ids = ()
        match kind, ids:
            case "session", (session_id,):
                self._sessions.forget(session_id)
            case "member", (business_id, user_id):
                self._parts.forget((user_id, business_id))
            case "key", (business_id, key_id):
                self._forget_key(business_id, key_id)
            case "device", (business_id, device_id):
                self._devices.forget(business_id, device_id)
            case _:
                self.forget_all()

    def forget_all(self) -> None:
        """Forget everything; a notice may have been missed."""
        for kept in (self._tokens, self._sessions, self._parts, self._keys):
            kept.forget_all()
        self._devices.forget_all()

    @property
    def lookups(self) -> int:
        """How often the database was asked since the start."""
        return self._sessions.lookups + self._parts.lookups + self._keys.lookups - self._kept_back

    async def _read_token(self, token: str) -> AccessClaims:
        return self._identity.tokens.read_access(token, now=self._database.clock.now())

    async def _session_principal(self, claims: AccessClaims, now: datetime) -> Principal:
        session = await self._sessions.get(claims.session_id, self._find_session)
        if session is None or session.user_id != claims.user_id or session.session_version != claims.session_version:
            raise SessionEnded
        if not session.is_open(now):
            raise SessionEnded
        family = str(session.id)
        return Principal(
            kind="user", id=session.user_id, family=family, name=session.name, session=family,
            business_id=session.opened_in, device_id=session.device_id,
        )  # fmt: skip

    async def _key_principal(self, token: str, before_look_up: Ask) -> Principal:
        business_id = business_of(token, *PREFIXES)
        if business_id is None:
            raise KeyRefused

        async def look_up(of: tuple[UUID, bytes]) -> KeyRow | None:
            self._kept_back += 1
            await before_look_up()
            self._kept_back -= 1
            return await self._use_key(of)

        digest = hash_token(token)
        key = await self._keys.get((business_id, digest), look_up)
        if key is None:
            raise KeyRefused
        self._keys_by_id[business_id, key.id] = digest
        return Principal(
            kind="api_key", id=key.id, family=f"{_FAMILY_OF_KEY}{key.id}", name=key.name, business_id=business_id
        )

    async def _key_actor(self, principal: Principal, business_id: UUID) -> Actor | None:
        digest = self._keys_by_id.get((business_id, principal.id))
        if principal.business_id != business_id or digest is None:
            return None
        key = await self._keys.get((business_id, digest), self._use_key)
        if key is None:
            return None
        return Actor(
            kind="api_key", id=key.id, name=key.name, family=principal.family, permissions=frozenset(key.scopes)
        )

    async def _find_session(self, session_id: UUID) -> SessionRow | None:
        return await self._database.run(lambda uow: sessions.find_session(uow, session_id), read_only=True)

    async def _find_part(self, key: tuple[UUID, UUID]) -> _Part | None:
        user_id, business_id = key
        member = await self._database.run(
            lambda uow: members.find_member(uow, user_id), business_id=business_id, read_only=True
        )
        return _Part(member.display_name, permissions_of(member.roles)) if member else None

    async def _use_key(self, key: tuple[UUID, bytes]) -> KeyRow | None:
        business_id, digest = key
        found = await self._database.run(
            lambda uow: api_keys.use_api_key(uow, digest, now=uow.now), business_id=business_id
        )
        if found is not None:
            _log.info("security.api_key_used", key_id=str(found.id), business_id=str(business_id))
        return found

    def _forget_key(self, business_id: UUID, key_id: UUID) -> None:
        digest = self._keys_by_id.pop((business_id, key_id), None)
        if digest is not None:
            self._keys.forget((business_id, digest))
        else:
            # It may be looked up for the first time at this very moment.
            self._keys.forget_all()
