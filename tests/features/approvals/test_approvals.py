"""A request waits for somebody else, is decided once, and lapses; an approver at the till is somebody else too."""

import asyncio
from collections import Counter
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from payme.features.approvals import ApprovalKind, ApprovalView, Wanted, request_approval, services, verify_approver
from payme.features.approvals.errors import (
    AlreadyDecided,
    ApprovalExpired,
    ApprovalNotFound,
    MayNotApprove,
    OwnRequest,
)
from payme.features.identity import Role, permissions_of
from payme.features.identity.schemas import CreateApiKey
from payme.features.identity.services.api_keys import create_api_key
from payme.kit.actor import Actor
from payme.kit.errors import DomainError
from payme.kit.ids import new_id
from payme.kit.time import FrozenClock
from payme.runtime.database import Database
from tests.staff import Member, hire, owner_of
from tests.trade import TradingShop
from tests.unchanged import refused


def wanted(**changes: Any) -> Wanted:
    return Wanted(
        **{
            "kind": ApprovalKind.REFUND,
            "subject_id": new_id(),
            "amount_cents": 250_000,
            "document": {"a": 1},
            **changes,
        }
    )


async def ask(shop: TradingShop, **changes: Any) -> ApprovalView:
    return await shop.run(lambda uow: request_approval(uow, wanted(reason="Torn", **changes)))


async def approve(member: Member, approval_id: UUID, note: str = "") -> ApprovalView:
    return await member.shop.run(lambda uow: services.approve(uow, approval_id, proven=member.proven, note=note))


async def reject(member: Member, approval_id: UUID) -> ApprovalView:
    return await member.shop.run(lambda uow: services.reject(uow, approval_id, note="No"))


async def told(shop: TradingShop, approval_id: UUID) -> list[tuple[str, dict[str, Any]]]:
    rows = await shop.rows(
        "select name, payload from events where business_id = $1 and subject_id = $2 order by seq", approval_id
    )
    return [(name, {key: each for key, each in payload.items() if key != "subject_id"}) for name, payload in rows]


async def audited(shop: TradingShop, subject_id: UUID) -> list[tuple[Any, ...]]:
    return await shop.rows(
        "select action, actor_id from audit_log where business_id = $1 and subject_id = $2 order by id", subject_id
    )


async def test_somebody_else_agrees_and_everybody_hears(shop: TradingShop):
    cashier, manager = await hire(shop, Role.CASHIER), await hire(shop, Role.MANAGER)
    asked = await ask(cashier.shop)
    assert (asked.state, asked.requested_by, asked.expires_at - asked.requested_at) == (
        "requested",
        cashier.id,
        timedelta(hours=24),
    )
    agreed = await approve(manager, asked.id, "Seen")
    assert (agreed.state, agreed.decided_by, agreed.note, agreed.rev) == ("approved", manager.id, "Seen", 2)
    assert (agreed.document, agreed.reason, agreed.amount_cents) == ({"a": 1}, "Torn", 250_000)
    about = {"kind": "refund", "about_id": str(asked.subject_id)}
    assert await told(shop, asked.id) == [
        ("approval.requested", {**about, "amount_cents": 250_000}),
        ("approval.approved", {**about, "decided_by": str(manager.id)}),
    ]
    assert await audited(shop, asked.id) == [("approval.requested", cashier.id), ("approval.approved", manager.id)]
    assert (
        await shop.value(
            "select rev from sync_changes where business_id = $1 and collection = 'approvals' and document_id = $2",
            asked.id,
        )
        == 2
    )


async def test_the_same_word_again_changes_nothing_and_another_word_is_too_late(shop: TradingShop):
    cashier, manager, owner = await hire(shop, Role.CASHIER), await hire(shop, Role.MANAGER), await owner_of(shop)
    asked = await ask(cashier.shop)
    first = await reject(manager, asked.id)
    assert (first.state, await reject(manager, asked.id)) == ("rejected", first)
    assert [name for name, _ in await told(shop, asked.id)] == ["approval.requested", "approval.rejected"]
    for late in (reject(owner, asked.id), approve(owner, asked.id), approve(manager, asked.id)):
        refusal = await refused(shop, AlreadyDecided, lambda work=late: work)
        assert refusal.facts == {"state": "rejected"}


async def test_one_decision_is_made_however_many_decide_at_once(shop: TradingShop):
    cashier = await hire(shop, Role.CASHIER)
    managers = [await hire(shop, Role.MANAGER, f"Manager {n}") for n in range(4)]
    for _ in range(5):
        asked = await ask(cashier.shop)

        async def decide(number: int, approval_id: UUID = asked.id) -> str:
            member = managers[number % len(managers)]
            try:
                await (approve if number < 4 else reject)(member, approval_id)
            except DomainError as error:
                return error.code
            return "decided"

        found = Counter(await asyncio.gather(*(decide(number) for number in range(8))))
        assert found == {"decided": 1, AlreadyDecided.code: 7}
        assert len(await told(shop, asked.id)) == 2


async def test_nobody_decides_about_their_own_request_and_hears_who_may(shop: TradingShop):
    owner, manager = await owner_of(shop), await hire(shop, Role.MANAGER, "Achieng")
    await hire(shop, Role.CASHIER)
    asked = await ask(owner.shop)
    for decision in (approve, reject):
        refusal = await refused(shop, OwnRequest, lambda work=decision: work(owner, asked.id))
        assert refusal.facts == {"approvers": [{"user_id": str(manager.id), "display_name": "Achieng"}]}
    assert (await approve(manager, asked.id)).state == "approved"


async def test_a_single_owner_cannot_approve_with_any_proof(shop: TradingShop):
    owner = await owner_of(shop)
    asked = await ask(owner.shop)
    assert (await refused(shop, OwnRequest, lambda: approve(owner, asked.id))).facts == {"approvers": []}


async def test_a_request_made_with_a_key_is_that_of_the_keys_maker(shop: TradingShop):
    owner, manager = await owner_of(shop), await hire(shop, Role.MANAGER)

    async def key_of(actor: Actor, *scopes: str) -> Actor:
        keyed = TradingShop(shop.database, shop.business_id, actor)
        made = await keyed.run(lambda uow: create_api_key(uow, CreateApiKey(name="Key", scopes=list(scopes))))
        return Actor("api_key", made.id, "Key", f"key:{made.id}", frozenset(scopes))

    first = await key_of(owner.shop.actor, "sales.refund", "api_keys.manage")
    second = await key_of(first, "sales.refund")
    for key in (first, second):
        asked = await ask(TradingShop(shop.database, shop.business_id, key))
        assert asked.requested_by == owner.id
        await refused(shop, OwnRequest, lambda asked=asked: approve(owner, asked.id))
        assert (await approve(manager, asked.id)).decided_by == manager.id


@pytest.mark.parametrize(
    ("role", "kind"), [(Role.CASHIER, ApprovalKind.PAYOUT), (Role.ACCOUNTANT, ApprovalKind.REFUND)]
)
async def test_whoever_may_not_decide_does_not(shop: TradingShop, role: Role, kind: ApprovalKind):
    somebody, owner = await hire(shop, role), await owner_of(shop)
    asked = await ask((await hire(shop, Role.CASHIER)).shop, kind=kind)
    for decision in (approve, reject):
        refusal = await refused(shop, MayNotApprove, lambda work=decision: work(somebody, asked.id))
        assert [each["user_id"] for each in refusal.facts["approvers"]] == [str(owner.id)]


async def test_what_nobody_decides_lapses_once_and_not_early(shop: TradingShop, owner_dsn: str):
    cashier, manager = await hire(shop, Role.CASHIER), await hire(shop, Role.MANAGER)
    asked, decided = await ask(cashier.shop), await ask(cashier.shop)
    await reject(manager, decided.id)
    queue = await asyncpg.connect(owner_dsn)
    waits = await queue.fetchval(
        "select execute_after - now() from pgqueuer where entrypoint = 'approvals.expire' and position($1 in convert_from(payload, 'UTF8')) > 0",
        str(asked.id),
    )
    await queue.close()
    assert timedelta(hours=23, minutes=55) < waits <= timedelta(hours=24)
    clock = FrozenClock(asked.expires_at - timedelta(minutes=5))
    later = await Database(owner_dsn, wiring=shop.database.wiring, clock=clock).open()
    lapsing = TradingShop(later, shop.business_id, shop.actor)
    assert await lapsing.run(lambda uow: services.expire_approval(uow, asked.id)) == timedelta(minutes=5)
    clock.advance(timedelta(minutes=5))
    late = Member(manager.person, TradingShop(later, shop.business_id, manager.shop.actor))
    await refused(lapsing, ApprovalExpired, lambda: approve(late, asked.id))
    for each in (asked, asked, decided):
        assert await lapsing.run(lambda uow, of=each.id: services.expire_approval(uow, of)) is None
    await refused(lapsing, ApprovalExpired, lambda: approve(late, asked.id))
    await later.close()
    lapsed = await shop.run(lambda uow: services.get_approval(uow, asked.id))
    assert (lapsed.state, lapsed.decided_by, lapsed.decided_at) == ("expired", None, asked.expires_at)
    assert [name for name, _ in await told(shop, asked.id)] == ["approval.requested", "approval.expired"]
    assert (await shop.run(lambda uow: services.get_approval(uow, decided.id))).state == "rejected"
    assert [each[0] for each in await audited(shop, asked.id)] == ["approval.requested", "approval.expired"]


async def test_an_approver_at_the_till_is_somebody_else_who_may(shop: TradingShop):
    cashier, manager, auditor = [await hire(shop, role) for role in (Role.CASHIER, Role.MANAGER, Role.AUDITOR)]
    about = new_id()

    async def vouch(by: Member, whom: Member) -> UUID:
        return await by.shop.run(
            lambda uow: verify_approver(uow, whom.proven, kind=ApprovalKind.REFUND, subject_id=about)
        )

    await refused(shop, OwnRequest, lambda: vouch(manager, manager))
    for nobody in (auditor, cashier):
        by = cashier if nobody is auditor else manager
        await refused(shop, MayNotApprove, lambda by=by, nobody=nobody: vouch(by, nobody))
    assert await vouch(cashier, manager) == manager.id
    assert await audited(shop, about) == [("approval.given_in_place", cashier.id)]


async def test_a_proof_is_good_in_its_own_business_for_its_own_person(shop: TradingShop, other_shop: TradingShop):
    cashier, manager = await hire(shop, Role.CASHIER), await hire(shop, Role.MANAGER)
    stranger = await hire(other_shop, Role.MANAGER)
    asked = await ask(cashier.shop)
    with pytest.raises(AssertionError, match="somebody else"):
        await manager.shop.run(lambda uow: services.approve(uow, asked.id, proven=stranger.proven))
    with pytest.raises(AssertionError, match="one business"):
        await cashier.shop.run(
            lambda uow: verify_approver(uow, stranger.proven, kind=ApprovalKind.REFUND, subject_id=asked.id)
        )
    await refused(other_shop, ApprovalNotFound, lambda: approve(stranger, asked.id))


async def test_the_table_itself_wants_another_person(shop: TradingShop):
    asked = await ask((await hire(shop, Role.CASHIER)).shop)
    sql = "update approvals set state = 'approved', decided_at = now(), decided_by = requested_by where business_id = $1 and id = $2"
    with pytest.raises(Exception, match="approvals_by_another"):
        await shop.run(lambda uow: uow.execute(sql, uow.tenant, asked.id))


async def test_lists_hold_what_is_asked_for(shop: TradingShop):
    cashier, manager = await hire(shop, Role.CASHIER), await hire(shop, Role.MANAGER)
    asked = [await ask(cashier.shop) for _ in range(3)]
    await approve(manager, asked[1].id)

    async def listed(**query: Any) -> list[UUID]:
        query = {"state": None, "before": None, "limit": 10, **query}
        return [each.id for each in await shop.run(lambda uow: services.list_approvals(uow, **query))]

    newest_first = [each.id for each in reversed(asked)]
    assert await listed() == newest_first
    assert await listed(state="requested") == [asked[2].id, asked[0].id]
    assert await listed(before=asked[2].id, limit=1) == [asked[1].id]
    assert permissions_of([Role.CASHIER]).isdisjoint({"approvals.read", "approvals.decide"})
