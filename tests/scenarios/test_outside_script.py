"""The demo, seen from outside: a program that has read the reference sells, is refused, and hears of it.

One demo for all of it, because starting one takes longer than everything else; each chapter is a subtest of its own.
"""

import re
import socket
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.scenarios.demo_process import DemoProcess
from tests.scenarios.outside_client import Answer, Shop, until

Chapter = Callable[[Shop], None]
CHAPTERS: list[Chapter] = []
WAITING_PHONE = "254700000655"
"""No suffix of the simulator's table: a person has to answer."""
PROBLEM = {"type", "title", "status", "detail", "instance", "code", "request_id", "retryable", "errors"}


def chapter(check: Chapter) -> Chapter:
    CHAPTERS.append(check)
    return check


@pytest.mark.timeout(240)
def test_a_program_that_knows_the_reference_alone(open_folder: Path, subtests: pytest.Subtests) -> None:
    with DemoProcess(open_folder) as demo:
        assert set(demo.alive()) == {"simulator", "api", "worker", "postgres"}
        shop = Shop.from_file(demo.demo_file)
        assert f"curl -s {shop.demo['base_url']}/v1/businesses/{shop.business_id}/sales" in demo.printed
        for check in CHAPTERS:
            with subtests.test(check.__name__):
                check(shop)
    assert demo.alive() == []
    for url in ("base_url", "simulator_url"):
        port = int(shop.demo[url].rpartition(":")[2])
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", port)) != 0


def refused(answer: Answer, status: int, code: str) -> dict[str, Any]:
    """Check a refusal's form and return it."""
    assert (answer.status, answer.json.get("code")) == (status, code), answer.body
    assert answer.media_type == "application/problem+json"
    assert set(answer.json) >= PROBLEM
    assert answer.json["request_id"] == answer.headers["x-request-id"]
    assert answer.json["status"] == status
    return answer.json


def pointers(answer: Answer) -> set[str]:
    return {each["pointer"] for each in answer.json["errors"]}


@chapter
def demo_json_has_exactly_its_fields(shop: Shop) -> None:
    demo = shop.demo
    assert set(demo) == {
        "base_url", "simulator_url", "business_id", "api_key", "owner", "cashiers", "products", "stk_phone",
        "simulator_credentials",
    }  # fmt: skip
    assert set(demo["owner"]) == {"identifier", "password"}
    assert len(demo["products"]) == 120
    assert all(set(each) == {"id", "name", "price_cents"} for each in demo["products"])
    assert demo["cashiers"]
    assert all(set(each) == {"name", "pin"} for each in demo["cashiers"])
    assert re.fullmatch(r"2547\d{6}00", demo["stk_phone"])
    assert set(demo["simulator_credentials"]) == {"consumer_key", "consumer_secret", "shortcode", "passkey"}


@chapter
def the_probes_answer(shop: Shop) -> None:
    for path in ("/livez", "/readyz", "/health", "/v1/status"):
        answer = shop.as_somebody(None).get(path)
        assert (answer.status, answer.media_type) == (200, "application/json"), path
    health = shop.get("/health").json
    assert set(health) == {"status", "timestamp", "uptime_seconds", "database", "version", "release"}
    assert (health["status"], health["database"]) == ("healthy", "connected")
    assert "payme_http_requests_total{" in shop.get("/metrics").body.decode()
    told = shop.get("/metrics", Accept="application/json").json
    assert {"uptime_seconds", "version", "environment", "database", "cache"} <= set(told)


@chapter
def the_description_is_openapi_3_1(shop: Shop) -> None:
    document = shop.get("/openapi.json").json
    assert document["openapi"].startswith("3.1")
    operations = [
        each for path in document["paths"].values() for method, each in path.items() if method != "parameters"
    ]
    names = [each["operationId"] for each in operations]
    assert len(names) == len(set(names))
    assert {"sales_create", "auth_login", "tokens_buy"} <= set(names)
    assert all(each["tags"] for each in operations)


@chapter
def a_sale_for_cash(shop: Shop) -> None:
    product = shop.product()
    total = 2 * product["price_cents"]
    tender = {"method": "cash", "amount_cents": total, "received_cents": total + 1000}
    before = shop.get("B/tokens").json["balance"]
    stock = stock_of(shop, product["id"])
    body = shop.cart(tender, quantity=2)
    answer = shop.post("B/sales", body, X_Request_ID="outside-0001")
    sale = answer.json
    assert (answer.status, sale["status"]) == (201, "completed"), answer.body
    assert answer.headers["x-request-id"] == "outside-0001"
    assert (sale["total_cents"], sale["paid_cents"], sale["change_cents"]) == (total, total, 1000)
    assert sale["lines"][0]["cost_cents"] > 0
    assert sale["profit_cents"] == total - sale["vat_cents"] - sale["lines"][0]["cost_cents"]
    assert [(each["method"], each["status"], each["assurance"]) for each in sale["payments"]] == [
        ("cash", "succeeded", "counted")
    ]
    assert sale["tokens"]["charged"] == 1
    assert shop.get("B/tokens").json["balance"] == before - 1
    assert stock_of(shop, product["id"]) == stock - 2
    assert shop.get(f"B/sales/{sale['id']}").json["receipt_number"] == sale["receipt_number"]


@chapter
def a_repetition_gets_the_same_bytes(shop: Shop) -> None:
    key, body = str(uuid.uuid4()), shop.cash_cart()
    first, again = shop.post("B/sales", body, key=key), shop.post("B/sales", body, key=key)
    assert (first.status, again.status, again.body) == (201, 201, first.body)
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    refused(shop.post("B/sales", shop.cash_cart(quantity=2), key=key), 422, "idempotency.key_reused")
    refused(shop.call("POST", "B/sales", body), 400, "idempotency.key_required")


@chapter
def an_id_of_ones_own_makes_one_sale(shop: Shop) -> None:
    body = {"id": uuid7(), **shop.cash_cart()}
    made = shop.post("B/sales", body)
    assert (made.status, made.json["id"]) == (201, body["id"])
    before = sold(shop)
    again = shop.post("B/sales", body)
    assert (again.status, again.media_type) == (409, "application/problem+json")
    assert sold(shop) == before


@chapter
def what_cannot_be_sold_is_refused(shop: Shop) -> None:
    before = sold(shop)
    body = shop.cash_cart()
    body["lines"][0]["product_id"] = str(uuid.uuid4())
    refused(shop.post("B/sales", body), 404, "catalog.product_not_found")
    refused(shop.post("B/sales", shop.cash_cart(quantity=1_000_000)), 409, "sales.stock_short")
    body = shop.cash_cart()
    body["tenders"][0]["amount_cents"] -= 1
    refused(shop.post("B/sales", body), 422, "sales.tenders_differ")
    tender = {"method": "mpesa_stk", "amount_cents": 1050, "phone": shop.demo["stk_phone"]}
    cart = shop.cart(tender)
    cart["lines"][0]["unit_price_cents"] = 1050
    refused(shop.post("B/sales", cart), 422, "payments.whole_shillings")
    assert sold(shop) == before


@chapter
def a_body_that_makes_no_sense_is_told_field_by_field(shop: Shop) -> None:
    body = {"lines": [{"product_id": "x", "quantity": "-1"}], "tenders": [{"method": "cash", "amount_cents": 1.5}]}
    answer = shop.post("B/sales", body)
    refused(answer, 422, "http.invalid")
    assert {"/lines/0/product_id", "/lines/0/quantity"} <= pointers(answer)
    assert any(each.startswith("/tenders/0") for each in pointers(answer))
    refused(shop.post("B/sales", b"{"), 400, "http.malformed_json")
    refused(shop.post("B/sales", b"x", Content_Type="text/plain"), 415, "http.unsupported_media_type")
    refused(shop.get("/v1/nothing"), 404, "http.not_found")
    refused(shop.call("DELETE", "B/sales"), 405, "http.method_not_allowed")
    refused(shop.post("B/sales", b'"' + b"a" * 3_000_000 + b'"'), 413, "http.body_too_large")


@chapter
def strangers_are_kept_out(shop: Shop) -> None:
    refused(shop.get(f"/v1/businesses/{uuid.uuid4()}/sales"), 404, "businesses.not_found")
    refused(shop.get("/v1/businesses/nonsense/sales"), 404, "businesses.not_found")
    key = shop.demo["api_key"]
    for token in (None, "nonsense", key[:-1] + ("a" if key[-1] != "a" else "b")):
        answer = shop.as_somebody(token).get("B/sales")
        assert answer.status == 401, token
        assert answer.media_type == "application/problem+json"
        assert answer.headers["www-authenticate"].startswith("Bearer")
    number = f"07{uuid.uuid4().int % 10**8:08d}"
    body = {"name": "Mgeni", "phone": number, "password": "pamoja-tunaweza-2026", "role": "owner", "roles": ["owner"]}
    made = shop.as_somebody(None).call("POST", "/v1/auth/signup", body)
    assert (made.status, set(made.json) >= {"user", "access_token", "refresh_token", "expires_in"}) == (201, True)
    stranger = shop.as_somebody(made.json["access_token"])
    assert stranger.get("/v1/me").json["businesses"] == []
    refused(stranger.get("B/sales"), 404, "businesses.not_found")
    refused(stranger.post("B/sales", shop.cash_cart()), 404, "businesses.not_found")


@chapter
def lists_come_in_pages(shop: Shop) -> None:
    first = shop.get("B/products?limit=50")
    assert set(first.json) == {"data", "next_cursor", "has_more"}
    seen = [each["id"] for each in first.json["data"]]
    page = first
    while page.json["has_more"]:
        link = re.fullmatch(r'<(.+)>; rel="next"', page.headers["link"])
        assert link
        page = shop.ask(link[1] if link[1].startswith("http") else shop.demo["base_url"] + link[1], "GET")
        seen += [each["id"] for each in page.json["data"]]
    assert page.json["next_cursor"] is None
    assert len(seen) == len(set(seen)) >= 120
    refused(shop.get("B/products?cursor=forged"), 422, "pagination.cursor_invalid")
    refused(shop.get("B/products?limit=201"), 422, "http.invalid")
    known = shop.get("B/products?limit=50", If_None_Match=first.headers["etag"])
    assert (known.status, known.body) == (304, b"")


@chapter
def a_product_is_changed_by_who_has_read_it(shop: Shop) -> None:
    made = shop.call("POST", "B/products", {"name": "Sabuni ya mche", "price_cents": 12_550, "reorder_point": "5"})
    assert made.status == 201, made.body
    path = f"B/products/{made.json['id']}"
    tag = shop.get(path).headers["etag"]
    assert shop.get(path, If_None_Match=tag).status == 304
    refused(shop.call("PATCH", path, {"price_cents": 13_000}), 428, "http.precondition_required")
    changed = shop.call("PATCH", path, {"price_cents": 13_000}, If_Match=tag)
    assert (changed.status, changed.json["price_cents"]) == (200, 13_000)
    refused(shop.call("PATCH", path, {"price_cents": 14_000}, If_Match=tag), 412, "http.precondition_failed")


@chapter
def goods_come_and_go(shop: Shop) -> None:
    made = shop.call("POST", "B/products", {"name": "Mafuta 5 l", "price_cents": 20_000, "reorder_point": "8"})
    product = made.json["id"]
    got = shop.post("B/stock/receipts", {"product_id": product, "quantity": "10", "total_cost_cents": 100_000})
    assert (got.status, got.json["on_hand"]) == (201, "10"), got.body
    got = shop.post("B/stock/receipts", {"product_id": product, "quantity": "10", "total_cost_cents": 130_000})
    lines = [{"product_id": product, "quantity": "15"}]
    sale = shop.post("B/sales", {"lines": lines, "tenders": [{"method": "cash", "amount_cents": 300_000}]})
    assert (sale.status, sale.json["lines"][0]["cost_cents"]) == (201, 165_000), sale.body
    body = {"product_id": product, "quantity_delta": "-1", "reason": "Counted one less"}
    assert shop.post("B/stock/adjustments", body).json["on_hand"] == "4"
    spoilt = shop.post("B/stock/spoilage", {"product_id": product, "quantity": "1", "type": "damage"})
    assert (spoilt.status, spoilt.json["on_hand"]) == (201, "3")
    row = shop.get(f"B/stock?product_id={product}").json["data"][0]
    assert row == {"product_id": product, "on_hand": "3", "reserved": "0", "available": "3", "value_cents": 39_000}
    assert product in {each["product_id"] for each in shop.get("B/stock/alerts").json["data"]}
    kinds = [each["kind"] for each in shop.get(f"B/stock/movements?product_id={product}").json["data"]]
    assert set(kinds) == {"purchase", "sale", "adjustment", "spoilage"}


@chapter
def a_sale_by_prompt_is_paid(shop: Shop) -> None:
    answer = shop.post("B/sales", shop.prompt_cart(shop.demo["stk_phone"], product=1))
    sale = answer.json
    assert (answer.status, sale["status"], sale["tokens"]["reserved"]) == (201, "awaiting_payment", 1), answer.body
    done = shop.sale_becomes(sale["id"], "completed")
    paid = done["payments"][0]
    assert (paid["method"], paid["status"], paid["assurance"]) == ("mpesa_stk", "succeeded", "confirmed")
    assert re.fullmatch(r"[A-Z0-9]{10}", paid["mpesa_receipt_number"])
    assert done["profit_cents"] is not None
    assert shop.get(f"B/payments/{paid['id']}").json["status"] == "succeeded"


@chapter
def a_prompt_that_waits_for_a_person(shop: Shop) -> None:
    sale = shop.post("B/sales", shop.prompt_cart(WAITING_PHONE, product=2)).json
    prompt = open_prompt(shop)
    refused(shop.post(f"B/sales/{sale['id']}/cancel", None), 409, "sales.prompt_out")
    shop.simulator("POST", f"/_sim/prompts/{prompt}/answer", {"action": "cancel"})
    shop.sale_becomes(sale["id"], "payment_failed")
    cancelled = shop.post(f"B/sales/{sale['id']}/cancel", None)
    assert (cancelled.status, cancelled.json["status"]) == (200, "cancelled"), cancelled.body
    refused(shop.post(f"B/sales/{sale['id']}/cancel", None), 409, "sales.not_open")


@chapter
def a_wrong_pin_and_another_tender(shop: Shop) -> None:
    sale = shop.post("B/sales", shop.prompt_cart(WAITING_PHONE, product=3)).json
    shop.simulator("POST", f"/_sim/prompts/{open_prompt(shop)}/answer", {"action": "pin", "pin": "0000"})
    failed = shop.sale_becomes(sale["id"], "payment_failed")
    tender = {"method": "cash", "amount_cents": failed["total_cents"]}
    done = shop.post(f"B/sales/{sale['id']}/payments", tender)
    assert (done.status, done.json["status"]) == (201, "completed"), done.body


@chapter
def tokens_are_bought_by_prompt(shop: Shop) -> None:
    packages = shop.get("/v1/token-packages").json
    assert packages
    wallet = shop.get("B/tokens").json
    assert {"balance", "reserved", "available", "overdraft"} <= set(wallet)
    body = {"package": packages[0]["quantity"], "phone": shop.demo["stk_phone"]}
    bought = shop.post("B/tokens/purchases", body)
    assert bought.status == 201, bought.body
    until(lambda: shop.get("B/tokens").json["balance"] == wallet["balance"] + packages[0]["quantity"], seconds=40)
    kinds = {each["kind"] for each in shop.get("B/tokens/transactions").json["data"]}
    assert len(kinds) >= 2


@chapter
def the_owner_signs_in_and_out(shop: Shop) -> None:
    owner = shop.demo["owner"]
    nobody = shop.as_somebody(None)
    signed_in = nobody.call("POST", "/v1/auth/login", owner)
    assert (signed_in.status, signed_in.json["expires_in"] > 0) == (200, True), signed_in.body
    person = shop.as_somebody(signed_in.json["access_token"])
    me = person.get("/v1/me").json
    assert [(each["id"], each["roles"]) for each in me["businesses"]] == [(shop.business_id, ["owner"])]
    assert set(me["businesses"][0]) == {"id", "name", "roles"}
    assert person.get("B/sales?limit=1").status == 200
    fresh = nobody.call("POST", "/v1/auth/refresh", {"refresh_token": signed_in.json["refresh_token"]})
    assert fresh.status == 200, fresh.body
    person = shop.as_somebody(fresh.json["access_token"])
    assert person.get("/v1/me").status == 200
    assert person.call("POST", "/v1/auth/logout").status == 204
    left_at = time.monotonic()
    until(lambda: person.get("/v1/me").status == 401, seconds=1)
    assert time.monotonic() - left_at < 1
    refused(nobody.call("POST", "/v1/auth/login", {**owner, "password": "wrong-wrong-wrong"}), 401, "auth.login_failed")


@chapter
def events_are_heard_and_resumed(shop: Shop) -> None:
    with shop.listen() as stream:
        assert stream.media_type == "text/event-stream"
        first = shop.post("B/sales", shop.cash_cart()).json
        heard = stream.until_event("sale.completed", first["id"])
        assert heard.id
    second = shop.post("B/sales", shop.cash_cart()).json
    with shop.listen(last_event_id=heard.id) as stream:
        assert stream.until_event("sale.completed", second["id"])


@chapter
def limits_are_told(shop: Shop) -> None:
    answer = shop.get("B/sales?limit=1")
    assert "ratelimit" in answer.headers
    assert "ratelimit-policy" in answer.headers


def uuid7() -> str:
    milliseconds = time.time_ns() // 1_000_000
    number = (milliseconds << 80) | (7 << 76) | (uuid.uuid4().int & ((1 << 76) - 1))
    return str(uuid.UUID(int=(number & ~(3 << 62)) | (2 << 62)))


def stock_of(shop: Shop, product_id: str) -> int:
    return int(shop.get(f"B/stock?product_id={product_id}").json["data"][0]["on_hand"])


def sold(shop: Shop) -> str:
    return shop.get("B/sales?limit=1").json["data"][0]["id"]


def open_prompt(shop: Shop) -> str:
    return until(
        lambda: [each["id"] for each in shop.simulator("GET", f"/_sim/prompts?msisdn={WAITING_PHONE}")["prompts"]],
        seconds=20,
    )[0]
