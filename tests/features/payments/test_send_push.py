"""Sending a prompt: each answer of M-Pesa, and none; never twice."""

from datetime import timedelta
from uuid import UUID

import pytest

from payme.features import payments
from payme.features.payments import ConfigureMethod
from payme.features.payments.errors import OtherEnvironment, PaymentNotUnknown, PromptMayStillCome
from payme.features.payments.services.manage import say_no_prompt_came
from payme.features.payments.services.send_push import record_doubt, record_not_sent, record_refusal
from payme.integrations.daraja import DarajaRefused, DarajaUnavailable, DarajaUnknown, Reason
from tests.payment_room import ACCOUNT, Till, stk_callback

CHECK = "payments.check_prompt"
SHED = DarajaUnavailable("daraja.unreachable")
DOUBT = DarajaUnknown("daraja.timed_out")


async def _sending(shop: Till) -> tuple[UUID, str]:
    payment = await shop.request()
    errand = await shop.begin(payment.id)
    assert errand is not None
    return payment.id, errand.token


async def test_acceptance_makes_it_pending_and_schedules_the_first_question(shop: Till) -> None:
    payment_id, _, _ = await shop.sent()
    assert (await shop.payment(payment_id)).status == "pending"
    assert [job["payment_id"] for job in await shop.jobs(CHECK)] == [str(payment_id)]


async def test_what_is_sent_holds_the_shops_own_account(shop: Till) -> None:
    payment = await shop.request(30_000)
    errand = await shop.begin(payment.id)
    assert errand is not None
    assert (errand.msisdn, errand.amount_cents) == ("254711000100", 30_000)
    assert errand.collector.account.shortcode == "174379"
    assert len(errand.token) >= 32
    shown = repr(errand)
    assert "secret-of-a-test" not in shown
    assert "passkey-of-a-test" not in shown


async def test_a_process_that_died_while_sending_leaves_a_doubt_and_nothing_is_sent_again(shop: Till) -> None:
    payment_id, _ = await _sending(shop)
    assert await shop.begin(payment_id) is None
    assert (await shop.payment(payment_id)).status == "unknown"
    assert await shop.begin(payment_id) is None
    assert (await shop.payment(payment_id)).status == "unknown"


async def test_a_refusal_fails_with_words_for_people(shop: Till) -> None:
    payment_id, _ = await _sending(shop)
    refusal = DarajaRefused("daraja.request_refused", reason=Reason.LOCK, error_code="500.001.1001", text="locked")
    await shop.run(lambda uow: record_refusal(uow, payment_id, refusal))
    payment = await shop.payment(payment_id)
    assert (payment.status, payment.reason_code) == ("failed", "lock")
    assert payment.reason_text is not None
    assert "Another M-Pesa request" in payment.reason_text


async def test_a_doubt_is_unknown_and_has_nothing_to_ask_about(shop: Till) -> None:
    payment_id, _ = await _sending(shop)
    await shop.run(lambda uow: record_doubt(uow, payment_id, DOUBT))
    assert (await shop.payment(payment_id)).status == "unknown"
    assert await shop.jobs(CHECK) == []


async def test_a_callback_ends_a_doubt(shop: Till) -> None:
    payment_id, token = await _sending(shop)
    await shop.run(lambda uow: record_doubt(uow, payment_id, DOUBT))
    await shop.call_back(token, stk_callback("ws_CO_unheard"))
    assert (await shop.payment(payment_id)).status == "succeeded"


async def test_what_did_not_leave_may_be_sent_again_and_is_given_up_in_the_end(shop: Till) -> None:
    payment_id, _ = await _sending(shop)
    await shop.run(lambda uow: record_not_sent(uow, payment_id, SHED, give_up=False))
    assert (await shop.payment(payment_id)).status == "created"
    assert await shop.begin(payment_id) is not None
    await shop.run(lambda uow: record_not_sent(uow, payment_id, SHED, give_up=True))
    payment = await shop.payment(payment_id)
    assert (payment.status, payment.reason_code) == ("failed", "busy")


async def test_what_was_answered_meanwhile_is_not_marked_unsent(shop: Till) -> None:
    payment_id, token = await _sending(shop)
    await shop.call_back(token, stk_callback("ws_CO_early", code=1032))
    await shop.run(lambda uow: record_not_sent(uow, payment_id, SHED, give_up=False))
    assert (await shop.payment(payment_id)).status == "failed"


async def test_a_shop_that_is_not_set_up_any_more_fails_the_prompt(shop: Till) -> None:
    payment = await shop.request()
    off = ConfigureMethod.model_validate(ACCOUNT | {"active": False})
    await shop.run(lambda uow: payments.configure_method(uow, "paybill", off))
    assert await shop.begin(payment.id) is None
    found = await shop.payment(payment.id)
    assert (found.status, found.reason_code) == ("failed", "config")


async def test_a_person_may_say_after_two_minutes_that_no_prompt_came(shop: Till) -> None:
    payment_id, _ = await _sending(shop)
    await shop.run(lambda uow: record_doubt(uow, payment_id, DOUBT))
    shop.clock.advance(timedelta(seconds=119))
    with pytest.raises(PromptMayStillCome):
        await shop.run(lambda uow: say_no_prompt_came(uow, payment_id))
    assert (await shop.payment(payment_id)).status == "unknown"
    shop.clock.advance(timedelta(seconds=1))
    payment = await shop.run(lambda uow: say_no_prompt_came(uow, payment_id))
    assert (payment.status, payment.reason_code) == ("failed", "not_sent")


@pytest.mark.parametrize("sending", [False, True])
async def test_a_prompt_that_never_left_can_be_closed_and_is_not_sent_any_more(shop: Till, *, sending: bool) -> None:
    payment_id = (await _sending(shop))[0] if sending else (await shop.request()).id
    with pytest.raises(PromptMayStillCome):
        await shop.run(lambda uow: say_no_prompt_came(uow, payment_id))
    shop.clock.advance(timedelta(minutes=2))
    assert (await shop.run(lambda uow: say_no_prompt_came(uow, payment_id))).status == "failed"
    assert await shop.begin(payment_id) is None
    assert (await shop.payment(payment_id)).status == "failed"


async def test_credentials_of_the_other_world_are_refused(shop: Till) -> None:
    foreign = ConfigureMethod.model_validate(ACCOUNT | {"environment": "production"})
    with pytest.raises(OtherEnvironment):
        await shop.run(lambda uow: payments.configure_method(uow, "paybill", foreign))


async def test_a_person_has_no_word_on_a_prompt_that_m_pesa_took_until_the_questions_end(shop: Till) -> None:
    payment_id, token, checkout_id = await shop.sent()
    shop.clock.advance(timedelta(hours=23))
    with pytest.raises(PaymentNotUnknown):
        await shop.run(lambda uow: say_no_prompt_came(uow, payment_id))
    shop.clock.advance(timedelta(hours=2))
    assert (await shop.run(lambda uow: say_no_prompt_came(uow, payment_id))).status == "expired"
    await shop.call_back(token, stk_callback(checkout_id))
    payment = await shop.payment(payment_id)
    assert (payment.status, payment.late) == ("succeeded", True)


async def test_an_acceptance_after_the_doubt_of_another_process_makes_it_askable(shop: Till) -> None:
    payment_id, _ = await _sending(shop)
    await shop.begin(payment_id)
    await shop.accept(payment_id, "ws_CO_late_answer")
    assert (await shop.payment(payment_id)).status == "pending"
    assert len(await shop.jobs(CHECK)) == 1
