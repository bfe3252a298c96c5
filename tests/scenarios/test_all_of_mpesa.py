"""Money that comes and goes by M-Pesa without a prompt, through API, worker and simulator as processes of their own."""

import itertools
from collections.abc import AsyncGenerator
from datetime import timedelta
from typing import Any

import httpx2
import pytest
import pytest_asyncio

from payme.features import operations
from payme.features.identity import Role, add_member
from payme.runtime.database import UnitOfWork
from tests.features.operations.commands import payme_json
from tests.on_the_wall import on_the_wall
from tests.people import PASSWORD, make_person
from tests.stack import Stack, StackShop, open_stack, until

PRICE = 15_000
_numbers = itertools.count(1)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stack(base_dsn: str, worker_name: str) -> AsyncGenerator[Stack]:
    """A stack of this room's own: others move the clock of their simulator."""
    async with open_stack(base_dsn, f"extra_{worker_name}_mpesa") as opened:
        yield opened


def phone(suffix: str = "55") -> str:
    """Return a number that nobody else uses, with these last digits."""
    return f"25472{next(_numbers):05d}{suffix}"


async def everything_holds(shop: StackShop) -> None:
    """Assert every invariant of the shop."""
    findings = await shop.stack.database.run(operations.check_invariants, business_id=shop.business_id)
    assert [finding for finding in findings if finding.violations] == []


async def the_tray(shop: StackShop, count: int = 1) -> list[Any]:
    """Wait until so many amounts lie in the tray, and return them."""

    async def look() -> Any:
        shop.stack.require_alive()
        rows = (await shop.get("/unclaimed"))["data"]
        return rows if len(rows) == count else None

    return await until(look)


async def test_money_on_the_till_is_found_and_claimed(stack: Stack) -> None:
    shop, till = await on_the_wall(stack)
    sale = await shop.sell_by_prompt(phone("32"), PRICE)
    await shop.sale_becomes(sale["id"], "payment_failed")
    paid = await stack.simulator.control.pay(phone(), till, PRICE // 100, name="JOHN")
    (row,) = await the_tray(shop)
    assert (row["mpesa_receipt_number"], row["amount_cents"], row["payer_name"]) == (paid["receipt"], PRICE, "JOHN")
    assert row["payer_number"].endswith("55")
    assert "*" in row["payer_number"]
    suggested = await shop.get(f"/unclaimed/{row['id']}/suggestions")
    assert [(each["purpose_id"], each["because"]) for each in suggested] == [(sale["id"], ["amount", "time"])]
    done = await shop.post(f"/unclaimed/{row['id']}/claim", {"purpose": "sale", "purpose_id": sale["id"]})
    assert (done["status"], done["payments"][-1]["assurance"]) == ("completed", "confirmed")
    again = await shop.call("POST", f"/unclaimed/{row['id']}/claim", {"purpose": "sale", "purpose_id": sale["id"]})
    assert (again.status_code, again.json()["code"]) == (409, "sales.not_open")
    await everything_holds(shop)


async def test_a_prompts_money_is_told_twice_and_applied_once(stack: Stack) -> None:
    shop, _ = await on_the_wall(stack, "paybill")
    number = phone("00")
    sale = await shop.sell_by_prompt(number, PRICE)
    await shop.sale_becomes(sale["id"], "completed")

    async def both() -> bool:
        sql = "select count(*) from payment_evidence where business_id = $1 and source in ('c2b', 'callback')"
        return (await shop.rows(sql))[0][0] == 2

    await until(both)
    assert (await shop.get("/unclaimed"))["data"] == []
    assert (await shop.balances())["mpesa"] == PRICE
    await everything_holds(shop)


async def test_a_receipt_number_typed_as_the_account_pays_the_sale(stack: Stack) -> None:
    shop, paybill = await on_the_wall(stack, "paybill")
    sale = await shop.sell_by_prompt(phone("32"), PRICE)
    failed = await shop.sale_becomes(sale["id"], "payment_failed")
    await stack.simulator.control.pay(phone(), paybill, PRICE // 100, reference=failed["receipt_number"].lower())
    done = await shop.sale_becomes(sale["id"], "completed")
    assert done["payments"][-1]["method"] == "mpesa_c2b"
    await everything_holds(shop)


async def test_a_claimed_code_is_proved_when_the_notice_comes(stack: Stack) -> None:
    shop, till = await on_the_wall(stack)
    number = phone()
    await stack.simulator.control.fault("confirmation", "late", seconds=3, msisdn=number)
    paid = await stack.simulator.control.pay(number, till, PRICE // 100)
    tender = {"method": "mpesa_claim", "amount_cents": PRICE, "mpesa_receipt_number": paid["receipt"]}
    sale = await shop.sell([tender])
    assert (sale["status"], sale["payments"][0]["assurance"], sale["payments"][0]["verdict"]) == (
        "completed", "claimed", "waiting",
    )  # fmt: skip

    async def proved() -> bool:
        payment = await shop.get(f"/payments/{sale['payments'][0]['id']}")
        return (payment["assurance"], payment["verdict"]) == ("confirmed", "verified")

    await until(proved)
    assert (await shop.balances())["mpesa"] == PRICE
    await everything_holds(shop)


async def test_what_nobody_told_us_of_is_pulled(stack: Stack) -> None:
    shop, till = await on_the_wall(stack)
    number = phone()
    await stack.simulator.control.fault("confirmation", "lost", msisdn=number)
    paid = await stack.simulator.control.pay(number, till, PRICE // 100)
    await stack.database.run(lambda uow: _enqueue(uow, "payments.pull", {"kind": "till"}), business_id=shop.business_id)
    (row,) = await the_tray(shop)
    assert (row["mpesa_receipt_number"], row["source"], row["is_verified"]) == (paid["receipt"], "pull", True)
    await everything_holds(shop)


async def _enqueue(uow: UnitOfWork, name: str, payload: dict[str, Any]) -> None:
    # Safaricom counts whole seconds: what was paid in this one is not over yet.
    uow.enqueue(name, payload, execute_after=timedelta(seconds=2))


async def agreed(shop: StackShop, payout_id: str) -> None:
    """Have a second person of the shop agree to a payout, by the second person's own login."""
    person = await make_person(shop.stack.database)
    await shop.stack.database.run(
        lambda uow: add_member(uow, person.id, display_name="Otieno", roles=[Role.MANAGER]),
        business_id=shop.business_id,
    )
    login = await shop.http.post("/v1/auth/login", json={"identifier": person.phone, "password": PASSWORD})
    assert login.is_success, login.text
    headers = {"Authorization": f"Bearer {login.json()['access_token']}"}
    url = f"/v1/businesses/{shop.business_id}/payouts/{payout_id}/approve"
    wrong = await shop.http.post(url, json={"proof": "wrong-password-2026"}, headers=headers)
    assert (wrong.status_code, wrong.json()["code"]) == (403, "auth.proof_wrong"), wrong.text
    answer = await shop.http.post(url, json={"proof": PASSWORD}, headers=headers)
    assert answer.is_success, answer.text


async def payout_becomes(shop: StackShop, payout_id: str, *states: str) -> Any:
    async def look() -> Any:
        shop.stack.require_alive()
        payout = await shop.get(f"/payouts/{payout_id}")
        return payout if payout["state"] in states else None

    return await until(look)


async def test_a_person_is_paid_after_somebody_else_agreed(stack: Stack) -> None:
    shop, paybill = await on_the_wall(stack, "paybill")
    await stack.simulator.control.deposit(paybill, 1_000_000, account="Utility Account")
    body = {"amount_cents": 250_000, "phone": phone(), "reason": "Casual labour"}
    made = await shop.post("/payouts", body)
    assert made["state"] == "awaiting_approval"
    own = await shop.call("POST", f"/payouts/{made['id']}/approve", {"proof": PASSWORD})
    assert own.status_code in {401, 403}, own.text
    await agreed(shop, made["id"])
    done = await payout_becomes(shop, made["id"], "succeeded", "failed")
    assert (done["state"], len(done["mpesa_receipt_number"] or "")) == ("succeeded", 10), done
    assert (await shop.balances())["mpesa_paid_out"] == 250_000
    await everything_holds(shop)


async def test_money_goes_back_to_its_sender(stack: Stack) -> None:
    shop, till = await on_the_wall(stack)
    await stack.simulator.control.pay(phone(), till, PRICE // 100)
    (row,) = await the_tray(shop)
    back = await shop.post(f"/unclaimed/{row['id']}/return", {"reason": "Sent to the wrong till"})
    await agreed(shop, back["id"])
    done = await payout_becomes(shop, back["id"], "succeeded", "failed")
    assert done["state"] == "succeeded", done
    assert (await shop.balances()).get("mpesa", 0) == 0
    await everything_holds(shop)


async def test_a_refund_by_m_pesa_leaves_and_completes(stack: Stack) -> None:
    shop, paybill = await on_the_wall(stack, "paybill")
    await stack.simulator.control.deposit(paybill, 1_000_000, account="Utility Account")
    sale = await shop.sell_by_prompt(phone("00"), 2 * PRICE, quantity="2")
    done = await shop.sale_becomes(sale["id"], "completed")
    refund = await shop.post(
        f"/sales/{sale['id']}/refunds",
        {
            "lines": [{"sale_line_id": done["lines"][0]["id"], "quantity": "1", "restock": True}],
            "method": "mpesa",
            "reason": "Torn",
        },
    )
    assert refund["state"] == "pending"
    await shop.sale_becomes(sale["id"], "partly_refunded")
    (found,) = await shop.get(f"/sales/{sale['id']}/refunds")
    assert (found["state"], found["amount_cents"]) == ("completed", PRICE)
    assert (await shop.balances())["mpesa"] == PRICE
    await everything_holds(shop)


# -- trying a way to be paid


async def found_by(shop: StackShop, kind: str) -> dict[str, tuple[str, str]]:
    """Have a way to be paid tried; return mark and words of every check, once M-Pesa has answered all."""
    started = await shop.post(f"/payment-methods/{kind}/probe")

    async def look() -> Any:
        shop.stack.require_alive()
        newest = (await shop.get(f"/payment-methods/{kind}/probe"))[0]
        assert newest["id"] == started["id"]
        marks = {each["mark"] for each in newest["checks"]}
        return newest if newest["ended_at"] and "waiting" not in marks else None

    probe = await until(look)
    assert all(each["found"] and each["found_sw"] for each in probe["checks"])
    return {each["name"]: (each["mark"], each["found"]) for each in probe["checks"]}


async def test_a_till_that_is_set_up_right_is_found_so(stack: Stack) -> None:
    shop, _ = await on_the_wall(stack)
    found = await found_by(shop, "till")
    assert {name: mark for name, (mark, _) in found.items()} == dict.fromkeys(
        ("address", "credentials", "prompts", "notices", "operator", "pull"), "good"
    )


@pytest.mark.parametrize(
    ("change", "check", "words"),
    [
        ({"consumer_secret": "wrong"}, "credentials", "consumer key and secret"),
        ({"passkey": "wrong"}, "prompts", "passkey"),
        ({"shortcode": "669999", "till_number": "5669999"}, "prompts", "short code"),
        ({"initiator_password": "wrong"}, "operator", "operator"),
    ],
)  # fmt: skip
async def test_what_is_set_up_wrong_is_said_in_words(
    stack: Stack, change: dict[str, str], check: str, words: str
) -> None:
    shop, _ = await on_the_wall(stack)
    (method,) = [each for each in await shop.get("/payment-methods") if each["kind"] == "till"]
    body = {
        "shortcode": method["shortcode"], "till_number": method["till_number"], "environment": "sandbox", **change
    }  # fmt: skip
    answer = await shop.http.put(
        f"/v1/businesses/{shop.business_id}/payment-methods/till", json=body, headers={"If-Match": f'"{method["rev"]}"'}
    )
    assert answer.is_success, answer.text
    mark, said = (await found_by(shop, "till"))[check]
    assert mark == "bad"
    assert words in said.lower()


async def test_what_safaricom_cannot_be_asked_about_is_said_so(stack: Stack) -> None:
    shop = await stack.make_shop()
    answer = await shop.call("PUT", "/payment-methods/pochi", {"environment": "sandbox"})
    assert answer.is_success, answer.text
    assert (await found_by(shop, "pochi"))["declared"][0] == "skipped"
    missing = await shop.call("POST", "/payment-methods/send_money/probe")
    assert missing.json()["code"] == "payments.method_not_configured"


# -- what the operator of the platform is told


async def told_to_the_operator(shop: StackShop) -> str:
    """Return what the doctor says of this shop after having it tried: faults, what to do, and the shop's own lines."""
    arguments = ("doctor", "--probe", "--business", str(shop.business_id))
    code, diagnoses = await payme_json(*arguments, **shop.stack.environment)
    assert code == int(any(each["mark"] == "bad" for each in diagnoses))
    mine = [
        (each["found"], each["next_step"], *(line for line in each["details"] if str(shop.business_id) in line))
        for each in diagnoses
        if each["mark"] == "bad" and any(str(shop.business_id) in line for line in each["details"])
    ]
    return "\n".join(itertools.chain.from_iterable(mine))


async def changed(shop: StackShop, kind: str = "till", **change: str) -> None:
    """Change a way to be paid."""
    (method,) = [each for each in await shop.get("/payment-methods") if each["kind"] == kind]
    kept = {name: method[name] for name in ("shortcode", "till_number", "account_reference") if method[name]}
    body = {**kept, "environment": "sandbox", **change}
    url = f"/v1/businesses/{shop.business_id}/payment-methods/{kind}"
    answer = await shop.http.put(url, json=body, headers={"If-Match": f'"{method["rev"]}"'})
    assert answer.is_success, answer.text


async def test_the_operator_hears_nothing_of_a_shop_that_is_set_up_right(stack: Stack) -> None:
    shop, _ = await on_the_wall(stack)
    assert not await told_to_the_operator(shop)


async def test_the_operator_hears_of_a_till_whose_number_is_the_stores(stack: Stack) -> None:
    shop, _ = await on_the_wall(stack)
    (method,) = [each for each in await shop.get("/payment-methods") if each["kind"] == "till"]
    await changed(shop, shortcode=method["till_number"])
    said = await told_to_the_operator(shop)
    assert "prompts: wrong at" in said
    assert "the short code is the store or head-office number" in said


@pytest.mark.parametrize("code", ["2028", "SFC_IC0003"])
async def test_the_operator_hears_of_prompts_that_the_shops_set_up_refuses(stack: Stack, code: str) -> None:
    shop, _ = await on_the_wall(stack)
    customer = phone()
    wrong = {"kind": "result", "product": "stkpush", "code": code, "msisdn": customer, "count": 1}
    await stack.simulator.control.send("POST", "/_sim/faults", wrong)
    sale = await shop.sell_by_prompt(customer, PRICE)
    await shop.sale_becomes(sale["id"], "payment_failed")
    said = await told_to_the_operator(shop)
    assert "prompts: wrong at" in said
    assert "the short code is the store or head-office number" in said


async def test_the_operator_hears_of_addresses_that_are_not_ours(stack: Stack) -> None:
    shop, _ = await on_the_wall(stack)
    await stack.simulator.control.send("PATCH", "/_sim/settings", {"register_once": True})
    try:
        store = str(670_000 + next(_numbers))
        made = await stack.simulator.control.send(
            "POST", "/_sim/shortcodes", {"shortcode": store, "kind": "till", "till_number": f"5{store}", "name": "DUKA"}
        )
        await told_by_somebody_else(stack, store)
        await changed(shop, shortcode=store, till_number=f"5{store}", passkey=made["passkey"])
        await shop.post("/payment-methods/till/c2b")

        async def answered() -> bool:
            (found, *_) = await shop.get("/payment-methods/till/c2b")
            assert found["state"] in {"requested", "already_registered"}, found
            return found["state"] == "already_registered"

        await until(answered)
    finally:
        await stack.simulator.control.send("PATCH", "/_sim/settings", {"register_once": False})
    said = await told_to_the_operator(shop)
    assert "notices: wrong at" in said
    assert "Have them deleted" in said


async def test_the_operator_hears_of_addresses_that_safaricom_does_not_take(stack: Stack) -> None:
    shop = await stack.make_shop()
    await shop.post("/payment-methods/paybill/c2b")

    async def answered() -> bool:
        (found, *_) = await shop.get("/payment-methods/paybill/c2b")
        return found["state"] == "failed"

    await until(answered)
    said = await told_to_the_operator(shop)
    assert "notices: wrong at" in said
    assert "Have payments told of anew" in said


@pytest.mark.parametrize("change", [{"initiator_password": "wrong"}, {"initiator_name": "nobody"}])
async def test_the_operator_hears_of_an_initiator_that_m_pesa_does_not_take(
    stack: Stack, change: dict[str, str]
) -> None:
    shop, _ = await on_the_wall(stack)
    await changed(shop, **change)
    said = await told_to_the_operator(shop)
    assert "operator: wrong at" in said
    assert "a third wrong password locks it" in said


async def told_by_somebody_else(stack: Stack, shortcode: str) -> None:
    """Register addresses of another system for a short code, as its former supplier did."""
    async with httpx2.AsyncClient(base_url=stack.simulator.base_url, trust_env=False) as client:
        app = ("payme-demo-key", "payme-demo-secret")
        path = "/oauth/v1/generate"
        token = (await client.get(path, params={"grant_type": "client_credentials"}, auth=app)).json()["access_token"]
        urls = {
            "ShortCode": shortcode, "ResponseType": "Completed", "ConfirmationURL": f"{stack.base_url}/theirs/confirm",
            "ValidationURL": f"{stack.base_url}/theirs/validate",
        }  # fmt: skip
        answer = await client.post("/mpesa/c2b/v2/registerurl", json=urls, headers={"Authorization": f"Bearer {token}"})
    assert answer.json()["ResponseCode"] == "0", answer.text
