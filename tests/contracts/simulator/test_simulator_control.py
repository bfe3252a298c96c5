"""Clock, seed, transcript, settings and the process itself."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest

from tests.contracts.simulator.conftest import NOON, PASSKEY_174379, SEED, Shop
from tests.simulator import CallbackReceiver, SimulatorProcess

PAYS = "254711222300"


async def one_run(simulator: SimulatorProcess, shop: Shop, seed: int) -> list[dict[str, Any]]:
    await simulator.control.reset(seed=seed, now=NOON, frozen=True)
    await shop.authorize()
    await shop.pushed(PAYS)
    await shop.pushed("254711222342")
    await simulator.control.advance(600)
    return await simulator.control.transcript()


async def test_equal_seeds_give_equal_runs(simulator: SimulatorProcess, shop: Shop):
    first, second = [await one_run(simulator, shop, 11) for _ in range(2)]
    assert json.dumps(first) == json.dumps(second)
    assert [entry for entry in first if entry["event"] == "callback_sent"]


async def test_other_seeds_give_other_runs(simulator: SimulatorProcess, shop: Shop):
    receipts = set[str]()
    for seed in (11, 12):
        await one_run(simulator, shop, seed)
        receipts |= {payment["receipt"] for payment in (await simulator.control.ledger())["payments"]}
    assert len(receipts) == 4


async def test_the_same_seed_on_another_day_gives_other_receipts(simulator: SimulatorProcess, shop: Shop):
    tails = set[str]()
    for day in range(2):
        await simulator.control.reset(seed=11, now=NOON + timedelta(days=day), frozen=True)
        await shop.authorize()
        await shop.pushed(PAYS)
        await simulator.control.advance(3)
        tails |= {payment["receipt"][3:] for payment in (await simulator.control.ledger())["payments"]}
    assert len(tails) == 2


async def test_the_clock_advances_and_can_be_set_ahead(simulator: SimulatorProcess):
    moved = await simulator.control.advance(90)
    assert datetime.fromisoformat(moved["now"]) == NOON + timedelta(seconds=90)
    tomorrow = NOON + timedelta(days=1)
    moved = await simulator.control.send("POST", "/_sim/clock", {"set": tomorrow.isoformat()})
    assert datetime.fromisoformat(moved["now"]) == tomorrow
    assert moved["nairobi"].startswith("2026-11-23T12:00")


async def test_the_clock_never_goes_back(simulator: SimulatorProcess):
    await simulator.control.send("POST", "/_sim/clock", {"set": "2020-01-01T00:00:00Z"})
    shown = await simulator.control.send("GET", "/_sim/clock")
    assert datetime.fromisoformat(shown["now"]) == NOON


async def test_the_clock_tells_when_something_happens_next(simulator: SimulatorProcess, shop: Shop):
    async def next_due() -> str | None:
        return (await simulator.control.send("GET", "/_sim/clock"))["next_due"]

    assert await next_due() is None
    checkout_id = await shop.pushed("254711222355")
    assert datetime.fromisoformat(await next_due() or "") == NOON + timedelta(minutes=1)
    await simulator.control.answer(checkout_id)
    assert await next_due() is None


async def test_each_callback_is_sent_at_its_own_instant(
    simulator: SimulatorProcess, shop: Shop, receiver: CallbackReceiver
):
    await shop.pushed("254711222343")
    await shop.pushed("254711222344")
    await simulator.control.advance(3600)
    sent = [datetime.fromisoformat(entry["at"]) for entry in await simulator.control.transcript(event="callback_sent")]
    assert [(instant - NOON) // timedelta(seconds=30) for instant in sent] == [3, 20]
    assert [callback.stk["CheckoutRequestID"][-3:] for callback in receiver.arrived] == ["344", "343"]


async def test_a_clock_that_follows_real_time_fires_by_itself(
    simulator: SimulatorProcess, shop: Shop, receiver: CallbackReceiver
):
    await simulator.control.settings(auto_approve_seconds=0.05)
    await simulator.control.freeze(frozen=False)
    await shop.pushed(PAYS)
    assert (await receiver.next()).stk["ResultCode"] == 0


async def test_answer_delays_can_be_scaled(simulator: SimulatorProcess, shop: Shop, receiver: CallbackReceiver):
    await simulator.control.settings(callback_scale=0.01)
    await shop.pushed(PAYS)
    await simulator.control.advance(0.03)
    assert len(receiver.arrived) == 1


async def test_the_transcript_tells_the_whole_story_in_order(simulator: SimulatorProcess, shop: Shop):
    checkout_id = await shop.pushed("254711222355")
    await simulator.control.answer(checkout_id)
    entries = await simulator.control.transcript(checkout_request_id=checkout_id)
    assert [entry["event"] for entry in entries] == [
        "request",
        "prompt_shown",
        "answer",
        "prompt_answered",
        "result",
        "callback_sent",
    ]
    assert {entry["callback_url"] for entry in entries} == {shop.callback_url}


async def test_the_transcript_keeps_no_secret(simulator: SimulatorProcess, shop: Shop):
    checkout_id = await shop.pushed("254711222355")
    await simulator.control.answer(checkout_id, "pin", "4321")
    text = json.dumps(await simulator.control.transcript())
    for secret in (shop.token, shop.signed()["Password"], PASSKEY_174379, "payme-demo-secret", "4321"):
        assert secret not in text
    assert '"Password": "***"' in text
    assert '"authorization": "Bearer ***"' in text


async def test_the_transcript_can_be_read_on_from_a_number(simulator: SimulatorProcess, shop: Shop):
    await shop.pushed(PAYS)
    entries = await simulator.control.transcript()
    rest = await simulator.control.transcript(after=str(entries[1]["number"]), limit="1")
    assert rest == [entries[2]]


async def test_default_apps_and_short_codes(simulator: SimulatorProcess):
    known = await simulator.control.send("GET", "/_sim/apps")
    assert [code["shortcode"] for code in known["shortcodes"]] == ["174379", "650880", "651200", "572572"]
    assert known["shortcodes"][0]["passkey"] == PASSKEY_174379
    assert known["shortcodes"][2]["till_number"] == "5651201"
    assert [app["consumer_key"] for app in known["apps"]] == ["payme-demo-key"]


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/_sim/clock", {"advance_seconds": -1}, 422),
        ("POST", "/_sim/clock", {"set": "tomorrow"}, 422),
        ("POST", "/_sim/shortcodes", {"shortcode": "400400", "kind": "till"}, 422),
        ("PATCH", "/_sim/settings", {"query_limits": True}, 422),
        ("PATCH", "/_sim/wallets/254711222300", {"pin": "12"}, 422),
        ("PATCH", "/_sim/wallets/0711222300", {"pin": "1234"}, 404),
        ("POST", "/_sim/prompts/p99/answer", {"action": "cancel"}, 404),
        ("POST", "/_sim/prompts/p99/answer", {"action": "shout"}, 422),
        ("DELETE", "/_sim/faults/99", None, 404),
        ("GET", "/_sim/transcript?after=x", None, 422),
    ],
)
async def test_the_control_api_refuses_what_it_does_not_understand(
    simulator: SimulatorProcess, *, method: str, path: str, body: dict[str, Any] | None, status: int
):
    answer = httpx2.request(method, simulator.base_url + path, json=body, trust_env=False)
    assert answer.status_code == status


async def test_a_prompt_is_answered_once(simulator: SimulatorProcess, shop: Shop):
    checkout_id = await shop.pushed("254711222355")
    await simulator.control.answer(checkout_id, "cancel")
    with pytest.raises(httpx2.HTTPStatusError, match="409"):
        await simulator.control.answer(checkout_id, "pin")
    assert (await simulator.control.ledger())["payments"] == []


async def test_a_reset_leaves_nothing(simulator: SimulatorProcess, shop: Shop, receiver: CallbackReceiver):
    await shop.pushed(PAYS)
    await simulator.control.fault("stkpush", "busy")
    await simulator.control.reset(seed=SEED, now=NOON, frozen=True)
    await simulator.control.advance(3600)
    assert receiver.arrived == []
    assert (await simulator.control.ledger())["wallets"] == []
    assert (await simulator.control.send("GET", "/_sim/faults"))["faults"] == []
    assert (await shop.push()).json()["errorCode"] == "404.001.03"


async def test_the_process_starts_and_stops_quickly_even_while_an_answer_hangs():
    started_at = time.monotonic()
    with SimulatorProcess("--now", "2026-11-22T12:00:00", "--seed", "3") as simulator:
        started_after = time.monotonic() - started_at
        assert (await simulator.control.send("GET", "/_sim/health"))["seed"] == 3
        shown = await simulator.control.send("GET", "/_sim/clock")
        since = datetime.fromisoformat(shown["now"]) - datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
        assert timedelta(0) <= since < timedelta(seconds=30)
        await simulator.control.fault("oauth", "hang", seconds=3600)
        with pytest.raises(httpx2.ReadTimeout):
            httpx2.get(
                f"{simulator.base_url}/oauth/v1/generate?grant_type=client_credentials",
                auth=("payme-demo-key", "payme-demo-secret"),
                timeout=httpx2.Timeout(10, read=0.3),
                trust_env=False,
            )
        stopping_at = time.monotonic()
        assert simulator.stop() == 0
        stopped_after = time.monotonic() - stopping_at
    assert started_after < 10
    assert stopped_after < 5
