import asyncio
import json
from typing import Any
from uuid import UUID

import httpx2
import pytest

from payme.runtime.database import Database, PoolLimits
from payme.runtime.http import HttpOptions, create_app
from payme.runtime.http.envelope import DATA_HEADERS, HSTS, PAGE_HEADERS
from tests.api.http.shelf import FEATURE, Doorman, Stamps
from tests.api.http.types import MakeApp, MakeClient


async def test_the_probes_say_how_the_service_is(make_client: MakeClient):
    client = make_client(token=None, version="1.2.3", environment="test")
    assert (await client.get("/livez")).json() == {"status": "alive"}
    ready = await client.get("/readyz")
    assert (ready.status_code, ready.json()) == (
        200,
        {"status": "ready", "checks": {"database": True, "not_draining": True}},
    )
    health = await client.get("/health")
    assert health.status_code == 200
    assert set(health.json()) == {"status", "timestamp", "uptime_seconds", "database", "version", "release"}
    assert (health.json()["status"], health.json()["database"], health.json()["version"]) == (
        "healthy",
        "connected",
        "1.2.3",
    )
    status = (await client.get("/v1/status")).json()
    assert (status["status"], status["maintenance"], status["environment"]) == ("operational", "off", "test")


async def test_a_database_that_is_away_makes_it_unhealthy_but_alive(make_client: MakeClient):
    away = Database("postgresql://payme@127.0.0.1:1/none", limits=PoolLimits(connections=1))
    app = create_app(
        HttpOptions(secret=b"k"), database=away, authenticator=Doorman(), csrf=Stamps(), features=[FEATURE]
    )
    client = make_client(app, token=None)
    assert (await client.get("/livez")).status_code == 200
    for path in ("/readyz", "/health"):
        assert (await client.get(path)).status_code == 503
    assert (await client.get("/health")).json()["database"] == "unreachable"
    assert (await client.get("/metrics", headers={"accept": "application/json"})).json()["database"][
        "connected"
    ] is False


async def test_readiness_asks_what_it_was_told_to_ask(database: Database, make_client: MakeClient):
    async def behind() -> bool:
        return False

    async def fails() -> bool:
        raise RuntimeError

    app = create_app(
        HttpOptions(secret=b"k"),
        database=database,
        authenticator=Doorman(),
        csrf=Stamps(),
        features=[],
        checks={"migrations": behind, "other": fails},
    )
    answer = await make_client(app).get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["checks"] == {"database": True, "not_draining": True, "migrations": False, "other": False}
    app.state.edge.checks = {}
    assert (await make_client(app).get("/readyz")).status_code == 200
    app.state.edge.drain()
    assert (await make_client(app).get("/readyz")).status_code == 503


async def test_the_database_is_asked_once_a_second_at_most(
    make_app: MakeApp, make_client: MakeClient, database: Database, monkeypatch: pytest.MonkeyPatch
):
    app = make_app()
    asked = 0
    run = database.run

    async def counting(*arguments: Any, **options: Any):
        nonlocal asked
        asked += 1
        return await run(*arguments, **options)

    monkeypatch.setattr(database, "run", counting)
    client = make_client(app)
    await asyncio.gather(*(client.get("/health") for _ in range(20)))
    assert asked == 1


async def test_metrics_count_by_route_template(client: httpx2.AsyncClient, shelf: str):
    await client.get(f"{shelf}/no-uuid")
    await client.get("/secret/path/0712345678")
    text = (await client.get("/metrics")).text
    assert (
        'payme_http_requests_total{method="GET",route="/v1/businesses/{business_id}/shelf/{branch_id}",status="422"}'
        in text
    )
    assert 'route="(none)",status="404"' in text
    assert "0712345678" not in text
    summary = (await client.get("/metrics", headers={"accept": "application/json"})).json()
    assert {"uptime_seconds", "version", "environment", "database", "cache"} <= set(summary)


@pytest.mark.parametrize(
    ("address", "headers", "options", "status"),
    [
        ("127.0.0.1", {}, {}, 200),
        ("10.1.2.3", {}, {}, 200),
        ("8.8.8.8", {}, {}, 401),
        ("127.0.0.1", {"x-forwarded-for": "8.8.8.8"}, {}, 401),
        ("127.0.0.1", {"x-forwarded-for": "8.8.8.8"}, {"trusted_proxies": ("127.0.0.0/8",)}, 401),
        ("127.0.0.1", {"x-forwarded-for": "10.0.0.7"}, {"trusted_proxies": ("127.0.0.0/8",)}, 200),
        ("127.0.0.1", {"x-forwarded-for": "127.0.0.1"}, {"trusted_proxies": ("127.0.0.0/8",)}, 200),
        ("127.0.0.1", {}, {"metrics_token": "open-sesame"}, 401),
        ("127.0.0.1", {"authorization": "Bearer open-sesam\u00e9".encode()}, {"metrics_token": "open-sesame"}, 401),
        ("8.8.8.8", {"authorization": b"Bearer open-sesame"}, {"metrics_token": "open-sesame"}, 200),
    ],
)
async def test_metrics_are_for_whoever_is_near_or_has_the_token(
    make_client: MakeClient, address: str, headers: dict[str, Any], options: dict[str, Any], status: int
):
    client = make_client(token=None, address=address, **options)
    assert (await client.get("/metrics", headers=headers)).status_code == status


DATA_SNAPSHOT = {
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
PAGE_SNAPSHOT = {
    **DATA_SNAPSHOT,
    "content-security-policy": "default-src 'self'; img-src 'self' data: blob:; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'",
    "permissions-policy": "camera=(self), geolocation=(), microphone=(), payment=(), usb=(self)",
}


@pytest.mark.parametrize(
    ("path", "snapshot"),
    [
        ("/v1/open", DATA_SNAPSHOT),
        ("/v1/none", DATA_SNAPSHOT),
        ("/health", DATA_SNAPSHOT),
        ("/metrics", DATA_SNAPSHOT),
        ("/docs", PAGE_SNAPSHOT),
    ],
)
@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_every_answer_has_its_headers(make_client: MakeClient, path: str, snapshot: dict[str, str], scheme: str):
    answer = await make_client(public_url=f"{scheme}://shop.test").get(path)
    expected = {**snapshot, HSTS[0].decode(): HSTS[1].decode()} if scheme == "https" else snapshot
    names = {*expected, "strict-transport-security"}
    assert {name: answer.headers[name] for name in names if name in answer.headers} == expected
    assert "x-request-id" in answer.headers
    assert "server" not in answer.headers


def test_no_policy_allows_inline_code():
    for name, value in [*DATA_HEADERS, *PAGE_HEADERS]:
        assert b"unsafe" not in value, name


async def test_other_origins_are_let_in_only_when_they_are_named(make_client: MakeClient):
    preflight = {
        "origin": "https://pos.example",
        "access-control-request-method": "POST",
        "access-control-request-headers": "idempotency-key",
    }
    closed = await make_client().options("/v1/open", headers=preflight)
    assert "access-control-allow-origin" not in closed.headers
    client = make_client(allowed_origins=("https://pos.example",))
    opened = await client.options("/v1/open", headers=preflight)
    assert opened.headers["access-control-allow-origin"] == "https://pos.example"
    other = await client.get("/v1/open", headers={"origin": "https://evil.example"})
    assert "access-control-allow-origin" not in other.headers
    assert (
        "ETag"
        in (await client.get("/v1/open", headers={"origin": "https://pos.example"})).headers[
            "access-control-expose-headers"
        ]
    )


@pytest.mark.parametrize(
    ("mode", "statuses"),
    [
        ("off", {"read": 200, "change": 201, "callback": 200, "probe": 200}),
        ("warn", {"read": 200, "change": 201, "callback": 200, "probe": 200}),
        ("read_only", {"read": 200, "change": 503, "callback": 200, "probe": 200}),
        ("drain", {"read": 503, "change": 503, "callback": 503, "probe": 200}),
    ],
)
async def test_maintenance_closes_what_it_says(
    make_client: MakeClient, doorman: Doorman, business_id: UUID, shelf: str, mode: str, statuses: dict[str, int]
):
    doorman.register("amina", business_id)
    client = make_client(maintenance=mode)
    answers = {
        "read": await client.get(shelf),
        "change": await client.post(shelf, json={"name": "A"}, headers={"idempotency-key": "k"}),
        "callback": await client.post("/d/t/stk", content=b"{}"),
        "probe": await client.get("/livez"),
    }
    assert {what: answer.status_code for what, answer in answers.items()} == statuses
    for answer in answers.values():
        assert answer.headers.get("payme-maintenance") == (None if mode == "off" else mode)
        if answer.status_code == 503:
            assert (answer.json()["code"], answer.headers["retry-after"]) == ("http.maintenance", "30")


async def test_the_description_names_every_route_with_its_refusals(client: httpx2.AsyncClient, make_app: MakeApp):
    document = (await client.get("/openapi.json")).json()
    assert document["openapi"].startswith("3.1")
    described = {
        operation["operationId"]: operation for path in document["paths"].values() for operation in path.values()
    }
    shown = [operation for operation in make_app().state.operations if not operation.hidden]
    assert set(described) == {operation.name for operation in shown}
    for operation in shown:
        answers = described[operation.name]["responses"]
        assert described[operation.name]["tags"] == [operation.tag]
        assert not any("HTTPValidationError" in json.dumps(answer) for answer in answers.values())
        for status, answer in answers.items():
            if status.startswith(("4", "5")) and int(status) not in operation.also:
                assert answer["content"]["application/problem+json"]["schema"] == {
                    "$ref": "#/components/schemas/Problem"
                }
    add = described["shelf_add"]
    assert {"201", "400", "401", "403", "404", "409", "413", "415", "422", "429"} <= set(add["responses"])
    assert "shelf.full" in add["responses"]["409"]["content"]["application/problem+json"]["examples"]
    assert [each["name"] for each in add["parameters"]] == ["business_id", "Idempotency-Key"]
    assert add["responses"]["201"]["content"]["application/json"]["schema"] == {
        "$ref": "#/components/schemas/BranchView"
    }
    assert {"412", "428"} <= set(described["shelf_rename"]["responses"])
    for name, schema in document["components"]["schemas"].items():
        assert schema.get("examples") or schema.get("example"), name


async def test_the_reference_page_needs_nothing_from_elsewhere(client: httpx2.AsyncClient):
    page = await client.get("/docs")
    assert page.headers["content-type"].startswith("text/html")
    for path in ("/docs", "/docs/docs.js", "/docs/docs.css"):
        answer = await client.get(path)
        assert answer.status_code == 200
        assert "http://" not in answer.text
        assert "https://" not in answer.text
        assert (await client.get(path, headers={"if-none-match": answer.headers["etag"]})).status_code == 304
    assert (await client.get("/docs/other.js")).status_code == 404
    for forbidden in ("<style", "style=", "onclick", "<script>"):
        assert forbidden not in page.text


async def test_the_application_opens_and_closes_its_database(owner_dsn: str):
    database = Database(owner_dsn, limits=PoolLimits(connections=1))
    app = create_app(HttpOptions(secret=b"k"), database=database, authenticator=Doorman(), csrf=Stamps(), features=[])
    async with app.router.lifespan_context(app):
        assert database.is_open
        assert database.commit_listeners
    assert not database.is_open
    assert not database.commit_listeners
