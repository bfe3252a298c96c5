"""STK query: the many ways in which it does not say whether money moved."""

from __future__ import annotations

from tests.contracts.simulator.conftest import Shop
from tests.simulator import SimulatorProcess

PHONE = "254711222355"


async def test_in_the_first_second_the_id_is_invalid(simulator: SimulatorProcess, shop: Shop):
    checkout_id = await shop.pushed(PHONE)
    early = await shop.query(checkout_id)
    assert (early.status_code, early.json()["errorCode"]) == (400, "400.002.02")
    assert "Invalid CheckoutRequestID" in early.json()["errorMessage"]
    await simulator.control.advance(1)
    assert (await shop.query(checkout_id)).status_code == 200


async def test_an_open_prompt_is_4999_as_a_string(simulator: SimulatorProcess, shop: Shop):
    checkout_id = await shop.pushed(PHONE)
    await simulator.control.advance(2)
    answer = (await shop.query(checkout_id)).json()
    assert (answer["ResponseCode"], answer["ResultCode"]) == ("0", "4999")
    assert answer["ResponseDescription"].count("successsfully") == 1
    assert answer["CheckoutRequestID"] == checkout_id


async def test_the_older_shape_of_pending_can_be_switched_on(simulator: SimulatorProcess, shop: Shop):
    checkout_id = await shop.pushed(PHONE)
    await simulator.control.settings(pending_as_500=True)
    await simulator.control.advance(2)
    answer = await shop.query(checkout_id)
    assert (answer.status_code, answer.json()["errorMessage"]) == (500, "The transaction is being processed")


async def test_an_unknown_id_does_not_exist(shop: Shop):
    answer = await shop.query("ws_CO_22112026120000000711222399")
    assert answer.status_code == 500
    assert answer.json()["errorCode"] == "500.001.1001"
    assert answer.json()["errorMessage"] == "The transaction does not Exist"


async def test_a_malformed_id_is_invalid(shop: Shop):
    assert (await shop.query("nonsense")).json()["errorCode"] == "400.002.02"


async def test_a_query_is_signed_like_a_push(simulator: SimulatorProcess, shop: Shop):
    checkout_id = await shop.pushed(PHONE)
    await simulator.control.advance(2)
    answer = await shop.query(checkout_id, Password="bm90IGl0")
    assert (answer.status_code, answer.json()["errorMessage"]) == (500, "Wrong credentials")


async def test_five_a_minute_with_a_burst_of_one(simulator: SimulatorProcess, shop: Shop):
    await simulator.control.settings(query_limit=True)
    checkout_id = await shop.pushed(PHONE)
    await simulator.control.advance(2)
    assert (await shop.query(checkout_id)).status_code == 200
    refused = await shop.query(checkout_id)
    assert refused.status_code == 429
    assert "errorCode" not in refused.json()
    assert refused.json()["fault"]["detail"]["errorcode"] == "policies.ratelimit.SpikeArrestViolation"
    await simulator.control.advance(12)
    assert (await shop.query(checkout_id)).status_code == 200
