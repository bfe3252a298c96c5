import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import UUID

import pytest
from pydantic import SecretStr

from payme.features.businesses.services import show_me
from payme.features.identity import add_member, hash_pin, set_member_pin
from payme.features.identity.enums import Role
from payme.features.identity.errors import (
    AlreadyMember,
    ApiKeyNotFound,
    BeyondYourPower,
    InvitationNotFound,
    LastOwner,
    MemberNotFound,
    PinInvalid,
    ScopeUnknown,
)
from payme.features.identity.schemas import AcceptInvitation, ChangeMember, CreateApiKey, InvitationMade, Invite
from payme.features.identity.services.api_keys import create_api_key, list_api_keys, revoke_api_key
from payme.features.identity.services.invitations import (
    accept_invitation,
    create_invitation,
    list_invitations,
    revoke_invitation,
)
from payme.features.identity.services.members import change_member, get_member, list_members, remove_member
from payme.kit.actor import Actor
from payme.kit.time import FrozenClock, SystemClock
from payme.runtime.database import Database, PoolLimits, UnitOfWork
from tests.people import Person, Shop, hire, identity_wiring, make_person, make_shop


async def invite(shop: Shop, *roles: Role, by: Actor | None = None) -> InvitationMade:
    return await shop.database.run(
        lambda uow: create_invitation(uow, Invite(roles=list(roles), label="evening")),
        business_id=shop.id,
        actor=by or shop.acting(),
    )


async def audited(shop: Shop, action: str) -> int:
    return await shop.database.run(
        lambda uow: uow.fetchval(
            "select count(*) from audit_log where business_id = $1 and action = $2", shop.id, action
        ),
        business_id=shop.id,
    )


async def change(shop: Shop, user_id: UUID, *roles: Role, by: Actor | None = None) -> None:
    await shop.database.run(
        lambda uow: change_member(uow, user_id, command=ChangeMember(roles=list(roles))),
        business_id=shop.id,
        actor=by or shop.acting(),
    )


async def remove(shop: Shop, user_id: UUID, *, by: Actor | None = None) -> None:
    await shop.database.run(lambda uow: remove_member(uow, user_id), business_id=shop.id, actor=by or shop.acting())


async def roles_of(shop: Shop, user_id: UUID) -> list[str]:
    member = await shop.database.run(lambda uow: get_member(uow, user_id), business_id=shop.id)
    return [role.value for role in member.roles]


async def test_roles_change_with_an_audit_row_that_says_from_what_to_what(shop: Shop):
    cashier = await hire(shop, "cashier")
    await change(shop, cashier.id, Role.MANAGER)
    assert await roles_of(shop, cashier.id) == ["manager"]
    facts = await shop.database.run(
        lambda uow: uow.fetchval(
            "select facts from audit_log where subject_id = $1 and action = 'member.roles_changed'", cashier.id
        ),
        business_id=shop.id,
    )
    assert facts == {"before": ["cashier"], "after": ["manager"]}


async def test_a_removed_member_is_gone_everywhere_and_may_come_back(shop: Shop):
    cashier = await hire(shop, "cashier")
    await remove(shop, cashier.id)
    with pytest.raises(MemberNotFound):
        await roles_of(shop, cashier.id)
    assert (await show_me(shop.database, cashier.actor())).businesses == []
    listed = await shop.database.run(lambda uow: list_members(uow, after=None, limit=9), business_id=shop.id)
    assert [member.user_id for member in listed] == [shop.owner.id]
    await shop.database.run(
        lambda uow: add_member(uow, cashier.id, display_name="Back", roles=["auditor"]),
        business_id=shop.id,
        actor=shop.acting(),
    )
    assert await roles_of(shop, cashier.id) == ["auditor"]
    assert await audited(shop, "member.removed") == 1


async def test_a_business_keeps_an_owner(shop: Shop):
    with pytest.raises(LastOwner):
        await remove(shop, shop.owner.id)
    with pytest.raises(LastOwner):
        await change(shop, shop.owner.id, Role.MANAGER)
    assert await roles_of(shop, shop.owner.id) == ["owner"]
    assert await audited(shop, "member.removed") == 0


async def test_two_owners_who_remove_each_other_at_once_leave_one(shop: Shop):
    for _ in range(5):
        pair = await make_shop(shop.database)
        other = await hire(pair, "owner")
        results = await asyncio.gather(
            remove(pair, other.id), remove(pair, pair.owner.id, by=other.actor("owner")), return_exceptions=True
        )
        refused = [each for each in results if each is not None]
        assert len(refused) == 1
        assert isinstance(refused[0], (LastOwner, MemberNotFound))
        left = await shop.database.run(lambda uow: list_members(uow, after=None, limit=9), business_id=pair.id)
        assert [member.roles for member in left] == [[Role.OWNER]]


async def test_nobody_gives_or_takes_a_power_they_do_not_hold(shop: Shop):
    """A key may hold `members.manage` and little else; it must not become an owner by way of an invitation."""
    cashier = await hire(shop, "cashier")
    key = Actor(
        kind="api_key", id=cashier.id, permissions=frozenset({"members.manage", "members.read", "api_keys.manage"})
    )
    with pytest.raises(BeyondYourPower):
        await invite(shop, Role.OWNER, by=key)
    with pytest.raises(BeyondYourPower):
        await change(shop, cashier.id, Role.OWNER, by=key)
    with pytest.raises(BeyondYourPower):
        await remove(shop, shop.owner.id, by=key)
    with pytest.raises(BeyondYourPower):
        await shop.database.run(
            lambda uow: create_api_key(uow, CreateApiKey(name="K", scopes=["tokens.buy"])),
            business_id=shop.id,
            actor=key,
        )
    assert await roles_of(shop, cashier.id) == ["cashier"]
    assert await audited(shop, "invitation.created") == 0


async def test_an_invitation_makes_the_one_who_takes_it_up_a_member_once(shop: Shop):
    made = await invite(shop, Role.CASHIER, Role.AUDITOR)
    guest = await make_person(shop.database, "Achieng")
    membership = await accept_invitation(shop.database, AcceptInvitation(token=made.token), actor=guest.actor())
    assert (membership.business_id, membership.roles) == (shop.id, [Role.CASHIER, Role.AUDITOR])
    me = await show_me(shop.database, guest.actor())
    assert [each.id for each in me.businesses] == [shop.id]
    late = await make_person(shop.database)
    with pytest.raises(InvitationNotFound):
        await accept_invitation(shop.database, AcceptInvitation(token=made.token), actor=late.actor())
    listed = await shop.database.run(lambda uow: list_invitations(uow, before=None, limit=9), business_id=shop.id)
    assert [(each.id, each.accepted_by) for each in listed] == [(made.id, guest.id)]
    stored = await shop.database.run(
        lambda uow: uow.fetchval("select token_hash from invitations where id = $1", made.id), business_id=shop.id
    )
    assert made.token.encode() not in stored


async def test_of_many_who_take_up_one_invitation_at_once_one_gets_in(shop: Shop):
    made = await invite(shop, Role.CASHIER)
    guests = [await make_person(shop.database) for _ in range(6)]
    results = await asyncio.gather(
        *(accept_invitation(shop.database, AcceptInvitation(token=made.token), actor=each.actor()) for each in guests),
        return_exceptions=True,
    )
    assert sum(isinstance(each, InvitationNotFound) for each in results) == 5
    members = await shop.database.run(lambda uow: list_members(uow, after=None, limit=9), business_id=shop.id)
    assert len(members) == 2
    assert await audited(shop, "invitation.accepted") == 1


async def test_a_member_keeps_the_invitation_for_somebody_else(shop: Shop):
    made = await invite(shop, Role.MANAGER)
    with pytest.raises(AlreadyMember):
        await accept_invitation(shop.database, AcceptInvitation(token=made.token), actor=shop.owner.actor())
    assert await roles_of(shop, shop.owner.id) == ["owner"]
    guest = await make_person(shop.database)
    await accept_invitation(shop.database, AcceptInvitation(token=made.token), actor=guest.actor())


async def test_a_revoked_or_expired_invitation_lets_nobody_in(shop: Shop, owner_dsn: str):
    revoked, expired = await invite(shop, Role.CASHIER), await invite(shop, Role.CASHIER)
    guest = await make_person(shop.database)

    async def revoke() -> None:
        await shop.database.run(
            lambda uow: revoke_invitation(uow, revoked.id), business_id=shop.id, actor=shop.acting()
        )

    await revoke()
    with pytest.raises(InvitationNotFound):
        await revoke()
    with pytest.raises(InvitationNotFound):
        await accept_invitation(shop.database, AcceptInvitation(token=revoked.token), actor=guest.actor())
    clock = FrozenClock(SystemClock().now() + timedelta(days=7, seconds=1))
    later = await Database(owner_dsn, limits=PoolLimits(connections=1), clock=clock, wiring=identity_wiring()).open()
    try:
        with pytest.raises(InvitationNotFound):
            await accept_invitation(later, AcceptInvitation(token=expired.token), actor=guest.actor())
    finally:
        await later.close()
    assert (await show_me(shop.database, guest.actor())).businesses == []


@pytest.mark.parametrize("token", ["", "inv_", "inv_" + "a" * 58, "pk_test_" + "a" * 58, "\x00"])
async def test_a_token_that_is_none_finds_nothing(shop: Shop, token: str):
    with pytest.raises(InvitationNotFound):
        await accept_invitation(shop.database, AcceptInvitation(token=token), actor=shop.owner.actor())


async def test_a_key_is_shown_once_and_kept_as_a_hash(shop: Shop):
    async def create(scopes: list[str]):
        return await shop.database.run(
            lambda uow: create_api_key(uow, CreateApiKey(name="Export", scopes=scopes)),
            business_id=shop.id,
            actor=shop.acting(),
        )

    made = await create(["sales.read", "sales.read"])
    assert made.key.startswith("pk_test_")
    assert made.scopes == ["sales.read"]
    with pytest.raises(ScopeUnknown):
        await create(["sales.read", "everything"])
    listed = await shop.database.run(lambda uow: list_api_keys(uow, before=None, limit=9), business_id=shop.id)
    assert [(each.id, each.hint) for each in listed] == [(made.id, made.hint)]
    stored = await shop.database.run(
        lambda uow: uow.fetch("select * from api_keys where business_id = $1", shop.id), business_id=shop.id
    )
    assert len(stored) == 1
    assert made.key not in str(dict(stored[0]))
    assert made.key[8:-4] not in made.hint
    assert await audited(shop, "api_key.created") == 1


async def test_a_pin_is_digits_and_kept_as_a_hash(shop: Shop):
    cashier = await hire(shop, "cashier")

    async def set_pin(pin: str) -> None:
        pin_hash = await hash_pin(shop.database, SecretStr(pin))
        await shop.database.run(
            lambda uow: set_member_pin(uow, cashier.id, pin_hash=pin_hash), business_id=shop.id, actor=shop.acting()
        )

    for wrong in ("12a4", "१२३४", "123", "123456789", ""):
        with pytest.raises(PinInvalid):
            await set_pin(wrong)
    await set_pin("482916")
    row = await shop.database.run(
        lambda uow: uow.fetchrow("select * from members where user_id = $1", cashier.id), business_id=shop.id
    )
    assert row is not None
    assert row["pin_hash"].startswith("$argon2id$")
    member = await shop.database.run(lambda uow: get_member(uow, cashier.id), business_id=shop.id)
    assert (member.has_pin, member.rev) == (True, 2)


async def test_what_belongs_to_another_business_is_not_there_and_nothing_is_written(shop: Shop):
    other = await make_shop(shop.database)
    theirs: Person = await hire(other, "cashier")
    invitation = await invite(other, Role.CASHIER)
    key = await other.database.run(
        lambda uow: create_api_key(uow, CreateApiKey(name="K", scopes=["sales.read"])),
        business_id=other.id,
        actor=other.acting(),
    )

    async def in_mine(work: Callable[[UnitOfWork], Awaitable[object]]) -> object:
        return await shop.database.run(work, business_id=shop.id, actor=shop.acting())

    async def counts() -> list[int]:
        return [
            await audited(each, action)
            for each in (shop, other)
            for action in ("member.removed", "invitation.revoked", "api_key.revoked", "member.pin_set")
        ]

    before = await counts()
    with pytest.raises(MemberNotFound):
        await in_mine(lambda uow: remove_member(uow, theirs.id))
    with pytest.raises(MemberNotFound):
        await in_mine(lambda uow: change_member(uow, theirs.id, command=ChangeMember(roles=[Role.OWNER])))
    with pytest.raises(MemberNotFound):
        await in_mine(lambda uow: set_member_pin(uow, theirs.id, pin_hash="a hash"))
    with pytest.raises(InvitationNotFound):
        await in_mine(lambda uow: revoke_invitation(uow, invitation.id))
    with pytest.raises(ApiKeyNotFound):
        await in_mine(lambda uow: revoke_api_key(uow, key.id))
    assert await counts() == before
    assert await roles_of(other, theirs.id) == ["cashier"]
