import json
from typing import Any
from uuid import UUID

import httpx2
import pytest
from structlog.testing import capture_logs

from tests.api.http.shelf import Doorman
from tests.api.http.types import MakeApp, MakeClient

FIELDS = {"type", "title", "status", "detail", "instance", "code", "request_id", "retryable", "errors"}


async def refused(client: httpx2.AsyncClient, method: str, path: str, **options: Any):
    answer = await client.request(method, path, **options)
    document = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert set(document) - {"facts"} == FIELDS
    assert document["status"] == answer.status_code
    assert document["type"] == f"/problems/{document['code']}"
    assert document["request_id"] == answer.headers["x-request-id"]
    return answer, document


@pytest.mark.parametrize(
    ("content", "kind", "status", "code"),
    [
        (b"{", "application/json", 400, "http.malformed_json"),
        (b"", "application/json", 400, "http.malformed_json"),
        (b'{"name": "\xff"}', "application/json", 400, "http.malformed_json"),
        (b'{"name": "A", "room_for": NaN}', "application/json", 400, "http.malformed_json"),
        (b'{"name": "A", "x": -Infinity}', "application/json", 400, "http.malformed_json"),
        (b'{"name": "A", "x": [1e400]}', "application/json", 422, "http.invalid"),
        (b'{"name": "A", "x":-2.5E+999}', "application/json", 422, "http.invalid"),
        (b'{"name": "A", "x": ' + b"9" * 400 + b".5}", "application/json", 422, "http.invalid"),
        (b'{"name": "A", "x": ' + b"[" * 33 + b"]" * 33 + b"}", "application/json", 400, "http.json_too_deep"),
        (b"[" * 100_000, "application/json", 400, "http.json_too_deep"),
        (b'{"name": "NaN"}', "application/json", 201, None),
        (b'{"name": "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["}', "application/json", 201, None),
        (b'{"name": "A\\u0000B"}', "application/json", 422, "http.invalid"),
        (b'{"name": "A\\\\u0000B"}', "application/json", 201, None),
        (b'{"name": "A", "room_for": "3"}', "application/json", 422, "http.invalid"),
        (b'{"name": "A", "room_for": true}', "application/json", 422, "http.invalid"),
        (b'{"name": 3}', "application/json", 422, "http.invalid"),
        (b'{"name": "A", "room_for": 3.0}', "application/json", 201, None),
        (b'{"name": "A", "room_for": 3e0}', "application/json", 201, None),
        (b'{"name": "A", "room_for": 3.5}', "application/json", 422, "http.invalid"),
        (b'{"name": "A", "room_for": 1e400}', "application/json", 422, "http.invalid"),
        (b'{"name": "A"}', "text/plain", 415, "http.unsupported_media_type"),
        (b'{"name": "A"}', "application/x-www-form-urlencoded", 415, "http.unsupported_media_type"),
        (b'{"name": "A"}', "application/merge-patch+json; charset=utf-8", 201, None),
    ],
)
async def test_a_body_is_well_formed_json(
    client: httpx2.AsyncClient, shelf: str, content: bytes, kind: str, status: int, code: str | None
):
    answer = await client.post(shelf, content=content, headers={"content-type": kind, "idempotency-key": "k"})
    assert (answer.status_code, answer.json().get("code")) == (status, code)


async def test_fields_at_fault_are_named_by_pointer(client: httpx2.AsyncClient, shelf: str):
    key = {"idempotency-key": "k"}
    answer, document = await refused(client, "POST", shelf, json={"name": "", "room_for": -1, "id": "x"}, headers=key)
    assert answer.status_code == 422
    assert {(each["pointer"], each["code"]) for each in document["errors"]} == {
        ("/id", "uuid_parsing"),
        ("/name", "string_too_short"),
        ("/room_for", "greater_than_equal"),
    }


async def test_parameters_at_fault_are_named_too(client: httpx2.AsyncClient, shelf: str):
    answer, document = await refused(client, "GET", f"{shelf}?limit=201")
    assert (answer.status_code, document["errors"][0]["pointer"]) == (422, "/limit")
    answer, document = await refused(client, "GET", f"{shelf}/no-uuid")
    assert (answer.status_code, document["errors"][0]["pointer"]) == (422, "/branch_id")


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/v1/nothing", 404, "http.not_found"),
        ("GET", "/v1/open/", 404, "http.not_found"),
        ("DELETE", "/v1/open", 405, "http.method_not_allowed"),
        ("GET", "/v1/open%00", 400, "http.malformed"),
        ("GET", "/v1/open?a=%00", 400, "http.malformed"),
        ("GET", "/v1/broken/locked", 402, "shelf.locked"),
        ("GET", "/v1/broken/busy", 503, "http.unavailable"),
        ("GET", "/v1/broken/provider", 503, "http.unavailable"),
        ("GET", "/v1/broken/bug", 500, "http.internal"),
    ],
)
async def test_every_failure_has_one_shape(
    client: httpx2.AsyncClient, method: str, path: str, status: int, code: str | None
):
    answer, document = await refused(client, method, path)
    assert (answer.status_code, document["code"]) == (status, code)
    assert document["retryable"] == (status == 503)
    assert ("retry-after" in answer.headers) == (status == 503)
    assert "0712345678" not in answer.text


async def test_an_unknown_method_is_told_the_known_ones(client: httpx2.AsyncClient, shelf: str):
    answer, _ = await refused(client, "DELETE", shelf)
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, POST")


async def test_an_unexpected_failure_says_the_request_id_and_nothing_else(client: httpx2.AsyncClient):
    with capture_logs() as logs:
        answer, document = await refused(client, "GET", "/v1/broken/bug", headers={"x-request-id": "till-7.retry-1"})
    assert document["request_id"] == "till-7.retry-1"
    assert "facts" not in document
    assert "secret" not in answer.text
    assert any(each["event"] == "http.failed" and isinstance(each["exc_info"], RuntimeError) for each in logs)


async def test_a_denied_request_leaves_an_event(make_client: MakeClient, client: httpx2.AsyncClient, shelf: str):
    with capture_logs() as logs:
        await make_client(token=None).get(shelf)
    denied = [each for each in logs if each["event"] == "security.denied"]
    assert [(each["code"], each["route"]) for each in denied] == [
        ("auth.required", "/v1/businesses/{business_id}/shelf")
    ]


@pytest.mark.parametrize(
    ("given", "kept"), [("sane-id:1234", True), ("short", False), ("x" * 129, False), ("evil\u00e9eeee", False)]
)
async def test_a_request_id_is_taken_over_when_it_is_sane(client: httpx2.AsyncClient, given: str, kept: bool):
    answer = await client.get("/v1/open", headers={b"x-request-id": given.encode()})
    assert (answer.headers["x-request-id"] == given) is kept
    assert len(answer.headers["x-request-id"]) >= 8


async def test_limits_of_bodies(make_client: MakeClient, doorman: Doorman, business_id: UUID, shelf: str):
    doorman.register("amina", business_id)
    client = make_client(body_bytes=1000, callback_body_bytes=100, upload_body_bytes=5000)

    async def send(path: str, size: int, *, chunked: bool) -> int:
        async def chunks():
            for start in range(0, size, 100):
                yield b" " * min(100, size - start)

        content = chunks() if chunked else b" " * size
        answer = await client.post(
            path, content=content, headers={"content-type": "application/json", "idempotency-key": "k"}
        )
        return answer.status_code

    for chunked in (False, True):
        assert await send(shelf, 1000, chunked=chunked) == 400
        assert await send(shelf, 1001, chunked=chunked) == 413
        assert await send("/d/token/stk", 100, chunked=chunked) == 200
        assert await send("/d/token/stk", 101, chunked=chunked) == 413
        assert await send(f"{shelf}/upload", 5000, chunked=chunked) == 204
        assert await send(f"{shelf}/upload", 5001, chunked=chunked) == 413


async def test_the_usual_limits_are_those_of_the_contract(make_app: MakeApp):
    options = make_app().state.edge.options
    assert (options.body_bytes, options.callback_body_bytes, options.upload_body_bytes) == (1 << 20, 64 << 10, 10 << 20)


@pytest.mark.parametrize("length", ["-1", "1e3", "٣", "9" * 400])
async def test_a_length_that_is_no_number_is_refused(client: httpx2.AsyncClient, shelf: str, length: str):
    headers = {b"content-type": b"application/json", b"content-length": length.encode(), b"idempotency-key": b"k"}
    answer = await client.post(shelf, content=b"{}", headers=headers)
    assert answer.status_code in {400, 413}
    assert json.loads(answer.content)["code"] in {"http.malformed", "http.body_too_large"}
