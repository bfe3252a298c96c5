"""Callbacks as they come over the wire: stored, understood once, believed as far as they can be."""

from datetime import timedelta
from uuid import UUID

import pytest
from structlog.testing import capture_logs

from payme.features.payments import ConfigureMethod, configure_method
from payme.features.payments.enums import Outcome, Source
from payme.features.payments.errors import CallbackRouteUnknown
from payme.features.payments.rules.transitions import Message
from payme.features.payments.services.conclude_check import conclude_check
from payme.features.payments.services.handle_callback import handle_callback
from tests.payment_room import ACCOUNT, Till, a_receipt, stk_callback

CHECK, NEWS = "payments.check_prompt", "sales.receive_payment"
PAID = Message(Source.QUERY, Outcome.PAID)
GONE = Message(Source.QUERY, Outcome.FAILED, reason="cancelled", result_code="1032")


async def _answered(shop: Till, payment_id: UUID, message: Message) -> None:
    await shop.run(lambda uow: conclude_check(uow, payment_id, message))


async def test_money_is_credited_booked_and_told_once(shop: Till) -> None:
    payment_id, token, checkout_id = await shop.sent()
    receipt = a_receipt()
    for _ in range(3):
        await shop.call_back(token, stk_callback(checkout_id, receipt=receipt))
    payment = await shop.payment(payment_id)
    assert (payment.status, payment.assurance, payment.paid_cents) == ("succeeded", "confirmed", 15_000)
    assert payment.mpesa_receipt_number == receipt
    assert await shop.effects(payment_id) == ["noted", "succeeded", "duplicate", "duplicate"]
    assert await shop.balances() == {"mpesa": 15_000, "payments_held": -15_000}
    assert len(await shop.jobs(NEWS)) == 1
    assert await shop.broken(1, 5, 6) == []


async def test_one_entry_of_the_inbox_is_understood_once(shop: Till) -> None:
    payment_id, token, checkout_id = await shop.sent()
    inbox_id = await shop.call_back(token, stk_callback(checkout_id))
    await shop.run(lambda uow: handle_callback(uow, inbox_id))
    assert await shop.effects(payment_id) == ["noted", "succeeded"]


@pytest.mark.parametrize(
    "body",
    [
        b"", b"null", b"[]", b"{", b"\xff\xfe", b'{"Body":{}}', b'{"Body":{"stkCallback":{"ResultCode":0}}}',
        b'{"Body":{"stkCallback":{"CheckoutRequestID":"ws_CO_1"}}}', b"[" * 5_000, b'{"Body":' * 2_000,
    ],
)  # fmt: skip
async def test_garbage_is_kept_for_a_person(shop: Till, body: bytes) -> None:
    payment_id, token, _ = await shop.sent()
    inbox_id = await shop.call_back(token, body)
    kept = (
        await shop.rows(
            "select state, body, note <> '' from callback_inbox where $1::uuid is not null and id = $2", inbox_id
        )
    )[0]
    assert kept == ("malformed", body, True)
    assert (await shop.payment(payment_id)).status == "pending"


@pytest.mark.parametrize("amount", ["0", "-150", "1e400", "150.005", '"x"', "null"])
async def test_success_without_a_usable_amount_is_asked_about_and_not_credited(shop: Till, amount: str) -> None:
    payment_id, token, checkout_id = await shop.sent()
    before = len(await shop.jobs(CHECK))
    await shop.call_back(token, stk_callback(checkout_id, amount=amount))
    assert (await shop.payment(payment_id)).status == "pending"
    assert await shop.balances() == {}
    assert len(await shop.jobs(CHECK)) == before + 1


async def test_success_without_a_receipt_is_asked_about_and_not_credited(shop: Till) -> None:
    payment_id, token, checkout_id = await shop.sent()
    await shop.call_back(token, stk_callback(checkout_id, receipt=""))
    assert (await shop.payment(payment_id)).status == "pending"
    await _answered(shop, payment_id, PAID)
    assert (await shop.payment(payment_id)).status == "succeeded"


async def test_another_prompts_id_credits_nothing(shop: Till) -> None:
    payment_id, token, _ = await shop.sent()
    await shop.call_back(token, stk_callback("ws_CO_of_another_prompt"))
    assert (await shop.payment(payment_id)).status == "pending"
    assert await shop.effects(payment_id) == ["noted", "wrong_prompt"]


async def test_another_short_code_credits_nothing_until_m_pesa_is_asked(shop: Till) -> None:
    payment_id, token, checkout_id = await shop.sent()
    before = len(await shop.jobs(CHECK))
    for body in (stk_callback(checkout_id), stk_callback(checkout_id, code=1032)):
        await shop.call_back(token, body, shortcode="600999")
    assert (await shop.payment(payment_id)).status == "pending"
    assert await shop.effects(payment_id) == ["noted", "wrong_shortcode", "wrong_shortcode"]
    assert (await shop.balances(), await shop.tray()) == ({}, [])
    assert len(await shop.jobs(CHECK)) == before + 1
    await _answered(shop, payment_id, PAID)
    assert (await shop.payment(payment_id)).status == "succeeded"


@pytest.mark.parametrize("named", ["651200", " 5651201 ", ""])
async def test_a_till_is_called_by_its_number_or_its_stores(shop: Till, named: str) -> None:
    paybill = ConfigureMethod.model_validate(ACCOUNT | {"active": False})
    till = ConfigureMethod.model_validate(ACCOUNT | {"shortcode": "651200", "till_number": "5651201"})
    await shop.run(lambda uow: configure_method(uow, "paybill", paybill))
    await shop.run(lambda uow: configure_method(uow, "till", till))
    payment_id, token, checkout_id = await shop.sent()
    await shop.call_back(token, stk_callback(checkout_id), shortcode="174379")
    assert (await shop.payment(payment_id)).status == "pending"
    await shop.call_back(token, stk_callback(checkout_id), shortcode=named)
    assert (await shop.payment(payment_id)).status == "succeeded"


async def test_the_secret_of_one_payment_does_nothing_to_another(shop: Till) -> None:
    mine, _, my_checkout = await shop.sent()
    other, token, _ = await shop.sent()
    await shop.call_back(token, stk_callback(my_checkout))
    assert (await shop.payment(mine)).status == "pending"
    assert (await shop.payment(other)).status == "pending"
    assert await shop.balances() == {}


async def test_a_receipt_of_another_payment_credits_nothing(shop: Till) -> None:
    first, token, checkout_id = await shop.sent()
    receipt = a_receipt()
    await shop.call_back(token, stk_callback(checkout_id, receipt=receipt))
    second, token, checkout_id = await shop.sent()
    await shop.call_back(token, stk_callback(checkout_id, receipt=receipt))
    assert (await shop.payment(first)).status == "succeeded"
    assert (await shop.payment(second)).status == "pending"
    assert (await shop.effects(second))[-1] == "receipt_taken"
    assert await shop.balances() == {"mpesa": 15_000, "payments_held": -15_000}


async def test_less_than_asked_is_a_part_payment_once_m_pesa_agrees(shop: Till) -> None:
    payment_id, token, checkout_id = await shop.sent()
    receipt = a_receipt()
    for _ in range(2):
        await shop.call_back(token, stk_callback(checkout_id, amount="149.00", receipt=receipt))
    assert (await shop.payment(payment_id)).status == "unknown"
    assert await shop.tray() == [("amount_differs", 14_900, "unclaimed")]
    assert await shop.balances() == {"mpesa": 14_900, "mpesa_unclaimed": -14_900}
    await _answered(shop, payment_id, PAID)
    payment = await shop.payment(payment_id)
    assert (payment.status, payment.paid_cents, payment.applied_cents) == ("succeeded", 14_900, 14_900)
    assert payment.mpesa_receipt_number == receipt
    assert await shop.tray() == [("amount_differs", 14_900, "claimed")]
    assert await shop.balances() == {"mpesa": 14_900, "payments_held": -14_900}
    assert await shop.broken(1, 5, 6) == []


async def test_more_than_asked_is_applied_and_the_excess_stays_unclaimed(shop: Till) -> None:
    payment_id, token, checkout_id = await shop.sent()
    await shop.call_back(token, stk_callback(checkout_id, amount="160"))
    await _answered(shop, payment_id, PAID)
    payment = await shop.payment(payment_id)
    assert (payment.paid_cents, payment.applied_cents) == (16_000, 15_000)
    assert await shop.tray() == [("amount_differs", 16_000, "claimed"), ("overpaid", 1_000, "unclaimed")]
    assert await shop.balances() == {"mpesa": 16_000, "payments_held": -15_000, "mpesa_unclaimed": -1_000}


async def test_another_amount_that_m_pesa_denies_stays_in_doubt_for_a_person(shop: Till) -> None:
    payment_id, token, checkout_id = await shop.sent()
    await shop.call_back(token, stk_callback(checkout_id, amount="149"))
    shop.clock.advance(timedelta(minutes=2))
    await _answered(shop, payment_id, GONE)
    assert (await shop.payment(payment_id)).status == "unknown"
    assert (await shop.effects(payment_id))[-1] == "contradicts_claim"


@pytest.mark.parametrize(("amount", "tray", "balances"), [
    ("149", [], {"mpesa": 14_900, "mpesa_to_confirm": 100, "payments_held": -15_000}),
    ("160", [("overpaid", 1_000, "unclaimed")], {"mpesa": 16_000, "mpesa_unclaimed": -1_000, "payments_held": -15_000}),
])  # fmt: skip
async def test_a_callback_corrects_what_a_query_had_credited(
    shop: Till, amount: str, tray: list[object], balances: dict[str, int]
) -> None:
    payment_id, token, checkout_id = await shop.sent()
    await _answered(shop, payment_id, PAID)
    receipt = a_receipt()
    for _ in range(2):
        await shop.call_back(token, stk_callback(checkout_id, amount=amount, receipt=receipt))
    assert (await shop.effects(payment_id))[-2:] == ["amount_corrected", "duplicate"]
    assert await shop.tray() == tray
    assert await shop.balances() == balances
    assert await shop.broken(1, 5, 6) == []


async def test_above_the_limit_only_m_pesas_answer_credits(shop: Till) -> None:
    payment_id, token, checkout_id = await shop.sent(1_500_000)
    receipt = a_receipt()
    await shop.call_back(token, stk_callback(checkout_id, amount="15000", receipt=receipt))
    assert (await shop.payment(payment_id)).status == "pending"
    assert await shop.balances() == {}
    await _answered(shop, payment_id, PAID)
    payment = await shop.payment(payment_id)
    assert (payment.status, payment.paid_cents, payment.mpesa_receipt_number) == ("succeeded", 1_500_000, receipt)
    assert await shop.broken(1, 5, 6) == []


async def test_above_the_limit_a_denial_stays_unverified_and_is_asked_on(shop: Till) -> None:
    payment_id, token, checkout_id = await shop.sent(1_500_000)
    await shop.call_back(token, stk_callback(checkout_id, amount="15000"))
    shop.clock.advance(timedelta(minutes=2))
    before = len(await shop.jobs(CHECK))
    await _answered(shop, payment_id, GONE)
    assert (await shop.payment(payment_id)).status == "unknown"
    assert len(await shop.jobs(CHECK)) == before + 1


async def test_above_the_limit_a_late_claim_is_asked_about_after_the_failure(shop: Till) -> None:
    payment_id, token, checkout_id = await shop.sent(1_500_000)
    await shop.call_back(token, stk_callback(checkout_id, code=1032))
    before = len(await shop.jobs(CHECK))
    await shop.call_back(token, stk_callback(checkout_id, amount="15000"))
    assert (await shop.payment(payment_id)).status == "failed"
    assert len(await shop.jobs(CHECK)) == before + 1
    await _answered(shop, payment_id, PAID)
    payment = await shop.payment(payment_id)
    assert (payment.status, payment.late) == ("succeeded", True)


async def test_a_late_success_overrides_a_failure_once(shop: Till) -> None:
    payment_id, token, checkout_id = await shop.sent()
    await shop.call_back(token, stk_callback(checkout_id, code=1032))
    failed = await shop.payment(payment_id)
    assert (failed.status, failed.reason_code) == ("failed", "cancelled")
    receipt = a_receipt()
    for _ in range(2):
        await shop.call_back(token, stk_callback(checkout_id, receipt=receipt))
    payment = await shop.payment(payment_id)
    assert (payment.status, payment.late, payment.reason_code, payment.reason_text) == ("succeeded", True, None, None)
    assert len(await shop.jobs(NEWS)) == 1
    await shop.call_back(token, stk_callback(checkout_id, code=1032))
    assert (await shop.payment(payment_id)).status == "succeeded"
    assert (await shop.effects(payment_id))[-1] == "contradicts_success"


async def test_a_callback_before_the_acceptance_wins(shop: Till) -> None:
    payment = await shop.request()
    errand = await shop.begin(payment.id)
    assert errand is not None
    await shop.call_back(errand.token, stk_callback("ws_CO_fast"))
    assert (await shop.payment(payment.id)).status == "succeeded"
    await shop.accept(payment.id, "ws_CO_fast")
    assert (await shop.payment(payment.id)).status == "succeeded"
    assert len(await shop.jobs(NEWS)) == 1


async def test_a_second_payment_of_one_prompt_goes_to_the_tray_once(shop: Till) -> None:
    payment_id, token, checkout_id = await shop.sent()
    first, second, third = a_receipt(), a_receipt(), a_receipt()
    for receipt in (first, second, second, third, third):
        await shop.call_back(token, stk_callback(checkout_id, receipt=receipt))
    assert await shop.tray() == [("no_match", 15_000, "unclaimed")] * 2
    assert await shop.balances() == {"mpesa": 45_000, "payments_held": -15_000, "mpesa_unclaimed": -30_000}
    assert (await shop.effects(payment_id))[-1] == "duplicate"


async def test_a_phone_that_is_not_reached_is_asked_about_before_the_payment_fails(shop: Till) -> None:
    payment_id, token, checkout_id = await shop.sent()
    await shop.call_back(token, stk_callback(checkout_id, code=1037))
    assert (await shop.payment(payment_id)).status == "pending"
    shop.clock.advance(timedelta(seconds=61))
    await _answered(shop, payment_id, Message(Source.QUERY, Outcome.FAILED, reason="unreachable", result_code="1037"))
    payment = await shop.payment(payment_id)
    assert (payment.status, payment.reason_code) == ("failed", "unreachable")
    assert payment.reason_text


async def test_a_wrong_secret_stores_nothing(shop: Till) -> None:
    counted = "select count(*) from callback_inbox where $1::uuid is not null"
    before = await shop.rows(counted)
    with pytest.raises(CallbackRouteUnknown):
        await shop.receive("0" * 64, stk_callback("ws_CO_1"))
    assert await shop.rows(counted) == before


async def test_an_unlisted_source_is_written_to_the_log_and_not_refused(shop: Till) -> None:
    payment_id, token, checkout_id = await shop.sent()
    with capture_logs() as logs:
        await shop.receive(token, stk_callback(checkout_id), address="196.201.214.200")
        inbox_id = await shop.receive(token, stk_callback(checkout_id), address="203.0.113.9")
    assert [line["address"] for line in logs if line["event"] == "payments.callback_from_unlisted_source"] == [
        "203.0.113.9"
    ]
    await shop.run(lambda uow: handle_callback(uow, inbox_id))
    assert (await shop.payment(payment_id)).status == "succeeded"


async def test_only_harmless_headers_are_kept(shop: Till) -> None:
    _, token, checkout_id = await shop.sent()
    inbox_id = await shop.receive(token, stk_callback(checkout_id))
    headers = (await shop.rows("select headers from callback_inbox where $1::uuid is not null and id = $2", inbox_id))[
        0
    ][0]
    assert "nobody-keeps-this" not in str(headers)
