"""The wallet over HTTP."""

from typing import Any
from uuid import UUID

import pytest

from payme.features.ledger.rules import CHART
from payme.kit.ids import new_id
from tests.api.trade.conftest import Counter
from tests.trade import PHONE
from tests.unchanged import unchanged


async def test_the_wallet_and_what_it_was_spent_on(owner: Counter):
    wallet = (await owner.get("tokens")).json()
    assert wallet == {"balance": 30, "reserved": 0, "available": 30, "overdraft": 200, "warning": None, "top_up": None}
    await owner.shop.set_tokens(28)
    first = (await owner.get("tokens/transactions", limit=2)).json()
    assert [(row["kind"], row["quantity"]) for row in first["data"]] == [("token.test", -1)] * 2
    rest = (await owner.get("tokens/transactions", limit=2, cursor=first["next_cursor"])).json()
    assert [(row["kind"], row["quantity"]) for row in rest["data"]] == [("token.welcome", 30)]
    assert rest["has_more"] is False
    assert (await owner.get("tokens")).json()["warning"] == "low"


async def test_packages_are_open_to_everybody(owner: Counter):
    answer = await owner.http.get("http://shop.test/v1/token-packages", headers={"authorization": ""})
    assert answer.status_code == 200
    rows = answer.json()["data"] if isinstance(answer.json(), dict) else answer.json()
    assert {"quantity": 30, "price_cents": 5_000} in rows


async def test_tokens_are_bought_by_prompt_once_for_a_key(owner: Counter):
    key = str(new_id())
    answers = [await owner.post("tokens/purchases", {"package": 70, "phone": PHONE}, key=key) for _ in range(2)]
    assert [each.status_code for each in answers] == [201, 201]
    assert answers[0].content == answers[1].content
    bought = answers[0].json()
    assert (bought["quantity"], bought["price_cents"], bought["state"]) == (70, 10_000, "awaiting_payment")
    await owner.shop.paid(UUID(bought["payment_id"]), 10_000)
    assert (await owner.get("tokens")).json()["balance"] == 100


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"package": 31, "phone": PHONE}, "tokens.package_unknown"),
        ({"quantity": 30, "phone": "999"}, "payments.phone_invalid"),
        ({"phone": PHONE}, "http.invalid"),
        ({"quantity": 0, "phone": PHONE}, "http.invalid"),
    ],
)
async def test_what_cannot_be_bought(owner: Counter, body: dict[str, Any], code: str):
    async with unchanged(owner.shop):
        answer = await owner.post("tokens/purchases", body)
    assert (answer.status_code, answer.json()["code"]) == (422, code)


async def test_a_cashier_reads_the_wallet_and_buys_nothing(cashier: Counter):
    assert (await cashier.get("tokens")).status_code == 200
    async with unchanged(cashier.shop):
        answer = await cashier.post("tokens/purchases", {"package": 30, "phone": PHONE})
    assert (answer.status_code, answer.json()["code"]) == (403, "auth.permission_missing")
    assert (await cashier.get("reports/trial-balance")).status_code == 403


async def test_the_trial_balance_sums_to_zero(owner: Counter):
    balance = (await owner.get("reports/trial-balance")).json()
    assert (balance["sum_cents"], balance["sum_tokens"]) == (0, 0)
    assert {each["code"] for each in balance["accounts"]} == {code for code, _, _ in CHART}
