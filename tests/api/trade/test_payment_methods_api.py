"""Where the money goes is changed only by whoever saw where it goes now."""

from typing import Any

from tests.api.trade.conftest import Counter
from tests.payment_room import ACCOUNT


async def test_a_way_to_be_paid_is_changed_with_if_match(owner: Counter):
    async def put(shortcode: str, **headers: str) -> Any:
        body = {**ACCOUNT, "shortcode": shortcode}
        return await owner.http.put("payment-methods/paybill", json=body, headers=headers)

    [known] = (await owner.get("payment-methods")).json()
    tag = f'"{known["rev"]}"'
    assert (await put("600111")).status_code == 428
    assert (await put("600111", **{"if-match": '"999"'})).status_code == 412
    changed = await put("600111", **{"if-match": tag})
    assert (changed.status_code, changed.json()["shortcode"]) == (200, "600111")
    assert (await put("600222", **{"if-match": tag})).status_code == 412
    listed = {each["kind"]: each["shortcode"] for each in (await owner.get("payment-methods")).json()}
    assert listed["paybill"] == "600111"
