"""Prompts to one phone are counted, however its number is written; a sale that was answered before is answered again."""

from dataclasses import replace
from typing import Any

import httpx2

from payme.entrypoints.api import all_features
from payme.entrypoints.wiring import csrf_of, http_options
from payme.features.identity import IdentityAuthenticator
from payme.kit.ids import new_id
from payme.runtime.database import Database
from payme.runtime.http import create_app
from tests.api.trade.conftest import GENEROUS
from tests.stock_room import make_product, receive
from tests.trade import TradingShop, settings_for, stk


async def test_a_phone_is_rung_a_few_times_a_minute_and_no_more(database: Database, owner_dsn: str, shop: TradingShop):
    settings = settings_for(owner_dsn)
    app = create_app(
        replace(http_options(settings), budgets={**GENEROUS, "prompts": "2/minute"}, access_log=False),
        database=database,
        authenticator=IdentityAuthenticator(database),
        csrf=csrf_of(settings),
        features=all_features(),
    )
    assert shop.owner is not None
    headers = {"authorization": f"Bearer {shop.owner.access_token}"}
    product = await make_product(shop, price_cents=10_000)
    await receive(shop, product, "10", 50_000)
    first_key = str(new_id())
    path = f"/v1/businesses/{shop.business_id}/sales"
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://shop.test", headers=headers) as client:

        async def sell(phone: str, key: str) -> Any:
            lines = [{"product_id": str(product), "quantity": "1"}]
            body = {"lines": lines, "tenders": [stk(10_000, phone=phone)]}
            return await client.post(path, json=body, headers={"idempotency-key": key})

        first = await sell("0712 345 671", first_key)
        assert (first.status_code, (await sell("254712345671", str(new_id()))).status_code) == (201, 201)
        refused = await sell("+254 712-345-671", str(new_id()))
        assert (refused.status_code, refused.json()["code"]) == (429, "http.rate_limited")
        assert int(refused.headers["retry-after"]) > 0
        assert await shop.value("select count(*) from sales where business_id = $1") == 2
        again = await sell("0712 345 671", first_key)
        assert (again.status_code, again.content) == (201, first.content)
        assert (await sell("0712345672", str(new_id()))).status_code == 201
