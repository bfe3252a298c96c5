"""A payout that M-Pesa no longer tells of, over HTTP: listed, and ended by somebody else than its requester after the last question."""

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from payme.features.approvals import ApprovalApproved, ApprovalKind
from payme.features.identity import Role
from payme.features.payments.enums import Source
from payme.features.payments.repository.payouts import count_question
from payme.features.payments.rules.payouts import ASK_AFTER, News
from payme.features.payments.schemas import PayoutView, RequestPayout, ReturnMoney
from payme.features.payments.services.conclude_payout import Heard, hear
from payme.features.payments.services.place_money import Arrival, place_money
from payme.features.payments.services.request_payout import hear_of_approval, request_payout, return_money
from payme.features.payments.services.send_payout import begin_sending_payout
from payme.kit.ids import new_id
from tests.api.trade.conftest import Counter
from tests.invariants import assert_invariants
from tests.people import Person
from tests.staff import PIN, Member, hire
from tests.trade import TradingShop, new_receipt
from tests.unchanged import unchanged

MakeCounter = Callable[[TradingShop, Person], Counter]
AMOUNT = 250_000


@pytest.fixture
async def asking(shop: TradingShop) -> Member:
    return await hire(shop, Role.MANAGER)


@pytest.fixture
async def manager(shop: TradingShop, counter_for: MakeCounter) -> Counter:
    return counter_for(shop, (await hire(shop, Role.MANAGER, "Achieng")).person)


async def asked_for(member: Member) -> PayoutView:
    command = RequestPayout(amount_cents=AMOUNT, phone="0712345678", reason="Casual labour")
    return await member.shop.run(lambda uow: request_payout(uow, command))


async def in_doubt(member: Member, payout: PayoutView, *, questions: int = len(ASK_AFTER)) -> UUID:
    """Have a payout agreed to and sent, and asked about so often; nobody answers."""
    said = ApprovalApproved(subject_id=new_id(), kind=ApprovalKind.PAYOUT, about_id=payout.id, decided_by=new_id())
    await member.shop.run(lambda uow: hear_of_approval(uow, said))
    assert await member.shop.run(lambda uow: begin_sending_payout(uow, payout.id)) is not None
    await member.shop.run(lambda uow: hear(uow, payout.id, Heard(News.DOUBT, reason_code="daraja.timed_out")))
    for _ in range(questions):
        await member.shop.run(lambda uow: count_question(uow, payout.id))
    return payout.id


def said(*, left: bool, **more: Any) -> dict[str, Any]:
    return {"left": left, "note": "On the statement of Monday", "proof": PIN, **more}


async def listed(counter: Counter) -> list[str]:
    answer = await counter.get("payouts", left_to_person="true")
    return [each["id"] for each in answer.json()["data"] if each["left_to_person"]]


async def test_money_that_a_person_saw_leave_is_booked_once(shop: TradingShop, asking: Member, manager: Counter):
    payout_id = await in_doubt(asking, await asked_for(asking))
    still_asked = await in_doubt(asking, await asked_for(asking), questions=len(ASK_AFTER) - 1)
    assert await listed(manager) == [str(payout_id)]
    assert not (await manager.get(f"payouts/{still_asked}")).json()["left_to_person"]
    key, receipt = str(new_id()), new_receipt()
    body = said(left=True, mpesa_receipt_number=f" {receipt.lower()}")
    first, again = [await manager.post(f"payouts/{payout_id}/settle", body, key=key) for _ in range(2)]
    assert (first.status_code, again.content) == (200, first.content), first.text
    found = first.json()
    assert (found["state"], found["mpesa_receipt_number"], found["left_to_person"]) == ("succeeded", receipt, False)
    assert PIN not in first.text
    books = await shop.balances()
    assert (books["mpesa"], books["mpesa_paid_out"]) == (-AMOUNT, AMOUNT)
    sql = "select facts ->> 'note' from audit_log where business_id = $1 and action = 'payout.settled' and subject_id = $2"
    assert await shop.rows(sql, payout_id) == [("On the statement of Monday",)]
    assert await listed(manager) == []
    await assert_invariants(shop.database, shop.business_id)
    third = await manager.post(f"payouts/{payout_id}/settle", body)
    assert (third.status_code, third.json()["code"]) == (409, "payments.payout_not_in_doubt")


async def test_money_that_did_not_leave_can_be_claimed_again(shop: TradingShop, asking: Member, manager: Counter):
    receipt = new_receipt()
    await shop.run(lambda uow: place_money(uow, Arrival(Source.C2B, receipt, 15_000, "174379", ["174379"])))
    row = await shop.value("select id from unclaimed_money where business_id = $1")
    back = await asking.shop.run(lambda uow: return_money(uow, row, ReturnMoney(reason="Wrong till")))
    payout_id = await in_doubt(asking, back)
    answer = await manager.post(f"payouts/{payout_id}/settle", said(left=False))
    found = answer.json()
    assert (answer.status_code, found["state"], found["reason_code"]) == (200, "failed", "said_by_person"), answer.text
    assert "had not left" in found["reason_text"]
    assert await shop.value("select state from unclaimed_money where business_id = $1") == "unclaimed"
    await assert_invariants(shop.database, shop.business_id)


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"proof": "000000"}, 403, "auth.proof_wrong"),
        ({"mpesa_receipt_number": "UKM1"}, 422, "payments.receipt_invalid"),
        ({"left": False, "mpesa_receipt_number": "UKM7XK9P2Q"}, 422, "payments.no_receipt_expected"),
        ({"note": ""}, 422, "http.invalid"),
    ],
)
async def test_what_is_said_wrongly_changes_nothing(
    shop: TradingShop, asking: Member, manager: Counter, changes: dict[str, Any], status: int, code: str
):
    payout_id = await in_doubt(asking, await asked_for(asking))
    async with unchanged(shop):
        answer = await manager.post(f"payouts/{payout_id}/settle", said(left=True) | changes)
        assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text


async def test_only_somebody_else_who_may_says_it_and_not_before_the_last_question(
    shop: TradingShop, asking: Member, manager: Counter, counter_for: MakeCounter
):
    payout_id = await in_doubt(asking, await asked_for(asking))
    early = await in_doubt(asking, await asked_for(asking), questions=len(ASK_AFTER) - 1)
    waiting = (await asked_for(asking)).id
    cashier = await hire(shop, Role.CASHIER)
    async with unchanged(shop):
        for who, which, status, code in (
            (counter_for(shop, asking.person), payout_id, 403, "approvals.own_request"),
            (counter_for(shop, cashier.person), payout_id, 403, "auth.permission_missing"),
            (manager, early, 409, "payments.payout_still_asked"),
            (manager, waiting, 409, "payments.payout_not_in_doubt"),
            (manager, new_id(), 404, "payments.payout_not_found"),
        ):
            answer = await who.post(f"payouts/{which}/settle", said(left=True))
            assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text


async def test_a_code_of_another_payout_is_refused(shop: TradingShop, asking: Member, manager: Counter):
    first, second = [await in_doubt(asking, await asked_for(asking)) for _ in range(2)]
    body = said(left=True, mpesa_receipt_number=new_receipt())
    assert (await manager.post(f"payouts/{first}/settle", body)).status_code == 200
    async with unchanged(shop):
        answer = await manager.post(f"payouts/{second}/settle", body)
        assert (answer.status_code, answer.json()["code"]) == (409, "payments.receipt_used"), answer.text


async def test_of_two_who_say_the_opposite_at_once_one_is_heard(shop: TradingShop, asking: Member, manager: Counter):
    payout_id = await in_doubt(asking, await asked_for(asking))
    answers = await asyncio.gather(
        *(manager.post(f"payouts/{payout_id}/settle", said(left=bool(number % 2))) for number in range(4))
    )
    assert sorted(each.status_code for each in answers) == [200, 409, 409, 409]
    await assert_invariants(shop.database, shop.business_id)
