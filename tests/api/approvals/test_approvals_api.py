"""Approvals over HTTP: shown, decided with a fresh proof, refused with a reason; nothing changes on a refusal."""

from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from payme.features.approvals import ApprovalKind, ApprovalView, Wanted, request_approval
from payme.features.identity import Role
from payme.features.identity.schemas import CreateApiKey
from payme.features.identity.services.api_keys import create_api_key
from payme.kit.ids import new_id
from tests.api.trade.conftest import Counter
from tests.people import PASSWORD, Person
from tests.staff import PIN, Member, hire
from tests.trade import TradingShop
from tests.unchanged import unchanged

MakeCounter = Callable[[TradingShop, Person], Counter]


async def ask(member: Member) -> ApprovalView:
    wanted = Wanted(ApprovalKind.REFUND, new_id(), 250_000, {"sale_id": "a"}, "Torn")
    return await member.shop.run(lambda uow: request_approval(uow, wanted))


def said(answer: httpx2.Response) -> tuple[int, str]:
    return answer.status_code, answer.json().get("code", "")


async def test_a_request_is_seen_and_approved_with_a_pin_or_a_password(shop: TradingShop, counter_for: MakeCounter):
    cashier, manager = await hire(shop, Role.CASHIER), await hire(shop, Role.MANAGER)
    client = counter_for(shop, manager.person)
    for proof in (PIN, PASSWORD):
        asked = await ask(cashier)
        shown = (await client.get(f"approvals/{asked.id}")).json()
        assert shown == asked.model_dump(mode="json")
        listed = (await client.get("approvals", state="requested")).json()
        assert listed["data"] == [shown]
        answer = await client.post(f"approvals/{asked.id}/approve", {"proof": proof, "note": "Seen"})
        assert answer.status_code == 200, answer.text
        assert answer.json()["state"] == "approved"
        assert answer.json()["decided_by"] == str(manager.id)
        assert (await client.post(f"approvals/{asked.id}/approve", {"proof": proof})).json() == answer.json()
        assert (await client.get("approvals", state="requested")).json()["data"] == []
    rejected = await client.post(f"approvals/{(await ask(cashier)).id}/reject", {"note": "No"})
    assert (rejected.status_code, rejected.json()["state"], rejected.json()["note"]) == (200, "rejected", "No")


async def test_pages_follow_one_another(shop: TradingShop, counter_for: MakeCounter):
    cashier, manager = await hire(shop, Role.CASHIER), await hire(shop, Role.MANAGER)
    asked = [str((await ask(cashier)).id) for _ in range(3)]
    client = counter_for(shop, manager.person)
    first = (await client.get("approvals", limit=2)).json()
    second = (await client.get("approvals", limit=2, cursor=first["next_cursor"])).json()
    assert [each["id"] for each in first["data"] + second["data"]] == asked[::-1]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"proof": "000000"}, (403, "auth.proof_wrong")),
        ({"proof": "not-the-password"}, (403, "auth.proof_wrong")),
        ({}, (422, "http.invalid")),
        ({"proof": "12"}, (422, "http.invalid")),
    ],
)
async def test_without_a_right_proof_nothing_is_decided(
    shop: TradingShop, counter_for: MakeCounter, body: dict[str, Any], expected: tuple[int, str]
):
    cashier, manager = await hire(shop, Role.CASHIER), await hire(shop, Role.MANAGER)
    asked, client = await ask(cashier), counter_for(shop, manager.person)
    async with unchanged(shop):
        assert said(await client.post(f"approvals/{asked.id}/approve", body)) == expected


async def test_guesses_close_the_gate(shop: TradingShop, counter_for: MakeCounter):
    cashier, manager = await hire(shop, Role.CASHIER), await hire(shop, Role.MANAGER)
    asked, client = await ask(cashier), counter_for(shop, manager.person)
    async with unchanged(shop):
        path = f"approvals/{asked.id}/approve"
        answers = [said(await client.post(path, {"proof": "000000"})) for _ in range(5)]
        assert answers == [(403, "auth.proof_wrong")] * 5
        closed = await client.post(path, {"proof": PIN})
        assert said(closed) == (429, "auth.too_many_failures")
        assert int(closed.headers["retry-after"]) > 0


async def test_refusals_name_what_is_wrong_and_who_could_help(
    shop: TradingShop, owner: Counter, counter_for: MakeCounter
):
    manager, cashier = await hire(shop, Role.MANAGER, "Achieng"), await hire(shop, Role.CASHIER)
    own, client = await ask(manager), counter_for(shop, manager.person)
    async with unchanged(shop):
        answer = await client.post(f"approvals/{own.id}/approve", {"proof": PIN})
        assert said(answer) == (403, "approvals.own_request")
        assert [each["display_name"] for each in answer.json()["facts"]["approvers"]] == ["Wanjiku"]
        assert said(await client.post(f"approvals/{own.id}/reject", {})) == (403, "approvals.own_request")
        for word in ("approve", "reject"):
            answer = await client.post(f"approvals/{new_id()}/{word}", {"proof": PIN})
            assert said(answer) == (404, "approvals.not_found")
        answer = await counter_for(shop, cashier.person).post(f"approvals/{own.id}/approve", {"proof": PIN})
        assert said(answer) == (403, "auth.permission_missing")
    assert (await owner.post(f"approvals/{own.id}/reject", {})).status_code == 200
    async with unchanged(shop):
        answer = await owner.post(f"approvals/{own.id}/approve", {"proof": PASSWORD})
        assert said(answer) == (409, "approvals.already_decided")


async def test_a_key_decides_nothing(shop: TradingShop, counter_for: MakeCounter):
    asked = await ask(await hire(shop, Role.CASHIER))
    command = CreateApiKey(name="Key", scopes=["approvals.decide", "sales.refund"])
    key = await shop.run(lambda uow: create_api_key(uow, command))
    client = counter_for(shop, Person(new_id(), "", key.key, ""))
    assert said(await client.get("approvals")) == (403, "auth.permission_missing"), (
        "so that the key's use is noted before"
    )
    async with unchanged(shop):
        for word in ("approve", "reject"):
            answer = await client.post(f"approvals/{asked.id}/{word}", {"proof": PIN})
            assert said(answer) == (403, "auth.person_needed")
