"""A PIN or a password shows that somebody is there; guesses close a gate of their own, and no connection is held meanwhile."""

from dataclasses import replace
from uuid import UUID

import pytest
from pydantic import SecretStr

from payme.features.identity import ProofWrong, Proven, TooManyFailures, hash_pin, prove_member, set_member_pin
from payme.features.identity.errors import MemberNotFound
from payme.features.identity.schemas import LogIn
from payme.features.identity.services.login_gate import GateOptions, LoginGate
from payme.features.identity.services.members import remove_member
from payme.features.identity.services.people import Visitor, log_in
from payme.kit.ids import new_id
from payme.runtime.database import Database
from payme.runtime.security import PasswordHasher
from tests.people import PASSWORD, Person, Shop, hire, identity_wiring, make_identity, make_shop

PIN = "482916"


class Watching(PasswordHasher):
    """Verifies, and notes how many connections were idle meanwhile."""

    def __init__(self) -> None:
        super().__init__(memory_kib=19_456, iterations=2)
        self.database: Database | None = None
        self.idle: list[int] = []

    def verify(self, password: str, stored: str | None) -> bool:
        if self.database is not None:
            self.idle.append(self.database.pool.get_idle_size())
        return super().verify(password, stored)


async def prove(shop: Shop, user_id: UUID, secret: str, *, database: Database | None = None) -> Proven:
    return await prove_member(
        database or shop.database, user_id, SecretStr(secret), business_id=shop.id, address="203.0.113.9"
    )


async def with_pin(shop: Shop) -> Person:
    person = await hire(shop, "manager")
    pin_hash = await hash_pin(shop.database, SecretStr(PIN))
    await shop.database.run(
        lambda uow: set_member_pin(uow, person.id, pin_hash=pin_hash), business_id=shop.id, actor=shop.acting()
    )
    return person


async def test_a_pin_and_a_password_prove_the_same_person(database: Database):
    shop = await make_shop(database)
    person = await with_pin(shop)
    expected = Proven(business_id=shop.id, user_id=person.id)
    assert await prove(shop, person.id, PIN) == expected
    assert await prove(shop, person.id, PASSWORD) == expected


@pytest.mark.parametrize("secret", ["482917", "4829", "maji-ya-chai-2027", ""])
async def test_another_secret_proves_nobody(database: Database, secret: str):
    shop = await make_shop(database)
    person = await with_pin(shop)
    with pytest.raises(ProofWrong):
        await prove(shop, person.id, secret)


async def test_a_pin_is_worth_something_in_its_own_business(database: Database):
    shop, other = await make_shop(database), await make_shop(database)
    person = await with_pin(shop)
    for stranger in (person.id, new_id()):
        with pytest.raises(MemberNotFound):
            await prove(other, stranger, PIN)
    plain = await hire(shop, "manager")
    with pytest.raises(ProofWrong):
        await prove(shop, plain.id, PIN)
    await database.run(lambda uow: remove_member(uow, person.id), business_id=shop.id, actor=shop.acting())
    with pytest.raises(MemberNotFound):
        await prove(shop, person.id, PIN)


async def test_guesses_close_the_gate_even_to_the_right_pin_and_leave_the_login_open(database: Database):
    shop = await make_shop(database)
    person, other = await with_pin(shop), await with_pin(shop)
    for _ in range(4):
        with pytest.raises(ProofWrong):
            await prove(shop, person.id, "000000")
    await prove(shop, person.id, PIN)
    for _ in range(5):
        with pytest.raises(ProofWrong):
            await prove(shop, person.id, "000000")
    with pytest.raises(TooManyFailures):
        await prove(shop, person.id, PIN)
    await prove(shop, other.id, PIN)
    command = LogIn(identifier=person.phone, password=SecretStr(PASSWORD))
    assert (await log_in(database, command, visitor=Visitor("203.0.113.9"))).user.id == person.id


async def test_a_failure_counts_against_the_address(owner_dsn: str, database: Database):
    shop = await make_shop(database)
    person = await with_pin(shop)
    gate = LoginGate(GateOptions(failures_per_address=1, delay_seconds=0))
    identity = replace(make_identity(), gate=gate)
    opened = await Database(owner_dsn, wiring=identity_wiring(identity)).open()
    with pytest.raises(ProofWrong):
        await prove(shop, person.id, "000000", database=opened)
    assert await gate._is_crowded("203.0.113.9")
    assert not await gate._is_crowded("203.0.113.10")
    await opened.close()


async def test_no_connection_is_held_while_a_proof_is_looked_at(owner_dsn: str, database: Database):
    shop = await make_shop(database)
    person = await with_pin(shop)
    hasher = Watching()
    opened = await Database(owner_dsn, wiring=identity_wiring(replace(make_identity(), passwords=hasher))).open()
    hasher.database = opened
    await prove(shop, person.id, PIN, database=opened)
    assert hasher.idle == [opened.limits.connections]
    await opened.close()
