from uuid import UUID

import httpx2
import pytest

from payme.kit.ids import new_id
from tests.api.http.shelf import Doorman
from tests.api.http.types import MakeApp, MakeClient


async def fill(client: httpx2.AsyncClient, shelf: str, count: int) -> list[str]:
    ids = sorted(str(new_id()) for _ in range(count))
    for each in ids:
        answer = await client.post(shelf, json={"id": each, "name": each}, headers={"idempotency-key": each})
        assert answer.status_code == 201
    return ids


async def test_a_list_is_walked_by_its_cursors(client: httpx2.AsyncClient, shelf: str):
    ids = await fill(client, shelf, 5)
    seen, path = [], f"{shelf}?limit=2"
    while path:
        answer = await client.get(path)
        document = answer.json()
        assert set(document) == {"data", "next_cursor", "has_more"}
        seen += [row["id"] for row in document["data"]]
        assert document["has_more"] == ("link" in answer.headers) == (document["next_cursor"] is not None)
        path = answer.links["next"]["url"] if document["has_more"] else ""
    assert seen == ids


async def test_a_cursor_is_good_for_its_own_list_only(
    client: httpx2.AsyncClient, make_client: MakeClient, doorman: Doorman, shelf: str, owner_dsn: str
):
    await fill(client, shelf, 3)
    cursor = (await client.get(f"{shelf}?limit=1")).json()["next_cursor"]
    assert (await client.get(f"{shelf}?cursor={cursor}")).status_code == 200
    flipped = ("A" if cursor[0] != "A" else "B") + cursor[1:]
    for tampered in (flipped, cursor[:-2], cursor + "AA", "", "x", "%F0%9F%92%A9", "!!!!", cursor[:20]):
        answer = await client.get(f"{shelf}?cursor={tampered}")
        assert (answer.status_code, answer.json()["code"]) == (422, "pagination.cursor_invalid"), tampered
    assert (await client.get(f"{shelf}/counted?cursor={cursor}")).json()["code"] == "pagination.cursor_invalid"


async def test_a_cursor_of_another_business_is_refused(client: httpx2.AsyncClient, shelf: str, make_app: MakeApp):
    foreign = make_app().state.edge.cursors.encode(f"shelf_list:{UUID(int=1)}", ["x"])
    answer = await client.get(f"{shelf}?cursor={foreign}")
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/cursor")


async def test_what_did_not_change_is_not_sent_again(client: httpx2.AsyncClient, shelf: str):
    [branch] = await fill(client, shelf, 1)
    for path in (shelf, f"{shelf}/{branch}", f"{shelf}/counted"):
        first = await client.get(path)
        assert first.headers["cache-control"] == "private, no-cache"
        again = await client.get(path, headers={"if-none-match": f'"other", W/{first.headers["etag"]}'})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
        assert (await client.get(path, headers={"if-none-match": '"other"'})).status_code == 200
    tag = (await client.get(f"{shelf}/counted")).headers["etag"]
    await fill(client, shelf, 1)
    assert (await client.get(f"{shelf}/counted", headers={"if-none-match": tag})).status_code == 200


async def test_head_is_get_without_the_body(client: httpx2.AsyncClient, shelf: str):
    whole = await client.get(shelf)
    answer = await client.head(shelf)
    assert (answer.status_code, answer.content, answer.headers["etag"]) == (200, b"", whole.headers["etag"])


async def test_nobody_overwrites_what_they_have_not_read(client: httpx2.AsyncClient, shelf: str):
    [branch] = await fill(client, shelf, 1)
    path = f"{shelf}/{branch}"
    absent = await client.patch(path, json={"name": "B"})
    assert (absent.status_code, absent.json()["code"]) == (428, "http.precondition_required")
    read = (await client.get(path)).headers["etag"]
    changed = await client.patch(path, json={"name": "B"}, headers={"if-match": read})
    assert (changed.status_code, changed.json()["rev"], changed.json()["name"]) == (200, 2, "B")
    stale = await client.patch(path, json={"name": "C"}, headers={"if-match": read})
    assert (stale.status_code, stale.json()["code"]) == (412, "http.precondition_failed")
    assert (await client.get(path)).json()["name"] == "B"
    again = await client.patch(path, json={"name": "C"}, headers={"if-match": changed.headers["etag"]})
    assert again.json()["rev"] == 3
    assert (await client.get(path)).headers["etag"] == again.headers["etag"]


@pytest.mark.parametrize(
    ("header", "status"), [('"1"', 412), ('W/"3"', 412), ("*", 200), ('"9", "3"', 200), ("3", 412)]
)
async def test_how_a_revision_may_be_named(client: httpx2.AsyncClient, shelf: str, header: str, status: int):
    [branch] = await fill(client, shelf, 1)
    for _ in range(2):
        await client.patch(f"{shelf}/{branch}", json={"name": "B"}, headers={"if-match": "*"})
    answer = await client.patch(f"{shelf}/{branch}", json={"name": "C"}, headers={"if-match": header})
    assert answer.status_code == status


async def test_a_put_that_creates_needs_no_revision(client: httpx2.AsyncClient, shelf: str):
    path = f"{shelf}/{new_id()}"
    assert (await client.put(path, json={"name": "A"}, headers={"if-match": '"1"'})).status_code == 412
    assert (await client.put(path, json={"name": "A"})).status_code == 201
    assert (await client.put(path, json={"name": "B"})).status_code == 428
    assert (await client.put(path, json={"name": "B"}, headers={"if-match": '"1"'})).status_code == 200
