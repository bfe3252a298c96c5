"""Pull: payments that nobody told us of are found, and silence ends a prompt only where everything was looked through."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx2
import pytest

from payme.entrypoints.wiring import WorkerServices, cipher_of
from payme.features import payments
from payme.features.payments import (
    Channel,
    ConfigureMethod,
    DarajaAccess,
    Destination,
    PhoneInvalid,
    Word,
    configure_method,
)
from payme.features.payments.enums import Outcome, Source
from payme.features.payments.repository.windows import find_window
from payme.features.payments.rules.transitions import Message
from payme.features.payments.services.conclude_check import conclude_check
from payme.features.payments.services.pull_payments import (
    Pulled,
    PullErrand,
    begin_pull,
    conclude_pull,
    enqueue_pulls,
    place_pulled,
)
from payme.integrations.daraja import ClientOptions, PulledPayment
from payme.kit.ids import new_id
from payme.runtime.database import Database, PoolLimits
from payme.runtime.settings import Settings
from tests.payment_room import ACCOUNT, SETTINGS, Till, a_receipt, stk_callback
from tests.payment_wall import MASKED, wall_of
from tests.virtual_worker import VirtualWorker

HOUR = timedelta(hours=1)
_DEAD = (
    "select name from job_dead_letters where convert_from(payload, 'UTF8')::jsonb ->> 'business_id' = $1::uuid::text"
)


@pytest.fixture
async def shop(shop: Till) -> Till:
    """A shop whose payments are pulled."""
    pulled = ConfigureMethod.model_validate(ACCOUNT | {"pull_number": "0722000000"})
    await shop.run(lambda uow: configure_method(uow, "paybill", pulled))
    return shop


async def begin(shop: Till) -> PullErrand:
    errand = await shop.run(lambda uow: begin_pull(uow, "paybill"))
    assert errand is not None
    return errand


async def pull(shop: Till, *rows: PulledPayment, is_whole: bool = True) -> PullErrand:
    """Have a pull bring these rows."""
    errand = await begin(shop)
    for row in rows:
        await shop.run(lambda uow, row=row: place_pulled(uow, row, errand))
    await shop.run(lambda uow: conclude_pull(uow, errand, Pulled(rows, is_whole)))
    return errand


def row(
    shop: Till, amount_cents: int = 15_000, *, receipt: str = "", msisdn: str = "722999999", reference: str = ""
) -> PulledPayment:
    now = shop.clock.now()
    return PulledPayment(
        receipt or a_receipt(), amount_cents, written_at=now.isoformat(), near=now, msisdn=msisdn, bill_reference=reference,
        transaction_type="c2b-pay-bill-debit", organization_name="DUKA",
    )  # fmt: skip


async def covered(shop: Till) -> Any:
    return await shop.run(lambda uow: find_window(uow, "174379"))


async def test_a_short_code_is_pulled_where_its_phone_is_set_up(shop: Till) -> None:
    for _ in range(2):
        await shop.run(enqueue_pulls)
    assert [each["kind"] for each in await shop.jobs("payments.pull")] == ["paybill"]
    off = ConfigureMethod.model_validate(ACCOUNT | {"active": False})
    await shop.run(lambda uow: configure_method(uow, "paybill", off))
    await shop.run(enqueue_pulls)
    assert len(await shop.jobs("payments.pull")) == 1
    bad = ConfigureMethod.model_validate(ACCOUNT | {"pull_number": "12"})
    with pytest.raises(PhoneInvalid):
        await shop.run(lambda uow: configure_method(uow, "paybill", bad))


async def test_pull_is_opened_once_and_goes_on_where_it_ended(shop: Till) -> None:
    first = await pull(shop)
    assert first.token is not None
    assert first.number == "0722000000"
    assert first.window.ends_at - first.window.starts_at == 47 * HOUR
    shop.clock.advance(2 * HOUR)
    second = await begin(shop)
    assert second.token is None
    assert second.window.ends_at - second.window.starts_at == 5 * HOUR + timedelta(minutes=5)


async def test_money_that_nobody_told_us_of_lies_in_the_tray_once(shop: Till) -> None:
    payment = row(shop)
    for _ in range(2):
        await pull(shop, payment)
    assert await shop.tray() == [("no_match", 15_000, "unclaimed")]
    sql = "select source, is_verified, payer_number from unclaimed_money where business_id = $1"
    assert await shop.rows(sql) == [("pull", True, "2547 ***** 999")]
    assert await shop.balances() == {"mpesa": 15_000, "mpesa_unclaimed": -15_000}
    assert await shop.broken(1, 5, 6, 7) == []


@pytest.mark.parametrize("by", ["reference", "number"])
async def test_a_prompt_whose_answer_never_came_is_found_paid(shop: Till, by: str) -> None:
    payment = await shop.request()
    await shop.begin(payment.id)
    await shop.hear(payment.id, Message(Source.ACCEPTANCE, Outcome.UNKNOWN))
    sql = "select account_reference from payments where business_id = $1 and id = $2"
    ((reference,),) = await shop.rows(sql, payment.id)
    paid = row(shop, reference=reference) if by == "reference" else row(shop, msisdn="711000100")
    await pull(shop, paid)
    found = await shop.payment(payment.id)
    assert (found.status, found.mpesa_receipt_number) == ("succeeded", paid.receipt)
    assert await shop.balances() == {"mpesa": 15_000, "payments_held": -15_000}


async def test_pull_settles_an_amount_that_a_callback_left_in_dispute(shop: Till) -> None:
    payment_id, token, checkout_id = await shop.sent()
    receipt = a_receipt()
    await shop.call_back(token, stk_callback(checkout_id, amount="149.00", receipt=receipt))
    await pull(shop, row(shop, 14_900, receipt=receipt))
    found = await shop.payment(payment_id)
    assert (found.status, found.paid_cents) == ("succeeded", 14_900)
    assert await shop.balances() == {"mpesa": 14_900, "payments_held": -14_900}
    assert await shop.broken(1, 5, 6) == []


async def test_pull_confirms_what_a_callback_alone_is_not_believed_for(shop: Till) -> None:
    payment_id, token, checkout_id = await shop.sent(1_500_000)
    receipt = a_receipt()
    await shop.call_back(token, stk_callback(checkout_id, amount="15000", receipt=receipt))
    assert (await shop.payment(payment_id)).status == "pending"
    await pull(shop, row(shop, 1_500_000, receipt=receipt))
    assert (await shop.payment(payment_id)).status == "succeeded"
    assert await shop.balances() == {"mpesa": 1_500_000, "payments_held": -1_500_000}


@pytest.mark.parametrize("hours_ahead", [0, 3])
async def test_pulls_whole_number_takes_another_amount_out_of_the_tray(shop: Till, hours_ahead: int) -> None:
    credited, twin = (await shop.sent())[0], (await shop.sent(20_000))[0]
    for each in (credited, twin):
        await shop.run(lambda uow, each=each: conclude_check(uow, each, Message(Source.QUERY, Outcome.PAID)))
    wall = await wall_of(shop)
    receipt = await wall.told("140", MSISDN=MASKED)
    assert await shop.tray() == [("no_match", 14_000, "unclaimed")]
    paid = row(shop, 14_000, receipt=receipt, msisdn="711000100")
    for _ in range(2):
        await pull(shop, replace(paid, near=shop.clock.now() + hours_ahead * HOUR))
    assert [(await shop.payment(each)).mpesa_receipt_number for each in (credited, twin)] == [receipt, None]
    assert await shop.tray() == [("no_match", 14_000, "matched")]
    assert await shop.balances() == {"mpesa": 34_000, "mpesa_to_confirm": 1_000, "payments_held": -35_000}


async def test_what_somebody_took_out_of_the_tray_before_pull_spoke_stays_his(shop: Till) -> None:
    credited, _, _ = await shop.sent()
    wall = await wall_of(shop)
    receipt = await wall.told("140", MSISDN="")
    await shop.run(lambda uow: conclude_check(uow, credited, Message(Source.QUERY, Outcome.PAID)))
    ((lying,),) = await shop.rows("select id from unclaimed_money where business_id = $1")
    taken = await shop.run(lambda uow: payments.claim_unclaimed(uow, lying, Destination("sale", new_id())))
    before = await shop.balances()
    await pull(shop, row(shop, 14_000, receipt=receipt, msisdn="711000100"))
    assert await shop.balances() == before
    assert (await shop.payment(credited)).mpesa_receipt_number is None
    assert (await shop.payment(taken.id)).mpesa_receipt_number == receipt


async def test_a_success_whose_receipt_pull_never_showed_is_a_persons(shop: Till) -> None:
    async def listed() -> dict[UUID, str]:
        found = await shop.run(lambda uow: payments.list_unsettled(uow, older_than=HOUR))
        return {each.payment_id: each.reason for each in found}

    unseen, seen = (await shop.sent())[0], (await shop.sent(20_000))[0]
    for each in (unseen, seen):
        await shop.run(lambda uow, each=each: conclude_check(uow, each, Message(Source.QUERY, Outcome.PAID)))
        await shop.run(lambda uow, each=each: payments.settle(uow, each, "applied"))
    await pull(shop, row(shop, 20_000, msisdn="711000100"))
    for _ in range(8):
        shop.clock.advance(3 * HOUR)
        assert await listed() == {}
        await pull(shop)
    shop.clock.advance(HOUR)
    await pull(shop, is_whole=False)
    assert await listed() == {}
    await pull(shop)
    found = await listed()
    assert set(found) == {unseen}
    assert "receipt" in found[unseen]


async def test_silence_expires_a_prompt_once_all_of_a_day_was_looked_through(shop: Till) -> None:
    payment_id, token, checkout_id = await shop.sent()
    for hours in (1, 20, 3):
        shop.clock.advance(hours * HOUR)
        await pull(shop, row(shop, 100))
        assert (await shop.payment(payment_id)).status == "pending"
    shop.clock.advance(timedelta(minutes=30))
    await pull(shop, row(shop, 100), is_whole=False)
    assert (await shop.payment(payment_id)).status == "pending"
    await pull(shop, row(shop, 100))
    found = await shop.payment(payment_id)
    assert (found.status, found.reason_code) == ("expired", "unconfirmed")
    assert found.reason_text
    await shop.call_back(token, stk_callback(checkout_id))
    late = await shop.payment(payment_id)
    assert (late.status, late.late) == ("succeeded", True)


async def test_after_a_gap_nothing_expires(shop: Till) -> None:
    payment_id, _, _ = await shop.sent()
    shop.clock.advance(60 * HOUR)
    await pull(shop)
    assert (await shop.payment(payment_id)).status == "pending"
    assert (await covered(shop)).covered.starts_at == shop.clock.now() - 47 * HOUR


async def test_what_was_not_looked_through_covers_nothing(shop: Till) -> None:
    await pull(shop, is_whole=False)
    assert await covered(shop) is None


async def test_a_claim_that_pull_does_not_show_is_not_found(shop: Till) -> None:
    async def say(receipt: str) -> UUID:
        word = Word(receipt, 15_000, Channel.PAYBILL)
        made = await shop.run(lambda uow: payments.claim_receipt(uow, word, Destination("sale", new_id())))
        return made.id

    true_receipt = a_receipt()
    true, false = await say(true_receipt), await say(a_receipt())
    shop.clock.advance(HOUR)
    await pull(shop, row(shop, receipt=true_receipt))
    assert [(await shop.payment(each)).verdict for each in (true, false)] == ["verified", "waiting"]
    shop.clock.advance(24 * HOUR)
    await pull(shop, row(shop, 100))
    assert [(await shop.payment(each)).verdict for each in (true, false)] == ["verified", "not_found"]
    late = await shop.payment(false)
    assert late.status == "succeeded"


# -- what gets no answer


def no_answer(request: httpx2.Request) -> httpx2.Response:
    """Give every app its token, and answer a pull as the firewall in front of M-Pesa does."""
    if request.url.path.startswith("/oauth/"):
        return httpx2.Response(200, json={"access_token": "token-of-a-test", "expires_in": "3599"})
    return httpx2.Response(500, text="<html>Request unsuccessful.</html>")


def out_of_reach(request: httpx2.Request) -> httpx2.Response:
    raise httpx2.ConnectError("nobody there", request=request)


@pytest.mark.parametrize("answer", [no_answer, out_of_reach])
async def test_a_pull_without_an_answer_is_left_to_the_next(shop: Till, answer: Any) -> None:
    settings = Settings.from_values(SETTINGS | {"DATABASE_URL": shop.owner_dsn})
    behind = await Database(
        shop.owner_dsn, role="payme_worker", clock=shop.clock, wiring=shop.database.wiring, limits=PoolLimits(2)
    ).open()
    async with httpx2.AsyncClient(transport=httpx2.MockTransport(answer)) as http:
        access = DarajaAccess(http, "http://daraja.test", "http://shop.test", ClientOptions(), cipher_of(settings))
        worker = await VirtualWorker(behind, shop.clock, shop.business_id, WorkerServices(access)).open()
        try:
            await shop.run(enqueue_pulls)
            await worker.run_for(HOUR)
            dead = await behind.run(lambda uow: uow.fetch(_DEAD, shop.business_id))
        finally:
            await worker.close()
            await behind.close()
    assert worker.ran["payments.pull"] >= 1
    assert await shop.jobs("payments.pull") == []
    assert dead == []
    said = "select facts ->> 'fault' from audit_log where business_id = $1 and action = 'payments.pull_inconclusive'"
    assert len(await shop.rows(said)) == 1
    assert await covered(shop) is None
