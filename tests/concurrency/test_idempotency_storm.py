"""One idempotency key, 64 requests at once, on PostgreSQL: one sale and 64 identical answers, also after a kill of the API.

Two applications stand for two API processes: a key's second request must find the first also where the two share nothing but
the database.
"""

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx2
import pytest

from payme.entrypoints.features import wire
from payme.entrypoints.wiring import tools_of
from payme.features.businesses.schemas import ChangeBusiness
from payme.features.businesses.services import change_business
from payme.features.payments import ConfigureMethod, configure_method
from payme.features.payments.enums import Source
from payme.features.payments.services.place_money import Arrival, place_money
from payme.kit.ids import new_id
from payme.runtime.database import Database, PoolLimits
from payme.runtime.settings import Settings
from tests.api_process import GENEROUS, ApiProcess
from tests.fault_rows import FULL, FaultRow
from tests.faults.selling import PRICE_CENTS, make_full_shop
from tests.invariants import assert_invariants
from tests.payment_room import OPERATED, a_receipt
from tests.shop import Shop
from tests.trade import TradingShop, stk
from tests.two_apis import TwoApis, apis

__all__ = ["apis"]
AT_ONCE = 64
EFFECTS = """
select (select count(*) from sales where business_id = $1) as sales,
  (select count(*) from idempotency_keys where business_id = $1) as replies,
  (select count(*) from stock_movements where business_id = $1 and kind = 'sale') as movements
"""
MONEY_OUT = """
select (select count(*) from payouts where business_id = $1) as payouts,
  (select count(*) from approvals where business_id = $1) as approvals,
  (select count(*) from unclaimed_money where business_id = $1 and state = 'returning') as returning,
  (select count(*) from payments where business_id = $1 and method = 'mpesa_c2b') as claimed
"""
pytestmark = [pytest.mark.faults, pytest.mark.timeout(1_800 if FULL else 120)]


async def send(apis: TwoApis, key: str, *, quantity: int = 1) -> list[httpx2.Response]:
    """Send the same sale 64 times at once, to both applications in turn."""
    cart = apis.shop.cart(quantity=quantity)
    return await asyncio.gather(*(apis.sell(turn, cart, key=key) for turn in range(AT_ONCE)))


async def effects(shop: Shop) -> tuple[int, ...]:
    """Return how many sales, stored replies and movements of stock there are."""
    return (await shop.rows(EFFECTS))[0]


@pytest.mark.fault_row(6)
async def test_64_equal_keys_at_once_have_one_effect_and_64_identical_answers(row: FaultRow, apis: TwoApis) -> None:
    rng, keys = row.rng, row.size(20, 200)
    for number in range(1, keys + 1):
        key = str(new_id())
        answers = await send(apis, key, quantity=rng.randint(1, 5))
        assert {answer.status_code for answer in answers} == {201}, [answer.text for answer in answers]
        assert len({answer.content for answer in answers}) == 1
        assert sum("idempotency-replayed" not in answer.headers for answer in answers) == 1
        assert await effects(apis.inside) == (number, number, number)
        other = await apis.sell(number, apis.shop.cart(quantity=6), key=key)
        assert (other.status_code, other.json()["code"]) == (422, "idempotency.key_reused")
    assert await effects(apis.inside) == (keys, keys, keys)
    row.counts.update(sent=keys * (AT_ONCE + 1), applied=keys, duplicates=keys * (AT_ONCE - 1), refused=keys)
    await assert_invariants(apis.inside.database, apis.shop.id)


async def storm(
    apis: TwoApis, path: str, body: dict[str, Any], *, key: str, times: int = AT_ONCE
) -> list[httpx2.Response]:
    """Send the same request so often at once, to both applications in turn."""
    url, headers = f"/v1/businesses/{apis.shop.id}{path}", {"idempotency-key": key}
    clients = [apis.clients[turn % len(apis.clients)] for turn in range(times)]
    return await asyncio.gather(*(client.post(url, json=body, headers=headers) for client in clients))


async def lying(shop: Shop) -> UUID:
    """Have money that nobody awaits come; return its row in the tray."""
    receipt = a_receipt()
    arrival = Arrival(Source.C2B, receipt, PRICE_CENTS, "174379", ["174379"], payer_number="2541 ***** 999")
    await shop.run(lambda uow: place_money(uow, arrival))
    sql = "select id from unclaimed_money where business_id = $1 and mpesa_receipt_number = $2"
    return await shop.value(sql, receipt)


@pytest.mark.fault_row(6)
async def test_64_equal_keys_at_once_ask_once_for_money_to_leave_or_to_count(row: FaultRow, apis: TwoApis) -> None:
    shop, keys = TradingShop(apis.inside.database, apis.inside.business_id), row.size(2, 20)
    paybill = ConfigureMethod.model_validate(OPERATED)
    await shop.run(lambda uow: configure_method(uow, "paybill", paybill))
    await shop.run(lambda uow: change_business(uow, ChangeBusiness(payout_day_limit_cents=1_000_000_000)))
    for number in range(1, keys + 1):
        sale = await shop.sell((apis.shop.products[0], 2), tenders=[stk(2 * PRICE_CENTS)])
        back, claimed = await lying(shop), await lying(shop)
        for path, body in (
            ("/payouts", {"amount_cents": 5_000, "phone": "0712345678", "reason": "Casual labour"}),
            (f"/unclaimed/{back}/return", {"reason": "Wrong till"}),
            (f"/unclaimed/{claimed}/claim", {"purpose": "sale", "purpose_id": str(sale.id)}),
        ):
            key = str(new_id())
            answers = await storm(apis, path, body, key=key)
            assert all(answer.is_success for answer in answers), {answer.text for answer in answers}
            assert len({answer.content for answer in answers}) == 1
            assert sum("idempotency-replayed" not in answer.headers for answer in answers) == 1
            different = body | {"reason": "Another", "amount_cents": 6_000, "purpose_id": str(back)}
            (other,) = await storm(apis, path, different, key=key, times=1)
            assert (other.status_code, other.json()["code"]) == (422, "idempotency.key_reused")
        assert await shop.rows(MONEY_OUT) == [(2 * number, 2 * number, number, number)]
    row.counts.update(
        sent=3 * keys * (AT_ONCE + 1), applied=3 * keys, duplicates=3 * keys * (AT_ONCE - 1), refused=3 * keys
    )
    await assert_invariants(shop.database, apis.shop.id)


@pytest.mark.fault_row(6)
async def test_of_two_bodies_under_one_key_at_once_one_has_its_effect(row: FaultRow, apis: TwoApis) -> None:
    keys = row.size(3, 30)
    for number in range(1, keys + 1):
        key = str(new_id())
        one, other = await asyncio.gather(send(apis, key, quantity=1), send(apis, key, quantity=2))
        won, lost = (one, other) if one[0].status_code == 201 else (other, one)
        assert {answer.status_code for answer in won} == {201}
        assert len({answer.content for answer in won}) == 1
        assert {(answer.status_code, answer.json()["code"]) for answer in lost} == {(422, "idempotency.key_reused")}
        assert await effects(apis.inside) == (number, number, number)
    row.counts.update(sent=keys * 2 * AT_ONCE, applied=keys, refused=keys * AT_ONCE)
    await assert_invariants(apis.inside.database, apis.shop.id)


@pytest.mark.fault_row(6)
async def test_a_retry_after_a_kill_of_the_api_has_the_one_effect(
    row: FaultRow, owner_dsn: str, open_folder: Path
) -> None:
    wiring = wire(tools_of(Settings.from_values({**GENEROUS, "DATABASE_URL": owner_dsn})))
    database = await Database(owner_dsn, limits=PoolLimits(connections=2), wiring=wiring).open()
    shop = await make_full_shop(database, products=1)
    kills = row.size(1, 10)
    with ApiProcess(owner_dsn, open_folder / "api.log") as api:
        for number in range(1, kills + 1):
            key, cart = str(new_id()), shop.cart(quantity=1 + number % 3)

            async def ask(client: httpx2.AsyncClient, key: str = key, cart: object = cart) -> bytes | str:
                try:
                    answer = await client.post(shop.sales_url, json=cart, headers={"idempotency-key": key})
                except httpx2.TransportError as error:
                    return type(error).__name__
                assert answer.status_code == 201, answer.text
                return answer.content

            headers = {"authorization": f"Bearer {shop.api_key}"}
            async with httpx2.AsyncClient(
                base_url=api.base_url, headers=headers, timeout=60, trust_env=False
            ) as client:
                calls = [asyncio.create_task(ask(client)) for _ in range(AT_ONCE)]
                await asyncio.wait(calls, timeout=row.rng.uniform(0.005, 0.15), return_when=asyncio.FIRST_COMPLETED)
                api.kill()
                before = await asyncio.gather(*calls)
                api.start()
                await asyncio.to_thread(api.wait_until_ready)
                after = await asyncio.gather(*(ask(client) for _ in range(AT_ONCE)))
            row.counts.update(Counter("cut" if isinstance(each, str) else "answered" for each in before))
            assert len({*after, *(each for each in before if isinstance(each, bytes))}) == 1, (before, after)
            assert isinstance(after[0], bytes)
            assert await effects(Shop(database, shop.id)) == (number, number, number)
    assert row.counts["cut"] > 0, "no kill struck a request that ran"
    row.counts.update(sent=2 * kills * AT_ONCE, applied=kills)
    await assert_invariants(database, shop.id)
    await database.close()
