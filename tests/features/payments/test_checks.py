"""Asking M-Pesa about prompts: on the schedule, in turn, and no longer than there is a doubt."""

from datetime import timedelta
from functools import partial

import pytest

from payme.features import payments
from payme.features.payments import ConfigureMethod
from payme.features.payments.enums import Outcome, Source
from payme.features.payments.errors import NothingToAsk
from payme.features.payments.repository import turns
from payme.features.payments.rules.transitions import Message
from payme.features.payments.services.checks import begin_check, put_off, request_check, take_turn
from payme.features.payments.services.conclude_check import conclude_check
from payme.features.payments.services.send_push import record_doubt
from payme.integrations.daraja import DarajaUnknown
from payme.runtime.settings import Settings
from tests.payment_room import ACCOUNT, Till, stk_callback

CHECK = "payments.check_prompt"
SILENCE = Message(Source.QUERY, Outcome.PENDING)
HOURS = timedelta(hours=1)


async def test_silence_fails_nothing_and_the_questions_end(shop: Till) -> None:
    payment_id, _, _ = await shop.sent()
    sent_at = shop.clock.instant
    schedule = Settings.model_fields["mpesa_query_schedule_seconds"].default
    for number, seconds in enumerate(schedule, start=1):
        assert len(await shop.jobs(CHECK)) == number
        shop.clock.instant = sent_at + timedelta(seconds=seconds + 1)
        await shop.run(lambda uow: conclude_check(uow, payment_id, SILENCE))
    assert len(await shop.jobs(CHECK)) == len(schedule)
    assert (await shop.payment(payment_id)).status == "pending"


async def test_two_chains_of_questions_meet_at_the_next_place(shop: Till) -> None:
    payment_id, _, _ = await shop.sent()
    shop.clock.advance(timedelta(seconds=22))
    for _ in range(3):
        await shop.run(lambda uow: conclude_check(uow, payment_id, SILENCE))
    assert len(await shop.jobs(CHECK)) == 2


async def test_a_pending_answer_changes_nothing_but_the_count(shop: Till) -> None:
    payment_id, _, _ = await shop.sent()
    before = await shop.payment(payment_id)
    await shop.run(lambda uow: conclude_check(uow, payment_id, SILENCE))
    assert (await shop.payment(payment_id)).rev == before.rev


async def test_an_early_denial_is_not_believed(shop: Till) -> None:
    payment_id, _, _ = await shop.sent()
    denial = Message(Source.QUERY, Outcome.FAILED, reason="cancelled", result_code="1032")
    shop.clock.advance(timedelta(seconds=30))
    await shop.run(lambda uow: conclude_check(uow, payment_id, denial))
    payment = await shop.payment(payment_id)
    assert (payment.status, payment.reason_code) == ("pending", None)
    shop.clock.advance(timedelta(seconds=31))
    await shop.run(lambda uow: conclude_check(uow, payment_id, denial))
    assert (await shop.payment(payment_id)).status == "failed"


async def test_nothing_is_asked_about_what_is_over(shop: Till) -> None:
    payment_id, token, checkout_id = await shop.sent()
    assert await shop.run(lambda uow: begin_check(uow, payment_id)) is not None
    await shop.call_back(token, stk_callback(checkout_id, code=1032))
    assert await shop.run(lambda uow: begin_check(uow, payment_id)) is None
    assert await shop.run(lambda uow: begin_check(uow, payment_id, even_if_over=True)) is not None
    await shop.call_back(token, stk_callback(checkout_id))
    assert await shop.run(lambda uow: begin_check(uow, payment_id, even_if_over=True)) is None


async def test_nobody_asks_for_a_short_code_that_is_not_ours_any_more(shop: Till) -> None:
    payment_id, _, _ = await shop.sent()
    other = ConfigureMethod.model_validate(ACCOUNT | {"shortcode": "600100"})
    await shop.run(lambda uow: payments.configure_method(uow, "paybill", other))
    shop.clock.advance(timedelta(seconds=21))
    assert await shop.run(lambda uow: begin_check(uow, payment_id)) is None
    off = ConfigureMethod.model_validate(ACCOUNT | {"active": False})
    await shop.run(lambda uow: payments.configure_method(uow, "paybill", off))
    assert await shop.run(lambda uow: begin_check(uow, payment_id)) is None
    assert len(await shop.jobs(CHECK)) == 2, "the next place of the schedule is kept"
    assert (await shop.payment(payment_id)).status == "pending"


async def test_an_app_asks_in_turn(shop: Till) -> None:
    payment_id, _, _ = await shop.sent()
    question = await shop.run(lambda uow: begin_check(uow, payment_id))
    assert question is not None
    app_id, minute = question.collector.app.app_id, timedelta(minutes=1)
    turn = partial(turns.take_turn, app_key=app_id, every=minute)
    assert await shop.run(lambda uow: take_turn(uow, app_id, "stkpushquery"))
    assert await shop.run(lambda uow: turn(uow, product="stkpushquery"))
    assert not await shop.run(lambda uow: turn(uow, product="stkpushquery"))
    assert not await shop.run(lambda uow: take_turn(uow, app_id, "stkpushquery"))
    assert await shop.run(lambda uow: turn(uow, product="transactionstatus"))
    shop.clock.instant += minute
    assert await shop.run(lambda uow: take_turn(uow, app_id, "stkpushquery"))
    before = len(await shop.jobs(CHECK))
    await shop.run(lambda uow: put_off(uow, payment_id))
    assert len(await shop.jobs(CHECK)) == before + 1


async def test_a_person_asks_at_once_and_only_about_what_m_pesa_took(shop: Till) -> None:
    payment = await shop.request()
    with pytest.raises(NothingToAsk):
        await shop.run(lambda uow: request_check(uow, payment.id))
    payment_id, _, _ = await shop.sent()
    before = len(await shop.jobs(CHECK))
    for _ in range(3):
        await shop.run(lambda uow: request_check(uow, payment_id))
    assert len(await shop.jobs(CHECK)) == before + 1


async def test_what_stays_in_doubt_is_listed_with_the_reason(shop: Till) -> None:
    pending, _, _ = await shop.sent()
    claimed, token, checkout_id = await shop.sent(1_500_000)
    await shop.call_back(token, stk_callback(checkout_id, amount="15000"))
    doubtful = await shop.request()
    await shop.begin(doubtful.id)
    await shop.run(lambda uow: record_doubt(uow, doubtful.id, DarajaUnknown("daraja.timed_out")))
    paid, token, checkout_id = await shop.sent()
    await shop.call_back(token, stk_callback(checkout_id))
    stuck = await shop.request()
    failed, token, checkout_id = await shop.sent()
    await shop.call_back(token, stk_callback(checkout_id, code=1032))

    shop.clock.advance(2 * HOURS)
    found = {row.payment_id: row for row in await shop.run(lambda uow: payments.list_unsettled(uow, older_than=HOURS))}
    assert set(found) == {pending, claimed, doubtful.id, paid, stuck.id}
    assert failed not in found
    assert "on the schedule" in found[pending].reason
    assert "not confirmed" in found[claimed].reason
    assert "customer's SMS" in found[doubtful.id].reason
    assert "has not heard" in found[paid].reason
    assert "worker" in found[stuck.id].reason
    assert found[pending].age_seconds == 7_200
    shop.clock.advance(24 * HOURS)
    later = {row.payment_id: row for row in await shop.run(lambda uow: payments.list_unsettled(uow, older_than=HOURS))}
    assert "statement" in later[pending].reason


async def test_what_is_young_is_not_listed(shop: Till) -> None:
    await shop.sent()
    assert await shop.run(lambda uow: payments.list_unsettled(uow, older_than=HOURS)) == []
