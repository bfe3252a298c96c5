"""A shop of a stack whose number hangs on the wall: customers pay it by themselves, and Safaricom tells of it."""

import itertools
from decimal import Decimal
from typing import Any

from tests.stack import Stack, StackShop, until

_codes = itertools.count(660_000)


async def on_the_wall(stack: Stack, kind: str = "till", *, goods: int = 100) -> tuple[StackShop, str]:
    """Open a shop with a number of its own that customers pay by themselves; return it with the number."""
    shop = await stack.make_shop(layers=((Decimal(goods), 10_000),))
    store = str(next(_codes))
    code: dict[str, Any] = {"shortcode": store, "kind": kind, "name": "DUKA"}
    if kind == "till":
        code["till_number"] = f"5{store}"
    made = await stack.simulator.control.send("POST", "/_sim/shortcodes", code)
    await stack.simulator.control.shortcode(store, initiator_name="testapi", initiator_password="Safaricom999!*!")
    method = {
        "shortcode": store, "till_number": code.get("till_number"), "account_reference": "DUKA", "environment": "sandbox",
        "consumer_key": "payme-demo-key", "consumer_secret": "payme-demo-secret", "passkey": made["passkey"],
        "pull_number": "254722000000", "initiator_name": "testapi", "initiator_password": "Safaricom999!*!",
    }  # fmt: skip
    if kind == "till":
        paybill = (await shop.call("GET", "/payment-methods")).json()
        assert {each["kind"] for each in paybill} == {"paybill"}
        answer = await shop.call("PUT", "/payment-methods/till", method)
    else:
        tag = (await shop.call("GET", "/payment-methods")).json()[0]["rev"]
        answer = await shop.http.put(
            f"/v1/businesses/{shop.business_id}/payment-methods/paybill", json=method, headers={"If-Match": f'"{tag}"'}
        )
    assert answer.is_success, answer.text
    await shop.post(f"/payment-methods/{kind}/c2b")

    async def registered() -> bool:
        (found, *_) = await shop.get(f"/payment-methods/{kind}/c2b")
        assert found["state"] in {"requested", "registered"}, found
        return found["state"] == "registered"

    await until(registered)
    return shop, code.get("till_number", store)
