"""Orders whose end M-Pesa does not tell by itself: what is asked, what an answer decides, and what is left to a person."""

from typing import Any
from uuid import UUID

import pytest

from payme.features.payments import ConfigureMethod, configure_method
from payme.features.payments.rules.payouts import News
from payme.features.payments.schemas import ReturnMoney
from payme.features.payments.services.request_payout import return_money
from payme.features.payments.services.send_payout import PayoutErrand
from tests.features.payments.test_payouts import _ask, agree, begin, hears, lying, payout, result, tell
from tests.payment_room import OPERATED, Till, a_receipt

CONVERSATION = "AG_20261122_1"


@pytest.fixture
async def shop(shop: Till) -> Till:
    """A shop with an operator."""
    await shop.run(lambda uow: configure_method(uow, "paybill", ConfigureMethod.model_validate(OPERATED)))
    return shop


async def returning(shop: Till) -> tuple[PayoutErrand, UUID, str]:
    """Have money in the tray on its way back; return the order, the row and the receipt of what it sends back."""
    row, receipt = await lying(shop)
    back = await shop.run(lambda uow: return_money(uow, row, ReturnMoney(reason="Wrong till")))
    await agree(shop, back.id)
    return await begin(shop, back.id), row, receipt


def told_of(receipt: str, status: str, **changes: Any) -> dict[str, Any]:
    return {"TransactionStatus": status, "Amount": "150.00", "ReceiptNo": receipt} | changes


@pytest.mark.parametrize(
    ("status", "changes", "state"),
    [
        ("Reversed", {}, "succeeded"), ("Completed", {}, "unknown"), ("Declined", {}, "unknown"),
        ("Reversed", {"Amount": "149.00"}, "unknown"), ("Reversed", {"ReceiptNo": "UKM7654321"}, "unknown"),
    ],
)  # fmt: skip
async def test_of_a_reversal_without_an_answer_the_payment_is_asked_about(
    shop: Till, status: str, changes: dict[str, str], state: str
) -> None:
    errand, _, receipt = await returning(shop)
    await hears(shop, errand.payout.id, News.DOUBT)
    question = await _ask(shop, errand.payout.id)
    assert (question.question.receipt, question.question.conversation_id) == (receipt, None)
    for _ in range(2):
        await tell(shop, question.token, result(question, **told_of(receipt, status, **changes)))
    found = await payout(shop, errand.payout.id)
    # The receipt in the answer is that of the money that came, not of the money that left.
    assert (found.state, found.mpesa_receipt_number) == (state, None)
    is_back = state == "succeeded"
    assert await shop.tray() == [("no_match", 15_000, "returned" if is_back else "returning")]
    assert await shop.balances() == ({} if is_back else {"mpesa": 15_000, "mpesa_unclaimed": -15_000})
    assert await shop.broken(1, 5, 6, 7) == []
    if is_back:
        await tell(shop, errand.token, result(errand, receipt=(late := a_receipt()), ours="of-m-pesa"))
        assert (await payout(shop, errand.payout.id)).mpesa_receipt_number == late
        assert await shop.broken(1, 5, 6, 7) == []


async def test_a_result_at_the_address_of_a_reversal_decides_without_a_known_conversation(shop: Till) -> None:
    errand, _, _ = await returning(shop)
    await hears(shop, errand.payout.id, News.DOUBT)
    await tell(shop, errand.token, result(errand, ours="an-id-of-m-pesa"))
    assert (await payout(shop, errand.payout.id)).state == "succeeded"
    assert await shop.tray() == [("no_match", 15_000, "returned")]


async def test_payment_and_order_are_asked_about_in_turn(shop: Till) -> None:
    errand, _, receipt = await returning(shop)
    await hears(shop, errand.payout.id, News.ACCEPTED, conversation_id=CONVERSATION)
    asked = [(await _ask(shop, errand.payout.id)).question for _ in range(4)]
    assert [(each.receipt, each.conversation_id) for each in asked] == [(receipt, None), (None, CONVERSATION)] * 2


async def test_what_was_reversed_before_has_gone_back(shop: Till) -> None:
    errand, _, receipt = await returning(shop)
    await hears(shop, errand.payout.id, News.ACCEPTED, conversation_id=CONVERSATION)
    body = result(errand, code=1).replace(b'"ResultCode": 1', b'"ResultCode": "R000001"')
    await tell(shop, errand.token, body)
    question = await _ask(shop, errand.payout.id)
    await tell(shop, question.token, result(question, **told_of(receipt, "Reversed")))
    assert (await payout(shop, errand.payout.id)).state == "succeeded"
    assert await shop.balances() == {}
