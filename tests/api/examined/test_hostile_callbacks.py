"""Hostile bodies at the door for Safaricom: kept as they came, and nothing is credited but by the sound one among them, once."""

import json
from uuid import UUID

import pytest

from payme.features.payments.services.handle_callback import handle_callback
from payme.kit.ids import new_id
from payme.runtime.events import open_route
from tests.api.access.test_every_route import OPERATIONS
from tests.api.examined.asking import asking
from tests.api.examined.conftest import Place
from tests.api.examined.hostile import VALUES, spoiled
from tests.fault_rows import FaultRow
from tests.invariants import assert_invariants
from tests.payment_room import a_receipt

LONGEST = 64 << 10
RECEIPT, LOOKS_LIKE_ONE = a_receipt(), "2147483648"
BODY = {
    "Body": {
        "stkCallback": {
            "MerchantRequestID": "2654-4b64-97ff",
            "CheckoutRequestID": "ws_CO_1",
            "ResultCode": 0,
            "ResultDesc": "The service request is processed successfully.",
            "CallbackMetadata": {
                "Item": [
                    {"Name": "Amount", "Value": 100.0},
                    {"Name": "MpesaReceiptNumber", "Value": RECEIPT},
                    {"Name": "PhoneNumber", "Value": 254712345678},
                ]
            },
        }
    }
}
SPOTS = [
    ("Body", "stkCallback"),
    ("Body", "stkCallback", "ResultCode"),
    ("Body", "stkCallback", "CheckoutRequestID"),
    ("Body", "stkCallback", "ResultDesc"),
    ("Body", "stkCallback", "CallbackMetadata"),
    ("Body", "stkCallback", "CallbackMetadata", "Item", 0, "Value"),
    ("Body", "stkCallback", "CallbackMetadata", "Item", 1, "Value"),
    ("Body", "stkCallback", "CallbackMetadata", "Item", 2),
]


async def prompt_of(place: Place) -> UUID:
    """Ask a phone for money, and return the payment."""
    body = {
        "lines": [{"product_id": str(place.things.product_id), "quantity": "1"}],
        "tenders": [{"method": "mpesa_stk", "amount_cents": 10_000, "phone": "0712345678"}],
    }
    async with place.client() as client:
        url, headers = f"/v1/businesses/{place.shop.id}/sales", {"idempotency-key": str(new_id())}
        answer = await client.post(url, json=body, headers=headers)
    assert answer.status_code == 201, answer.text
    return UUID(answer.json()["payments"][0]["id"])


@pytest.mark.fault_row(31)
async def test_a_hostile_callback_is_kept_as_it_came_and_credits_its_receipt_once(place: Place, row: FaultRow):
    (operation,) = (each for each in OPERATIONS if each.name == "callbacks_stk")
    payment_id, shop = await prompt_of(place), place.shop.id
    token = await place.database.run(lambda uow: open_route(uow, kind="stk", subject_id=payment_id), business_id=shop)
    bodies = [*VALUES.values(), *(spoiled(BODY, spot, value) for spot in SPOTS for value in VALUES.values())]
    hostile = row.rng.sample(bodies, FaultRow.size(len(bodies) // 10, len(bodies)))
    bodies = [*hostile, json.dumps(BODY).encode()]
    async with place.client() as client:
        examiner = await asking(place, client, row)
        for body in bodies:
            answer = await examiner.ask(operation, repr(body[:30]), path=f"/d/{token}/stk", content=body)
            assert answer.status_code == (200 if len(body) <= LONGEST else 413)
    assert examiner.faults == []
    kept = await place.witness.connection.fetch("select id, body from callback_inbox where subject_id = $1", payment_id)
    assert sorted(each["body"] for each in kept) == sorted(body for body in bodies if len(body) <= LONGEST)
    for each in kept:
        await place.database.run(lambda uow, id_=each["id"]: handle_callback(uow, id_), business_id=shop)
    states = "select distinct state from callback_inbox where subject_id = $1"
    assert {each[0] for each in await place.witness.connection.fetch(states, payment_id)} <= {
        "malformed",
        "handled",
        "ignored",
    }
    money = "select mpesa_receipt_number from mpesa_receipts where business_id = $1 and applied_to = 'payment'"
    credited = {each[0] for each in await place.witness.connection.fetch(money, shop)}
    assert credited, "the sound one among them pays"
    assert credited <= {RECEIPT, LOOKS_LIKE_ONE}
    await assert_invariants(place.database, shop)


@pytest.mark.fault_row(31)
async def test_a_door_that_does_not_exist_is_not_found(place: Place, row: FaultRow):
    (operation,) = (each for each in OPERATIONS if each.name == "callbacks_stk")
    async with place.client() as client:
        examiner = await asking(place, client, row)
        for token in ("%00", "%ff", "a" * 5_000, "%F0%9F%A5%AC", "'", "%2e%2e%2f", "0" * 64):
            answer = await examiner.ask(operation, token, path=f"/d/{token}/stk", content=b"{}")
            assert answer.status_code in {400, 404}, token
    assert examiner.faults == []
