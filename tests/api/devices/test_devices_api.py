"""Devices: registered by a code once, known by a credential that rotates, signed in to by PIN, ended when revoked."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from payme.features.identity import Role
from tests.api.devices.conftest import PIN, employ
from tests.api.trade.conftest import Counter
from tests.application import client_of
from tests.people import Person
from tests.tills import Device
from tests.trade import TradingShop

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_code_makes_one_device_with_a_prefix_of_its_own(app: Any, owner: Counter, shop: TradingShop) -> None:
    code = (await owner.http.post("devices/codes", json={"name": "Counter 2"})).json()["code"]
    async with client_of(app, None) as public:
        made = await public.post("http://shop.test/v1/devices/register", json={"code": code})
        again = await public.post("http://shop.test/v1/devices/register", json={"code": code})
    assert made.status_code == 201, made.text
    assert made.json()["name"] == "Counter 2"
    assert made.json()["business"]["id"] == str(shop.business_id)
    assert again.status_code == 403
    assert again.json()["code"] == "devices.code_refused"
    rows = await shop.rows("select receipt_prefix from tills where business_id = $1 order by created_at")
    assert len(rows) == len(set(rows)) == 2
    assert rows[-1] == (made.json()["receipt_prefix"],)
    stored = await shop.rows(
        "select code_hash, credential_hash from device_codes join devices using (business_id) where business_id = $1"
    )
    assert len(stored) == 1
    assert code.encode() not in stored[0]
    assert made.json()["credential"].encode() not in stored[0]


async def test_a_code_ends_after_a_quarter_of_an_hour(app: Any, owner: Counter, shop: TradingShop) -> None:
    code = (await owner.http.post("devices/codes", json={"name": "Late"})).json()["code"]
    await shop.value(
        "update device_codes set expires_at = now() - interval '1 second' where business_id = $1 returning 1"
    )
    async with client_of(app, None) as public:
        refused = await public.post("http://shop.test/v1/devices/register", json={"code": code})
    assert refused.json()["code"] == "devices.code_refused"
    assert await shop.value("select count(*) from devices where business_id = $1") == 0


async def test_the_old_credential_is_good_until_the_new_one_is_used(till: Device) -> None:
    first = (await till.http.post("devices/me/credential")).json()["credential"]
    second = (await till.http.post("devices/me/credential")).json()["credential"]
    me = f"http://shop.test/v1/businesses/{till.business_id}/devices/me"
    async with client_of(till.app, first) as lost, client_of(till.app, second) as fresh:
        assert (await till.http.get("devices/me")).status_code == 200
        assert (await lost.get(me)).status_code == 401
        assert (await fresh.get(me)).status_code == 200
        assert await answer_within_a_second(lambda: till.http.get("devices/me"), "devices.refused")


async def test_a_device_of_another_business_finds_nothing(till: Device, other_shop: TradingShop) -> None:
    answer = await till.http.get(f"http://shop.test/v1/businesses/{other_shop.business_id}/devices/me")
    assert answer.status_code == 404


async def test_a_device_may_do_nothing_by_itself(till: Device) -> None:
    for path in ("products", "sales", "members", "devices"):
        answer = await till.http.get(path)
        assert (answer.status_code, answer.json()["code"]) == (403, "auth.permission_missing"), path


async def test_staff_come_with_a_verifier_and_only_to_the_device(till: Device, cashier: Person, owner: Counter) -> None:
    staff = (await till.http.get("devices/me/staff")).json()
    assert [(each["user_id"], each["roles"]) for each in staff] == [(str(cashier.id), ["cashier"])]
    assert staff[0]["pin_verifier"].startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert "sales.create" in staff[0]["permissions"]
    assert (await owner.http.get("devices/me/staff")).json()["code"] == "devices.needed"
    session = await sign_in(till, cashier)
    async with client_of_till(till, session.json()["access_token"]) as person:
        assert (await person.get("devices/me/staff")).json()["code"] == "devices.needed"


async def test_a_pin_opens_a_session_at_the_device_alone(
    till: Device, cashier: Person, other_shop: TradingShop
) -> None:
    session = await sign_in(till, cashier)
    assert session.status_code == 200, session.text
    assert "phone" not in {name for name, value in session.json()["user"].items() if value}
    async with client_of_till(till, session.json()["access_token"]) as person:
        assert (await person.get("sales")).status_code == 200
        assert (await person.get("ledger")).status_code in {403, 404}
        assert (await person.get("devices/me")).json()["device_id"] == str(till.id)
        assert (await person.get(f"http://shop.test/v1/businesses/{other_shop.business_id}/sales")).status_code == 404


async def test_pins_are_for_devices(owner: Counter, cashier: Person) -> None:
    answer = await owner.http.post("http://shop.test/v1/auth/pin", json={"staff_id": str(cashier.id), "pin": PIN})
    assert answer.json()["code"] == "devices.needed"


async def test_five_wrong_pins_wait_for_a_manager(
    till: Device, cashier: Person, owner: Counter, shop: TradingShop
) -> None:
    for _ in range(5):
        assert (await sign_in(till, cashier, "1111")).json()["code"] == "auth.proof_wrong"
    locked = await sign_in(till, cashier)
    assert (locked.status_code, locked.json()["code"]) == (403, "auth.pin_locked")
    assert await shop.value("select count(*) from sessions where opened_in = $1") == 0
    freed = await owner.http.post(f"devices/{till.id}/unlock", json={"user_id": str(cashier.id)})
    assert freed.status_code == 200
    assert (await sign_in(till, cashier)).status_code == 200


async def test_a_right_pin_forgets_the_wrong_ones(till: Device, cashier: Person) -> None:
    for _ in range(2):
        for _ in range(4):
            await sign_in(till, cashier, "1111")
        assert (await sign_in(till, cashier)).status_code == 200


async def test_a_revoked_device_is_told_so_and_its_sessions_end(
    till: Device, cashier: Person, owner: Counter, shop: TradingShop
) -> None:
    session = await sign_in(till, cashier)
    assert (await owner.http.delete(f"devices/{till.id}")).status_code == 204
    assert await answer_within_a_second(lambda: till.http.get("devices/me"), "sync.device_revoked") == 403
    async with client_of_till(till, session.json()["access_token"]) as person:
        assert await answer_within_a_second(lambda: person.get("sales"), "auth.session_ended") == 401
    assert (await sign_in(till, cashier)).json()["code"] == "sync.device_revoked"
    assert (await owner.http.delete(f"devices/{till.id}")).json()["code"] == "devices.not_found"
    assert await shop.value("select count(*) from audit_log where business_id = $1 and action = 'device.revoked'") == 1


async def test_a_device_that_was_not_seen_for_90_days_registers_again(till: Device, shop: TradingShop) -> None:
    await shop.value("update devices set last_seen_at = now() - interval '91 days' where business_id = $1 returning 1")
    answer = await till.http.get("devices/me")
    assert (answer.status_code, answer.json()["code"]) == (401, "devices.refused")


async def test_devices_are_listed_and_renamed(till: Device, owner: Counter) -> None:
    (row,) = (await owner.http.get("devices")).json()["data"]
    assert row["id"] == str(till.id)
    tag = (await owner.http.get(f"devices/{till.id}")).headers["etag"]
    renamed = await owner.http.patch(f"devices/{till.id}", json={"name": "Door"}, headers={"if-match": tag})
    assert (renamed.status_code, renamed.json()["name"]) == (200, "Door")


async def test_a_cashier_neither_makes_codes_nor_revokes(shop: TradingShop, counter_for: Any, till: Device) -> None:
    person = await employ(shop, Role.CASHIER, "Kamau")
    counter = counter_for(shop, person)
    for answer in (
        await counter.http.post("devices/codes", json={"name": "x"}),
        await counter.http.delete(f"devices/{till.id}"),
    ):
        assert answer.json()["code"] == "auth.permission_missing"
    assert await shop.value("select count(*) from device_codes where business_id = $1") == 1
    assert await shop.value("select count(*) from devices where business_id = $1 and revoked_at is null") == 1


async def sign_in(till: Device, person: Person, pin: str = PIN) -> Any:
    return await till.http.post("http://shop.test/v1/auth/pin", json={"staff_id": str(person.id), "pin": pin})


def client_of_till(till: Device, token: str) -> Any:
    http = client_of(till.app, token)
    http.base_url = till.http.base_url
    return http


async def answer_within_a_second(ask: Callable[[], Awaitable[Any]], code: str) -> int:
    """Return the status once the code is answered, which a notice brings about in less than a second."""
    until = asyncio.get_running_loop().time() + 1
    while True:
        answer = await ask()
        if answer.status_code >= 400 and answer.json()["code"] == code:
            return int(answer.status_code)
        assert asyncio.get_running_loop().time() < until, answer.text
