import asyncio
import json
from uuid import UUID

import httpx2
import pytest

from payme.kit.ids import new_id
from payme.runtime.database import Database
from tests.api.http import shelf as feature
from tests.api.http.shelf import Doorman
from tests.api.http.types import Count, MakeApp, MakeClient


async def test_64_equal_keys_at_once_have_one_effect_and_identical_answers(
    client: httpx2.AsyncClient, shelf: str, count_branches: Count
):
    body = {"name": "Gikomba"}
    answers = await asyncio.gather(
        *(client.post(shelf, json=body, headers={"idempotency-key": "k-64"}) for _ in range(64))
    )
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert sum("idempotency-replayed" in answer.headers for answer in answers) == 63
    assert await count_branches() == 1


async def test_equal_keys_in_two_processes_have_one_effect(
    make_client: MakeClient, doorman: Doorman, business_id: UUID, shelf: str, count_branches: Count
):
    doorman.register("amina", business_id)
    clients = [make_client(), make_client()]
    body = {"id": str(new_id()), "name": "Gikomba"}
    calls = [clients[turn % 2].post(shelf, json=body, headers={"idempotency-key": "two"}) for turn in range(16)]
    answers = await asyncio.gather(*calls)
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert await count_branches() == 1


async def test_the_same_key_with_another_body_is_refused(client: httpx2.AsyncClient, shelf: str, count_branches: Count):
    first = await client.post(shelf, json={"name": "A"}, headers={"idempotency-key": "k"})
    other = await client.post(shelf, json={"name": "B"}, headers={"idempotency-key": "k"})
    assert (first.status_code, other.status_code, other.json()["code"]) == (201, 422, "idempotency.key_reused")
    assert await count_branches() == 1


async def test_a_missing_key_is_told_before_anything_about_the_body(client: httpx2.AsyncClient, shelf: str):
    for body in (b"{", b"", b'{"name": 1}'):
        answer = await client.post(shelf, content=body, headers={"content-type": "application/json"})
        assert (answer.status_code, answer.json()["code"]) == (400, "idempotency.key_required")


async def test_white_space_and_order_of_members_are_not_another_body(client: httpx2.AsyncClient, shelf: str):
    headers = {"idempotency-key": "k", "content-type": "application/json"}
    first = await client.post(shelf, content=b'{"name":"A","room_for":9}', headers=headers)
    again = await client.post(shelf, content=b'{ "room_for": 9, "name": "A" }', headers=headers)
    assert again.content == first.content
    assert again.headers["idempotency-replayed"] == "true"


async def test_a_refusal_is_not_stored_and_a_success_is_replayed_when_the_rule_would_now_refuse(
    client: httpx2.AsyncClient, shelf: str, count_branches: Count
):
    refused = await client.post(shelf, json={"name": "A", "room_for": 0}, headers={"idempotency-key": "none"})
    assert (refused.status_code, refused.json()["code"], refused.json()["facts"]) == (
        409,
        "shelf.full",
        {"room_for": 0},
    )
    assert await count_branches() == 0
    body = {"name": "A", "room_for": 1}
    first = await client.post(shelf, json=body, headers={"idempotency-key": "none"})
    again = await client.post(shelf, json=body, headers={"idempotency-key": "none"})
    assert (first.status_code, again.status_code, again.headers["idempotency-replayed"]) == (201, 201, "true")
    assert again.content == first.content
    fresh = await client.post(shelf, json=body, headers={"idempotency-key": "another"})
    assert (fresh.status_code, await count_branches()) == (409, 1)


async def test_a_key_belongs_to_one_credential_family(
    make_client: MakeClient, doorman: Doorman, business_id: UUID, shelf: str, count_branches: Count
):
    for token in ("amina", "brian"):
        doorman.register(token, business_id)
        answer = await make_client(token=token).post(shelf, json={"name": token}, headers={"idempotency-key": "k"})
        assert answer.status_code == 201
    assert await count_branches() == 2


@pytest.mark.parametrize(
    ("key", "code"), [(None, "key_required"), ("", "key_invalid"), ("x" * 256, "key_invalid"), ("a\tb", "key_invalid")]
)
async def test_a_key_is_needed_and_sane(
    client: httpx2.AsyncClient, shelf: str, count_branches: Count, key: str | None, code: str | None
):
    headers = {} if key is None else {"idempotency-key": key}
    answer = await client.post(shelf, json={"name": "A"}, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (400, f"idempotency.{code}")
    assert await count_branches() == 0


async def test_a_call_whose_first_is_still_running_waits_and_then_says_so(
    make_app: MakeApp,
    make_client: MakeClient,
    doorman: Doorman,
    business_id: UUID,
    shelf: str,
    count_branches: Count,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(feature, "release", asyncio.Event())
    doorman.register("amina", business_id)
    app = make_app(still_running_seconds=0.2)
    client: httpx2.AsyncClient = make_client(app)
    call = {"url": f"{shelf}/slow", "json": {"name": "A"}, "headers": {"idempotency-key": "slow"}}
    first = asyncio.ensure_future(client.post(**call))
    async with asyncio.timeout(5):
        while not app.state.edge.flights:
            await asyncio.sleep(0.01)
    second = await client.post(**call)
    assert (second.status_code, second.json()["code"], second.headers["retry-after"]) == (
        409,
        "idempotency.still_running",
        "1",
    )
    assert second.json()["retryable"]
    feature.release.set()
    assert (await first).status_code == 201
    assert (await client.post(**call)).content == (await first).content
    assert await count_branches() == 1


async def test_rows_that_stay_busy_are_not_waited_for_without_end(
    make_client: MakeClient, doorman: Doorman, business_id: UUID, shelf: str
):
    doorman.register("amina", business_id)
    answer = await make_client(still_running_seconds=0.1, answer_seconds=0.5).post(
        f"{shelf}/busy", json={"name": "A"}, headers={"idempotency-key": "k"}
    )
    assert (answer.status_code, answer.json()["code"]) == (503, "http.unavailable")
    assert answer.headers["retry-after"]


async def test_the_answer_is_what_is_stored_byte_for_byte(
    client: httpx2.AsyncClient, shelf: str, database: Database, business_id: UUID
):
    answer = await client.post(shelf, json={"name": "Ünïcode ✓"}, headers={"idempotency-key": "bytes"})
    stored = await database.run(
        lambda uow: uow.fetchval(
            "select response from idempotency_keys where business_id = $1 and key = 'bytes'", business_id
        ),
        business_id=business_id,
    )
    assert answer.content == stored.encode()
    assert json.loads(stored)["name"] == "Ünïcode ✓"
