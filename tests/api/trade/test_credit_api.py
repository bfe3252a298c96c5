"""Credit accounts over HTTP."""

from payme.kit.ids import new_id
from tests.api.trade.conftest import Counter
from tests.stock_room import make_product, receive


async def account_of(owner: Counter, limit_cents: int = 20_000) -> dict[str, object]:
    customer = (await owner.post("customers", {"name": "Achieng"})).json()
    answer = await owner.post("credit-accounts", {"customer_id": customer["id"], "limit_cents": limit_cents})
    assert answer.status_code == 201, answer.text
    return answer.json()


async def buy(counter: Counter, account: dict[str, object], quantity: int) -> tuple[int, str]:
    product = await make_product(counter.shop, price_cents=10_000)
    await receive(counter.shop, product, "10", 50_000)
    tender = {"method": "credit", "credit_account_id": account["id"], "amount_cents": quantity * 10_000}
    body = {"customer_id": account["customer_id"], "tenders": [tender]}
    answer = await counter.post("sales", {**body, "lines": [{"product_id": str(product), "quantity": str(quantity)}]})
    return answer.status_code, answer.json().get("code", "")


async def test_somebody_buys_on_credit_and_repays(owner: Counter, cashier: Counter):
    account = await account_of(owner)
    path = f"credit-accounts/{account['id']}"
    assert await buy(cashier, account, 2) == (201, "")
    assert await buy(cashier, account, 1) == (409, "credit.limit_exceeded")
    key = str(new_id())
    paid = await cashier.post(f"{path}/repayments", {"amount_cents": 5_000}, key=key)
    assert (paid.status_code, paid.json()["tokens"]["charged"]) == (201, 1)
    again = await cashier.post(f"{path}/repayments", {"amount_cents": 5_000}, key=key)
    assert again.content == paid.content
    more = await cashier.post(f"{path}/repayments", {"amount_cents": 15_001})
    assert (more.status_code, more.json()["code"]) == (409, "credit.more_than_owed")
    statement = (await owner.get(f"{path}/statement")).json()
    assert (statement["closing_cents"], statement["open_charges"][0]["left_cents"]) == (15_000, 15_000)
    assert [each["id"] for each in (await owner.get("credit-accounts", only_owing="true")).json()["data"]] == [
        account["id"]
    ]


async def test_limits_are_the_managers(owner: Counter, cashier: Counter):
    account = await account_of(owner)
    path = f"credit-accounts/{account['id']}"
    tag = (await cashier.get(path)).headers["etag"]
    theirs = await cashier.http.patch(path, json={"limit_cents": 1}, headers={"if-match": tag})
    assert (theirs.status_code, theirs.json()["code"]) == (403, "auth.permission_missing")
    assert (await owner.http.patch(path, json={"limit_cents": 1})).status_code == 428
    changed = await owner.http.patch(path, json={"limit_cents": 30_000}, headers={"if-match": tag})
    assert (changed.status_code, changed.json()["available_cents"]) == (200, 30_000)
    assert (await owner.http.patch(path, json={"limit_cents": 1}, headers={"if-match": tag})).status_code == 412
    twice = await owner.post("credit-accounts", {"customer_id": account["customer_id"], "limit_cents": 1})
    assert (twice.status_code, twice.json()["code"]) == (409, "credit.exists")
    assert (await owner.get(path)).json()["limit_cents"] == 30_000


async def test_a_debt_is_repaid_by_a_prompt(owner: Counter, cashier: Counter):
    account = await account_of(owner)
    path = f"credit-accounts/{account['id']}"
    await buy(cashier, account, 1)
    wanted = {"amount_cents": 5_000, "method": "mpesa_stk", "phone": "0712345600"}
    asked = await cashier.post(f"{path}/repayments", wanted)
    assert (asked.status_code, asked.json()["state"]) == (201, "awaiting_payment")
    twice = await cashier.post(f"{path}/repayments", wanted)
    assert (twice.status_code, twice.json()["code"]) == (409, "payments.prompt_open")
    nobody = await cashier.post(f"{path}/repayments", {"amount_cents": 5_000, "method": "mpesa_stk"})
    assert (nobody.status_code, nobody.json()["code"]) == (422, "payments.phone_invalid")
    payment_id = asked.json()["payment_id"]
    await cashier.shop.paid(payment_id, 5_000)
    assert (await owner.get(path)).json()["balance_cents"] == 5_000
    undo = f"{path}/repayments/{payment_id}/take-back"
    theirs = await cashier.post(undo, {"reason": "Not hers"})
    assert (theirs.status_code, theirs.json()["code"]) == (403, "auth.permission_missing")
    back = await owner.post(undo, {"reason": "Not hers"})
    assert (back.status_code, back.json()["balance_cents"]) == (200, 10_000)
    ((row,),) = await owner.shop.rows("select id from unclaimed_money where business_id = $1")
    claimed = await cashier.post(f"{path}/claims", {"unclaimed_id": str(row)})
    assert (claimed.status_code, claimed.json()["amount_cents"]) == (201, 5_000)
    assert (await owner.get(path)).json()["balance_cents"] == 5_000
