import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import httpx2
import pytest

from tests.people import PASSWORD, Shop, hire, make_person, new_phone

Client = httpx2.AsyncClient
MakeClient = Callable[..., Client]
OWN = {"origin": "http://shop.test", "sec-fetch-site": "same-origin"}


async def until(condition: Callable[[], Awaitable[bool]], seconds: float = 1) -> None:
    deadline = asyncio.get_running_loop().time() + seconds
    while not await condition():
        assert asyncio.get_running_loop().time() < deadline, f"it did not happen within {seconds} s"
        await asyncio.sleep(0.01)


def code(response: Any) -> tuple[int, str]:
    return response.status_code, response.json()["code"]


async def test_from_sign_up_to_a_business_of_ones_own_and_out_again(make_client: MakeClient):
    phone = new_phone()
    anybody = make_client()
    answer = await anybody.post(
        "/v1/auth/signup",
        json={"name": "Wanjiku", "phone": phone, "password": PASSWORD, "role": "owner", "platform_role": "support"},
    )
    assert answer.status_code == 201
    body = answer.json()
    assert set(body) == {"user", "access_token", "refresh_token", "token_type", "expires_in"}
    assert body["user"]["phone"] == phone
    assert answer.headers["cache-control"] == "no-store"

    me = make_client(body["access_token"])
    assert (await me.get("/v1/me")).json() == {"user": body["user"], "businesses": []}
    created = await me.post("/v1/businesses", json={"name": "Duka la Wanjiku"})
    assert created.status_code == 201
    business = created.json()
    seen = (await me.get("/v1/me")).json()["businesses"]
    assert seen == [{"id": business["id"], "name": "Duka la Wanjiku", "roles": ["owner"]}]

    again = await anybody.post("/v1/auth/login", json={"identifier": f"0{phone[3:]}", "password": PASSWORD})
    assert again.status_code == 200
    out = make_client(again.json()["access_token"])
    assert len((await out.get("/v1/sessions")).json()) == 2
    assert (await out.post("/v1/auth/logout")).status_code == 204

    async def is_out() -> bool:
        return (await out.get("/v1/me")).status_code == 401

    await until(is_out)
    assert code(await out.get("/v1/me")) == (401, "auth.session_ended")
    refused = await anybody.post("/v1/auth/refresh", json={"refresh_token": again.json()["refresh_token"]})
    assert code(refused) == (401, "auth.session_ended")
    assert (await me.get("/v1/me")).status_code == 200


@pytest.mark.parametrize(
    ("body", "status", "expected"),
    [
        ({"name": "A", "phone": "0712", "password": PASSWORD}, 422, "auth.phone_invalid"),
        ({"name": "A", "email": "a@", "password": PASSWORD}, 422, "auth.email_invalid"),
        ({"name": "A", "password": PASSWORD}, 422, "auth.identifier_missing"),
        ({"name": "A", "phone": "0712345678", "password": "short"}, 422, "http.invalid"),
        ({"name": "", "phone": "0712345678", "password": PASSWORD}, 422, "http.invalid"),
        ({"phone": "0712345678"}, 422, "http.invalid"),
    ],
)
async def test_a_sign_up_that_makes_no_sense_is_refused_by_name(
    make_client: MakeClient, body: dict[str, str], status: int, expected: str
):
    answer = await make_client().post("/v1/auth/signup", json=body)
    assert code(answer) == (status, expected)
    assert PASSWORD not in answer.text


async def test_a_taken_number_is_a_conflict_and_a_wrong_password_is_401_then_429(make_client: MakeClient, shop: Shop):
    anybody, phone = make_client(), shop.owner.phone
    taken = await anybody.post("/v1/auth/signup", json={"name": "B", "phone": phone, "password": PASSWORD})
    assert code(taken) == (409, "auth.identifier_taken")
    for _ in range(5):
        wrong = await anybody.post("/v1/auth/login", json={"identifier": phone, "password": "wrong"})
        assert code(wrong) == (401, "auth.login_failed")
    closed = await anybody.post("/v1/auth/login", json={"identifier": phone, "password": PASSWORD})
    assert code(closed) == (429, "auth.too_many_failures")
    assert 0 < int(closed.headers["retry-after"]) <= 900


async def test_twenty_refreshes_at_once_get_twenty_equal_answers(make_client: MakeClient, shop: Shop):
    anybody = make_client()

    async def refresh() -> Any:
        return await anybody.post("/v1/auth/refresh", json={"refresh_token": shop.owner.refresh_token})

    answers = await asyncio.gather(*(refresh() for _ in range(20)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    token = answers[0].json()["access_token"]
    assert (await make_client(token).get("/v1/me")).status_code == 200


async def test_a_browser_gets_cookies_and_needs_the_csrf_token_for_every_change(make_client: MakeClient, shop: Shop):
    browser = make_client()
    login = {"identifier": shop.owner.phone, "password": PASSWORD}
    answer = await browser.post("/v1/auth/login?cookie=1", json=login)
    assert answer.status_code == 200
    assert set(answer.json()) == {"user", "expires_in", "csrf_token"}
    cookies = answer.headers.get_list("set-cookie")
    assert [cookie.partition("=")[0] for cookie in cookies] == ["payme_session", "payme_refresh", "payme_csrf"]
    assert ["HttpOnly" in cookie for cookie in cookies] == [True, True, False]
    assert all("SameSite=lax" in cookie and "Path=/" in cookie for cookie in cookies)

    csrf = {"x-csrf-token": answer.json()["csrf_token"]}
    assert (await browser.get("/v1/me")).status_code == 200
    business = {"name": "From a browser"}
    stranger = (await make_client().post("/v1/auth/login?cookie=1", json=login)).json()["csrf_token"]
    for headers in (
        OWN,
        csrf,
        {**OWN, "x-csrf-token": stranger},
        {**csrf, "origin": "https://evil.example"},
        {**csrf, "origin": "null"},
        {**csrf, "sec-fetch-site": "cross-site"},
    ):
        assert code(await browser.post("/v1/businesses", json=business, headers=headers)) == (403, "auth.csrf_refused")
    assert [each["name"] for each in (await browser.get("/v1/me")).json()["businesses"]] == ["Duka"]
    assert (await browser.post("/v1/businesses", json=business, headers={**OWN, **csrf})).status_code == 201

    assert code(await browser.post("/v1/auth/refresh", headers=OWN)) == (403, "auth.csrf_refused")
    fresh = await browser.post("/v1/auth/refresh", headers={**OWN, **csrf})
    assert fresh.status_code == 200
    assert "access_token" not in fresh.json()
    csrf = {"x-csrf-token": fresh.json()["csrf_token"]}
    assert (await browser.post("/v1/auth/logout", headers={**OWN, **csrf})).status_code == 204
    assert dict(browser.cookies) == {}


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "pk_test_x", "eyJhbGciOiJub25lIn0.e30."])
async def test_what_is_no_token_is_401(make_client: MakeClient, token: str):
    assert (await make_client(token).get("/v1/me")).status_code == 401


async def test_a_key_does_what_its_scopes_say_in_its_business_and_is_no_person(
    make_client: MakeClient, owner: Client, shop: Shop
):
    base = f"/v1/businesses/{shop.id}"
    made = await owner.post(f"{base}/api-keys", json={"name": "Export", "scopes": ["business.read", "members.read"]})
    assert made.status_code == 201
    program = make_client(made.json()["key"])
    assert (await program.get(base)).status_code == 200
    assert (await program.get(f"{base}/members")).json()["data"][0]["roles"] == ["owner"]
    assert code(await program.get(f"{base}/audit")) == (403, "auth.permission_missing")
    for method, path in (("GET", "/v1/me"), ("POST", "/v1/auth/logout"), ("GET", "/v1/sessions")):
        assert code(await program.request(method, path)) == (403, "auth.person_needed")
    assert code(await program.post("/v1/businesses", json={"name": "Mine"})) == (403, "auth.person_needed")
    listed = (await owner.get(f"{base}/api-keys")).json()["data"]
    assert "key" not in listed[0]
    assert (await owner.delete(f"{base}/api-keys/{made.json()['id']}")).status_code == 204

    async def is_refused() -> bool:
        return (await program.get(base)).status_code == 401

    await until(is_refused)


async def test_an_invitation_brings_somebody_in_by_http(make_client: MakeClient, owner: Client, shop: Shop):
    base = f"/v1/businesses/{shop.id}"
    made = (await owner.post(f"{base}/invitations", json={"roles": ["cashier"], "role": "owner"})).json()
    guest = await make_person(shop.database, "Achieng")
    client = make_client(guest.access_token)
    assert (await client.get(base)).status_code == 404
    accepted = await client.post("/v1/invitations/accept", json={"token": made["token"]})
    assert accepted.json() == {"business_id": str(shop.id), "roles": ["cashier"]}
    assert code(await client.post("/v1/invitations/accept", json={"token": made["token"]})) == (
        404,
        "invitations.not_found",
    )

    async def is_in() -> bool:
        return (await client.get(base)).status_code == 200

    await until(is_in)
    assert code(await client.get(f"{base}/members")) == (403, "auth.permission_missing")
    assert "token" not in (await owner.get(f"{base}/invitations")).json()["data"][0]


async def test_a_member_is_changed_with_if_match_and_removed(make_client: MakeClient, owner: Client, shop: Shop):
    cashier = await hire(shop, "cashier")
    path = f"/v1/businesses/{shop.id}/members/{cashier.id}"
    tag = (await owner.get(path)).headers["etag"]
    body = {"roles": ["manager"], "status": "removed", "user_id": str(shop.owner.id)}
    assert (await owner.patch(path, json=body)).status_code == 428
    assert (await owner.patch(path, json=body, headers={"if-match": '"7-x"'})).status_code == 412
    changed = await owner.patch(path, json=body, headers={"if-match": tag})
    assert (changed.status_code, changed.json()["roles"], changed.json()["user_id"]) == (
        200,
        ["manager"],
        str(cashier.id),
    )
    assert (await owner.patch(path, json=body, headers={"if-match": tag})).status_code == 412
    assert (await owner.put(f"{path}/pin", json={"pin": "4829"})).status_code == 204
    assert code(await owner.put(f"{path}/pin", json={"pin": "48a9"})) == (422, "members.pin_invalid")
    assert (await owner.delete(path)).status_code == 204
    assert code(await owner.get(path)) == (404, "members.not_found")
    assert code(await owner.delete(f"/v1/businesses/{shop.id}/members/{shop.owner.id}")) == (409, "members.last_owner")
    actions = [row["action"] for row in (await owner.get(f"/v1/businesses/{shop.id}/audit")).json()["data"]]
    assert actions[:3] == ["member.removed", "member.pin_set", "member.roles_changed"]


async def test_the_audit_log_is_paged_by_cursor(owner: Client, shop: Shop):
    path = f"/v1/businesses/{shop.id}/audit"
    whole = (await owner.get(path)).json()["data"]
    found: list[dict[str, Any]] = []
    answer = (await owner.get(path, params={"limit": 1})).json()
    while True:
        found += answer["data"]
        if not answer["has_more"]:
            break
        answer = (await owner.get(path, params={"limit": 1, "cursor": answer["next_cursor"]})).json()
    assert found == whole
    assert len(found) == len({row["id"] for row in found}) > 2
    one = (await owner.get(path, params={"action": "till.created"})).json()["data"]
    assert [row["action"] for row in one] == ["till.created"]


async def test_settings_branches_and_tills_by_http(owner: Client, shop: Shop):
    base = f"/v1/businesses/{shop.id}"
    read = await owner.get(base)
    assert (await owner.get(base, headers={"if-none-match": read.headers["etag"]})).status_code == 304
    change = {"cash_rounding_cents": 100, "day_starts_at": "04:00", "is_platform": True, "status": "closed", "rev": 9}
    changed = await owner.patch(base, json=change, headers={"if-match": read.headers["etag"]})
    body = changed.json()
    assert (body["cash_rounding_cents"], body["day_starts_at"], body["is_platform"], body["status"], body["rev"]) == (
        100,
        "04:00:00",
        False,
        "active",
        2,
    )
    wrong = await owner.patch(base, json={"cash_rounding_cents": 33}, headers={"if-match": changed.headers["etag"]})
    assert code(wrong) == (422, "http.invalid")
    branch = (await owner.post(f"{base}/branches", json={"name": "Kariakor"})).json()
    till = await owner.post(f"{base}/tills", json={"name": "Till 2", "branch_id": branch["id"]})
    assert (till.status_code, till.json()["receipt_prefix"]) == (201, "A2")
    unknown = await owner.post(f"{base}/tills", json={"name": "Till 3", "branch_id": str(shop.id)})
    assert code(unknown) == (404, "businesses.branch_not_found")
    assert len((await owner.get(f"{base}/tills")).json()["data"]) == 2
    assert len((await owner.get(f"{base}/branches")).json()["data"]) == 2
