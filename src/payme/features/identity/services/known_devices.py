"""Which device a credential belongs to, remembered for a short while; a revoked one is told so, whatever it asks for.

Invariant: a device by itself may exchange documents and nothing else; what it does for a person is judged by the person.
"""

from uuid import UUID

from payme.features.identity.errors import DeviceRefused, DeviceRevoked
from payme.features.identity.repository import devices
from payme.features.identity.repository.devices import DeviceKey
from payme.features.identity.rules import OF_DEVICE
from payme.features.identity.services.devices import CREDENTIAL
from payme.features.identity.services.remembered import Remembered
from payme.features.identity.services.secrets import business_of
from payme.kit.actor import Actor
from payme.runtime.database import Database
from payme.runtime.http.access import Ask, Principal
from payme.runtime.security import hash_token

__all__ = ["CREDENTIAL", "KnownDevices"]


class KnownDevices:
    """The devices that called lately, by the hash of what they called with."""

    def __init__(self, database: Database, life_seconds: int) -> None:
        self._database = database
        self._known: Remembered[tuple[UUID, bytes], DeviceKey | None] = Remembered(life_seconds)
        self._digests: dict[tuple[UUID, UUID], set[bytes]] = {}

    async def authenticate(self, token: str, before_look_up: Ask) -> Principal:
        """Return which device calls. Raises: DeviceRefused, DeviceRevoked, and what `before_look_up` raises."""
        business_id = business_of(token, CREDENTIAL)
        if business_id is None:
            raise DeviceRefused

        async def look_up(of: tuple[UUID, bytes]) -> DeviceKey | None:
            await before_look_up()
            return await self._database.run(lambda uow: devices.use_credential(uow, of[1]), business_id=of[0])

        digest = hash_token(token)
        device = await self._known.get((business_id, digest), look_up)
        if device is None:
            raise DeviceRefused
        self._digests.setdefault((business_id, device.id), set()).add(digest)
        if device.is_revoked:
            raise DeviceRevoked(device_id=device.id)
        return Principal(
            kind="device", id=device.id, family=f"device:{device.id}", name=device.name, business_id=business_id,
            device_id=device.id,
        )  # fmt: skip

    def actor_in(self, principal: Principal, business_id: UUID) -> Actor | None:
        """Return the device as an actor in its own business, or None in any other."""
        if principal.business_id != business_id:
            return None
        return Actor("device", principal.id, principal.name, principal.family, OF_DEVICE)

    def forget(self, business_id: UUID, device_id: UUID) -> None:
        """Forget a device; where it is not known yet, it may be looked up at this very moment."""
        digests = self._digests.pop((business_id, device_id), None)
        if digests is None:
            self._known.forget_all()
            return
        for digest in digests:
            self._known.forget((business_id, digest))

    def forget_all(self) -> None:
        """Forget every device."""
        self._known.forget_all()
