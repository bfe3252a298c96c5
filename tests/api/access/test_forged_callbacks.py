"""Row 32: callbacks that Safaricom did not send for this payment: another secret finds no door, and the right one opens no other.

The secret in the path is the signature. What is let in is stored and understood as the worker would; nothing is credited that the
message's own payment was not asked for.
"""

import hashlib
from datetime import UTC, datetime

import httpx2
import pytest
import pytest_asyncio

from payme.features.payments.services.handle_callback import handle_callback
from payme.kit.time import FrozenClock
from payme.runtime.database import Database
from tests.api.access.conftest import MakeClient
from tests.fault_rows import FaultRow
from tests.payment_room import Till, a_receipt, open_till, stk_callback

pytestmark = pytest.mark.fault_row(32)
JSON = {"content-type": "application/json"}
INBOX = "select id from callback_inbox where business_id = $1 order by received_at, id"


@pytest_asyncio.fixture
async def till(database: Database, owner_dsn: str) -> Till:
    return await open_till(database, FrozenClock(datetime.now(UTC)), owner_dsn=owner_dsn)


@pytest.fixture
def safaricom(make_client: MakeClient) -> httpx2.AsyncClient:
    return make_client(None)


async def understood(till: Till) -> int:
    """Have everything understood that was let in; return how much that was."""
    ids = [row[0] for row in await till.rows(INBOX)]
    for inbox_id in ids:
        await till.run(lambda uow, inbox_id=inbox_id: handle_callback(uow, inbox_id))
    return len(ids)


WRONG = {
    "another secret": f"/d/{'0' * 64}/stk",
    "cut short": "/d/{cut}/stk",
    "a digit more": "/d/{token}0/stk",
    "in capitals": "/d/{capitals}/stk",
    "a space behind": "/d/{token}%20/stk",
    "the id of the payment": "/d/{payment}/stk",
    "what the database keeps of it": "/d/{kept}/stk",
    "of another kind": "/d/{token}/c2b",
    "beside the path": "/d/x/stk?token={token}",
    "none": "/d//stk",
    "any, as in SQL": "/d/%25/stk",
}


@pytest.mark.parametrize("kind", WRONG)
async def test_a_wrong_secret_is_404_and_stores_nothing(
    kind: str, till: Till, safaricom: httpx2.AsyncClient, row: FaultRow
):
    payment_id, token, checkout_id = await till.sent()
    kept = hashlib.sha256(token.encode()).hexdigest()
    path = WRONG[kind].format(token=token, cut=token[:-1], capitals=token.upper(), payment=payment_id, kept=kept)
    headers = {**JSON, "x-callback-token": token, "authorization": f"Bearer {token}"}
    answer = await safaricom.post(path, content=stk_callback(checkout_id), headers=headers)
    assert answer.status_code == 404, answer.text
    assert await understood(till) == 0
    assert (await till.payment(payment_id)).status == "pending"
    row.counts["refused"] += 1


async def test_the_secret_of_another_payment_pays_for_neither(till: Till, safaricom: httpx2.AsyncClient, row: FaultRow):
    """Somebody who was sent a prompt knows nothing of its secret; a leaked one still opens one payment, and asks for its prompt."""
    first, first_token, first_checkout = await till.sent(15_000)
    second, _, second_checkout = await till.sent(900_000)
    forged = stk_callback(second_checkout, amount="9000.00")
    assert (await safaricom.post(f"/d/{first_token}/stk", content=forged, headers=JSON)).status_code == 200
    assert await understood(till) == 1
    assert [(await till.payment(each)).status for each in (first, second)] == ["pending", "pending"]
    assert await till.balances() == {}
    own = stk_callback(first_checkout)
    assert (await safaricom.post(f"/d/{first_token}/stk", content=own, headers=JSON)).status_code == 200
    await understood(till)
    assert [(await till.payment(each)).status for each in (first, second)] == ["succeeded", "pending"]
    row.counts["refused"] += 1


async def test_a_callback_that_is_played_again_pays_once(till: Till, safaricom: httpx2.AsyncClient, row: FaultRow):
    payment_id, token, checkout_id = await till.sent()
    body = stk_callback(checkout_id, receipt=a_receipt())
    for _ in range(10):
        assert (await safaricom.post(f"/d/{token}/stk", content=body, headers=JSON)).status_code == 200
        await understood(till)
    assert (await till.payment(payment_id)).paid_cents == 15_000
    assert await till.balances() == {"mpesa": 15_000, "payments_held": -15_000}
    assert await till.broken(1, 5, 6) == []
    row.counts["duplicates"] += 9


async def test_a_receipt_of_another_shop_is_applied_once(
    till: Till, database: Database, owner_dsn: str, safaricom: httpx2.AsyncClient, row: FaultRow
):
    """One shop's paid message, told to the other shop's door with the other's prompt."""
    other = await open_till(database, FrozenClock(datetime.now(UTC)), owner_dsn=owner_dsn)
    mine, theirs = await till.sent(), await other.sent()
    receipt = a_receipt()
    for shop, (_, token, checkout_id) in ((till, mine), (other, theirs)):
        body = stk_callback(checkout_id, receipt=receipt)
        assert (await safaricom.post(f"/d/{token}/stk", content=body, headers=JSON)).status_code == 200
        await understood(shop)
    assert (await till.payment(mine[0])).status == "succeeded"
    assert (await other.payment(theirs[0])).status != "succeeded"
    assert await other.balances() == {}
    row.counts["refused"] += 1


@pytest.mark.parametrize("amount", ["149", "1", "0", "-150.00", "151", "1e9"])
async def test_the_right_secret_with_another_amount_credits_nothing_as_asked(
    amount: str, till: Till, safaricom: httpx2.AsyncClient, row: FaultRow
):
    payment_id, token, checkout_id = await till.sent()
    body = stk_callback(checkout_id, amount=amount)
    assert (await safaricom.post(f"/d/{token}/stk", content=body, headers=JSON)).status_code == 200
    await understood(till)
    payment = await till.payment(payment_id)
    assert (payment.status in {"pending", "unknown"}, payment.paid_cents) == (True, None)
    assert "payments_held" not in await till.balances()
    assert await till.broken(1, 5, 6) == []
    row.counts["refused"] += 1
