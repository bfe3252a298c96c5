"""Real members of a trading shop, with PINs, who act and who show that they are there.

Not a plugin; tests import what they need.
"""

from dataclasses import dataclass
from uuid import UUID

from pydantic import SecretStr

from payme.features.approvals import Approver
from payme.features.identity import Proven, Role, add_member, hash_pin, permissions_of, set_member_pin
from payme.kit.actor import Actor
from tests.people import Person, make_person
from tests.trade import TradingShop

PIN = "482916"


@dataclass(frozen=True)
class Member:
    """Somebody of the shop; `shop` is the shop with them at the counter."""

    person: Person
    shop: TradingShop

    @property
    def id(self) -> UUID:
        return self.person.id

    @property
    def proven(self) -> Proven:
        """What their PIN is worth, without the time that a hash takes."""
        return Proven(business_id=self.shop.business_id, user_id=self.id)

    @property
    def approver(self) -> Approver:
        return Approver(user_id=self.id, pin=SecretStr(PIN))


async def hire(shop: TradingShop, role: Role, name: str = "Otieno") -> Member:
    """Make a person a member, with the PIN of these tests."""
    person = await make_person(shop.database, name)
    await shop.run(lambda uow: add_member(uow, person.id, display_name=name, roles=[role]))
    await give_pin(shop, person.id)
    return Member(person, _acting(shop, person, role))


async def owner_of(shop: TradingShop) -> Member:
    """Return the owner, with the same PIN."""
    assert shop.owner is not None
    await give_pin(shop, shop.owner.id)
    return Member(shop.owner, shop)


async def give_pin(shop: TradingShop, user_id: UUID) -> None:
    pin_hash = await hash_pin(shop.database, SecretStr(PIN))
    await shop.run(lambda uow: set_member_pin(uow, user_id, pin_hash=pin_hash))


def _acting(shop: TradingShop, person: Person, role: Role) -> TradingShop:
    actor = Actor("user", person.id, role.value, str(person.id), permissions_of([role]))
    return TradingShop(shop.database, shop.business_id, actor, shop.owner, shop.heard)
