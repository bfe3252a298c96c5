"""People and businesses for tests: identity's tools at the lowest cost that is allowed, and a shop with its owner.

Not a plugin; a conftest imports what it needs.
"""

from dataclasses import dataclass, field
from uuid import UUID

from pydantic import SecretStr

from payme.features.businesses import CreateBusiness, create_business
from payme.features.identity import (
    Identity,
    IdentityOptions,
    LoginGate,
    Role,
    SignUp,
    Visitor,
    add_member,
    permissions_of,
    sign_up,
)
from payme.kit.actor import Actor
from payme.kit.ids import new_id
from payme.runtime.database import Database, Wiring
from payme.runtime.security import BlindIndex, CsrfTokens, FieldCipher, Keyring, PasswordHasher, TokenSigner

SECRET = "a-secret-for-tests-and-for-nothing-else"
PASSWORD = "maji-ya-chai-2026"
_HASHER = PasswordHasher(memory_kib=19_456, iterations=2)


def make_identity(**options: object) -> Identity:
    return Identity(
        passwords=_HASHER,
        tokens=TokenSigner(SECRET),
        csrf=CsrfTokens(SECRET),
        cipher=FieldCipher(Keyring.from_hex("k1", "de" * 32, previous={})),
        index=BlindIndex(bytes.fromhex("b1" * 32)),
        gate=LoginGate(),
        options=IdentityOptions(**options),  # type: ignore[arg-type]  # the test says what it changes
    )


def identity_wiring(identity: Identity | None = None) -> Wiring:
    return Wiring(tools={Identity: identity or make_identity()})


def new_phone() -> str:
    return f"2547{new_id().int % 100_000_000:08d}"


@dataclass(frozen=True)
class Person:
    id: UUID
    phone: str
    access_token: str
    refresh_token: str

    def actor(self, *roles: str) -> Actor:
        return Actor(kind="user", id=self.id, name="Somebody", family=str(self.id), permissions=permissions_of(roles))


@dataclass(frozen=True)
class Shop:
    """A business and its owner."""

    id: UUID
    owner: Person
    database: Database
    others: dict[str, Person] = field(default_factory=dict)

    def acting(self, person: Person | None = None, *roles: str) -> Actor:
        return (person or self.owner).actor(*(roles or ("owner",)))


async def make_person(database: Database, name: str = "Wanjiku") -> Person:
    phone = new_phone()
    signed_in = await sign_up(
        database, SignUp(name=name, phone=phone, password=SecretStr(PASSWORD)), visitor=Visitor("127.0.0.1", "a test")
    )
    return Person(signed_in.user.id, phone, signed_in.access_token, signed_in.refresh_token)


async def make_shop(database: Database, name: str = "Duka") -> Shop:
    owner = await make_person(database)
    shop = Shop(new_id(), owner, database)
    await database.run(
        lambda uow: create_business(uow, CreateBusiness(name=name), owner_name="Wanjiku"),
        business_id=shop.id,
        actor=owner.actor(),
    )
    return shop


async def hire(shop: Shop, *roles: str, name: str = "Otieno") -> Person:
    person = await make_person(shop.database, name)
    await shop.database.run(
        lambda uow: add_member(uow, person.id, display_name=name, roles=[Role(role) for role in roles]),
        business_id=shop.id,
        actor=shop.acting(),
    )
    return person
