"""The ledger inside: sums agree, limits hold, receipts are unique and carry their date."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from payme_sim.dice import receipt_prefix
from tests.contracts.simulator.conftest import Shop
from tests.simulator import CallbackReceiver, SimulatorProcess

PAYS = "254711222300"


async def paid(simulator: SimulatorProcess, shop: Shop, receiver: CallbackReceiver, amount: int) -> object:
    await shop.pushed(PAYS, amount)
    await simulator.control.advance(3)
    return (await receiver.next()).stk["ResultCode"]


async def test_what_the_payer_loses_the_short_code_gains(
    simulator: SimulatorProcess, shop: Shop, receiver: CallbackReceiver
):
    for amount in (300, 1, 249_999):
        assert await paid(simulator, shop, receiver, amount) == 0
    ledger = await simulator.control.ledger()
    assert ledger["wallets"] == [{"msisdn": PAYS, "balance_cents": 500_000_00 - 250_300_00}]
    paybill = [account for account in ledger["accounts"] if account["balance_cents"]]
    assert paybill == [{"shortcode": "174379", "account": "Utility Account", "balance_cents": 250_300_00}]
    assert ledger["totals"]["difference_cents"] == 0


async def test_the_same_amount_within_two_minutes_is_rule_limited(
    simulator: SimulatorProcess, shop: Shop, receiver: CallbackReceiver
):
    assert await paid(simulator, shop, receiver, 300) == 0
    assert await paid(simulator, shop, receiver, 300) == 17
    assert await paid(simulator, shop, receiver, 301) == 0
    await simulator.control.advance(120)
    assert await paid(simulator, shop, receiver, 300) == 0


async def test_the_rule_can_be_switched_off(simulator: SimulatorProcess, shop: Shop, receiver: CallbackReceiver):
    await simulator.control.settings(repeat_rule=False)
    assert [await paid(simulator, shop, receiver, 300) for _ in range(2)] == [0, 0]


async def test_a_wallet_cannot_go_below_nothing(simulator: SimulatorProcess, shop: Shop, receiver: CallbackReceiver):
    await simulator.control.wallet(PAYS, balance_cents=299_99)
    assert await paid(simulator, shop, receiver, 300) == 1
    totals = (await simulator.control.ledger())["totals"]
    assert (totals["wallets_cents"], totals["difference_cents"]) == (299_99, 0)


async def test_a_day_has_a_limit_and_the_next_day_another(
    simulator: SimulatorProcess, shop: Shop, receiver: CallbackReceiver
):
    assert await paid(simulator, shop, receiver, 250_000) == 0
    assert await paid(simulator, shop, receiver, 249_999) == 0
    await simulator.control.wallet(PAYS, balance_cents=500_000_00)
    assert await paid(simulator, shop, receiver, 2) == 4
    await simulator.control.advance(86_400)
    await shop.authorize()
    assert await paid(simulator, shop, receiver, 2) == 0


async def test_the_pin_of_a_wallet_can_be_changed(simulator: SimulatorProcess, shop: Shop, receiver: CallbackReceiver):
    phone = "254711222355"
    await simulator.control.wallet(phone, pin="8080")
    await simulator.control.answer(await shop.pushed(phone), "pin", "1234")
    await simulator.control.answer(await shop.pushed(phone), "pin", "8080")
    assert [callback.stk["ResultCode"] for callback in receiver.arrived] == [2001, 0]


async def test_receipts_are_unique(simulator: SimulatorProcess, shop: Shop):
    for number in range(60):
        await shop.pushed(f"2547112{number:03d}00")
    await simulator.control.advance(3)
    receipts = [payment["receipt"] for payment in (await simulator.control.ledger())["payments"]]
    assert len(set(receipts)) == 60


@pytest.mark.parametrize(
    ("day", "prefix"),
    [
        (datetime(2026, 11, 22, tzinfo=UTC), "UKM"),
        (datetime(2023, 9, 25, tzinfo=UTC), "RIP"),
        (datetime(2024, 7, 6, tzinfo=UTC), "SG6"),
        (datetime(2020, 1, 20, tzinfo=UTC), "OAK"),
        (datetime(2025, 12, 31, tzinfo=UTC), "TLV"),
    ],
)
async def test_a_receipt_begins_with_its_date(day: datetime, prefix: str):
    assert receipt_prefix(day) == prefix
