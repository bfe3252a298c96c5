"""Expenses over HTTP."""

from payme.kit.ids import new_id
from tests.api.trade.conftest import Counter

RENT = {"category": "rent", "amount_cents": 30_000, "method": "bank"}


async def test_an_expense_is_recorded_agreed_to_and_paid(owner: Counter, cashier: Counter):
    key = str(new_id())
    recorded = await cashier.post("expenses", RENT, key=key)
    assert (recorded.status_code, recorded.json()["tokens"]["charged"]) == (201, 1)
    assert (await cashier.post("expenses", RENT, key=key)).content == recorded.content
    path = f"expenses/{recorded.json()['id']}"
    theirs = await cashier.post(f"{path}/verify")
    assert (theirs.status_code, theirs.json()["code"]) == (403, "auth.permission_missing")
    early = await owner.post(f"{path}/pay", {})
    assert (early.status_code, early.json()["code"]) == (409, "expenses.wrong_state")
    for step, body in (("verify", None), ("approve", None), ("pay", {"reference": "CHQ 1"})):
        assert (await owner.post(f"{path}/{step}", body)).status_code == 200
    read = (await cashier.get(path)).json()
    assert (read["state"], read["paid_reference"]) == ("paid", "CHQ 1")
    assert [each["id"] for each in (await owner.get("expenses", state="paid")).json()["data"]] == [read["id"]]


async def test_refusals_have_their_codes(owner: Counter, cashier: Counter):
    shift = (await cashier.post("shifts", {"float_cents": 0})).json()
    drawn = {**RENT, "method": "cash", "shift_id": shift["id"], "amount_cents": 100_001}
    above = await cashier.post("expenses", drawn)
    assert (above.status_code, above.json()["code"]) == (403, "expenses.above_limit")
    nowhere = await cashier.post("expenses", {**drawn, "shift_id": str(new_id())})
    assert (nowhere.status_code, nowhere.json()["code"]) == (404, "shifts.not_found")
    unknown = await owner.post(f"expenses/{new_id()}/cancel", {"reason": "Twice"})
    assert (unknown.status_code, unknown.json()["code"]) == (404, "expenses.not_found")
    assert (await owner.post("expenses", {**RENT, "category": "fun"})).status_code == 422
    assert (await owner.get("expenses")).json()["data"] == []
