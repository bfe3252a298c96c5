"""Faults ordered through the control API: each strikes as often as ordered, and money goes its way regardless."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx2
import pytest

from tests.contracts.simulator.conftest import Shop
from tests.simulator import CallbackReceiver, SimulatorProcess

PAYS = "254711222300"
ASKS = "254711222355"


async def test_a_hanging_push_takes_effect_while_the_client_gives_up(
    simulator: SimulatorProcess, shop: Shop, receiver: CallbackReceiver
):
    await simulator.control.fault("stkpush", "hang", seconds=90)
    with pytest.raises(httpx2.ReadTimeout):
        await shop.client.post(
            "/mpesa/stkpush/v1/processrequest",
            json=shop.push_body(PAYS),
            headers=shop.headers(),
            timeout=httpx2.Timeout(10, read=0.3),
        )
    await simulator.control.advance(3)
    assert (await receiver.next()).stk["ResultCode"] == 0
    assert len((await simulator.control.ledger())["payments"]) == 1


async def test_a_hanging_answer_comes_when_the_clock_gets_there(simulator: SimulatorProcess, shop: Shop):
    await simulator.control.fault("stkpush", "hang", seconds=90)
    waiting = asyncio.ensure_future(shop.push(ASKS))
    async with asyncio.timeout(10):
        while not await simulator.control.prompts(ASKS):
            await asyncio.sleep(0)
    await simulator.control.advance(90)
    assert (await waiting).json()["ResponseCode"] == "0"


async def test_a_refused_request_does_not_use_up_a_hang(simulator: SimulatorProcess, shop: Shop):
    await simulator.control.fault("stkpush", "hang", seconds=90)
    assert (await shop.push(Amount=0)).status_code == 400
    assert len((await simulator.control.send("GET", "/_sim/faults"))["faults"]) == 1


async def test_a_reset_connection_takes_effect_too(simulator: SimulatorProcess, shop: Shop, receiver: CallbackReceiver):
    await simulator.control.fault("stkpush", "reset")
    with pytest.raises((httpx2.RemoteProtocolError, httpx2.ReadError)):
        await shop.push(PAYS)
    await simulator.control.advance(3)
    assert (await receiver.next()).stk["ResultCode"] == 0
    assert len(await simulator.control.transcript(event="no_answer")) == 1


@pytest.mark.parametrize("status", [200, 403, 503])
async def test_html_instead_of_json(simulator: SimulatorProcess, shop: Shop, status: int):
    await simulator.control.fault("stkpush", "html", status=status)
    answer = await shop.push(ASKS)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "text/html; charset=utf-8")
    assert "Incapsula incident ID" in answer.text
    assert await simulator.control.prompts() == []


async def test_html_may_hide_that_the_push_was_accepted(simulator: SimulatorProcess, shop: Shop):
    await simulator.control.fault("stkpush", "html", after_accept=True)
    assert (await shop.push(ASKS)).status_code == 503
    assert len(await simulator.control.prompts(ASKS)) == 1


@pytest.mark.parametrize("product", ["oauth", "stkpush", "stkquery"])
@pytest.mark.parametrize(
    ("kind", "status", "part"),
    [
        ("empty_400", 400, ""),
        ("spike_429", 429, "SpikeArrestViolation"),
        ("busy", 500, "500.003.02"),
        ("empty_message", 500, '"errorMessage":""'),
    ],
)
async def test_wrong_answers_of_each_product(
    simulator: SimulatorProcess, shop: Shop, *, product: str, kind: str, status: int, part: str
):
    await simulator.control.fault(product, kind, count=2)
    calls = {"oauth": shop.authorize, "stkpush": shop.push, "stkquery": lambda: shop.query("ws_CO_1")}
    for _ in range(2):
        answer = await calls[product]()
        assert answer.status_code == status
        assert part in answer.text
        assert answer.content or not part
    assert (await shop.push(ASKS)).status_code == 200


async def test_a_killed_token_is_dead_for_good(simulator: SimulatorProcess, shop: Shop):
    await simulator.control.fault("stkpush", "killed_token")
    for _ in range(2):
        assert (await shop.push()).json()["errorCode"] == "404.001.03"
    await shop.authorize()
    assert (await shop.push()).status_code == 200


async def test_a_token_may_be_dead_on_arrival(simulator: SimulatorProcess, shop: Shop):
    await simulator.control.fault("oauth", "killed_token")
    assert (await shop.authorize()).status_code == 200
    assert (await shop.push()).json()["errorCode"] == "404.001.03"


async def test_a_lost_callback_is_recorded_as_not_sent(
    simulator: SimulatorProcess, shop: Shop, receiver: CallbackReceiver
):
    await simulator.control.fault("callback", "lost")
    checkout_id = await shop.pushed(PAYS)
    await simulator.control.advance(600)
    assert receiver.arrived == []
    (entry,) = await simulator.control.transcript(event="callback_not_sent", callback_url=shop.callback_url)
    assert entry["checkout_request_id"] == checkout_id
    assert (await shop.query(checkout_id)).json()["ResultCode"] == "0"


async def test_a_late_callback_comes_by_the_clock(simulator: SimulatorProcess, shop: Shop, receiver: CallbackReceiver):
    await simulator.control.fault("callback", "late", seconds=300)
    checkout_id = await shop.pushed(PAYS)
    await simulator.control.advance(299)
    assert receiver.arrived == []
    assert (await shop.query(checkout_id)).json()["ResultCode"] == "0"
    await simulator.control.advance(5)
    assert len(receiver.arrived) == 1


async def test_a_callback_may_come_twice(simulator: SimulatorProcess, shop: Shop, receiver: CallbackReceiver):
    await simulator.control.fault("callback", "twice")
    await shop.pushed(PAYS)
    await simulator.control.advance(3)
    assert len(receiver.arrived) == 2


async def test_a_callback_may_come_before_the_answer(
    simulator: SimulatorProcess, shop: Shop, receiver: CallbackReceiver
):
    await simulator.control.fault("callback", "before_answer")
    checkout_id = await shop.pushed(ASKS)
    assert [callback.stk["CheckoutRequestID"] for callback in receiver.arrived] == [checkout_id]


@pytest.mark.parametrize(("options", "paid"), [({"amount": 120}, 120), ({}, 299)])
async def test_another_amount_may_be_paid(
    simulator: SimulatorProcess, shop: Shop, receiver: CallbackReceiver, options: dict[str, Any], paid: int
):
    await simulator.control.fault("callback", "other_amount", **options)
    await shop.pushed(PAYS, 300)
    await simulator.control.advance(3)
    assert (await receiver.next()).items["Amount"] == paid


async def test_a_result_may_be_ordered(simulator: SimulatorProcess, shop: Shop, receiver: CallbackReceiver):
    await simulator.control.fault("stkpush", "result", code="26")
    await shop.pushed(PAYS)
    await simulator.control.advance(3)
    assert (await receiver.next()).stk["ResultCode"] == 26


async def test_a_query_may_say_something_else(simulator: SimulatorProcess, shop: Shop):
    checkout_id = await shop.pushed(PAYS)
    await simulator.control.advance(3)
    await simulator.control.fault("stkquery", "result", code="1032")
    assert [(await shop.query(checkout_id)).json()["ResultCode"] for _ in range(2)] == ["1032", "0"]


async def test_a_fault_may_be_for_one_number_only(simulator: SimulatorProcess, shop: Shop):
    await simulator.control.fault("stkpush", "busy", msisdn=ASKS)
    assert (await shop.push(PAYS)).status_code == 200
    assert (await shop.push(ASKS)).status_code == 500


async def test_faults_can_be_cancelled(simulator: SimulatorProcess, shop: Shop):
    first = await simulator.control.fault("stkpush", "busy")
    await simulator.control.fault("stkpush", "busy")
    await simulator.control.send("DELETE", f"/_sim/faults/{first['id']}")
    assert (await simulator.control.send("DELETE", "/_sim/faults"))["cancelled"] == 1
    assert (await shop.push()).status_code == 200


@pytest.mark.parametrize(
    "order",
    [
        {"product": "stkpush", "kind": "lost"},
        {"product": "callback", "kind": "html"},
        {"product": "stkpush", "kind": "result"},
        {"product": "oauth", "kind": "result", "code": "1"},
        {"product": "stkpush", "kind": "busy", "count": 0},
        {"product": "stkpush", "kind": "busy", "often": 2},
        {"product": "fuliza", "kind": "busy"},
        {"product": "confirmation", "kind": "before_answer"},
        {"product": "validation", "kind": "twice"},
        {"product": "c2bregister", "kind": "late"},
    ],
)
async def test_an_order_that_makes_no_sense_is_refused(simulator: SimulatorProcess, order: dict[str, Any]):
    answer = httpx2.post(f"{simulator.base_url}/_sim/faults", json=order, trust_env=False)
    assert answer.status_code == 422
    assert answer.json()["reasons"]
    assert (await simulator.control.send("GET", "/_sim/faults"))["faults"] == []
