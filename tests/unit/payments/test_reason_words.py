"""Every code of M-Pesa's tables leads to a state, and every end has a sentence in English and in Swahili."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from payme.features.payments.enums import Outcome, PaymentStatus, Source
from payme.features.payments.rules.payouts import News, PayoutState
from payme.features.payments.rules.payouts import next_state as next_payout_state
from payme.features.payments.rules.transitions import Message, PaymentState, Policy, next_state
from payme.features.payments.rules.wording import OWN_WORDS, UNEXPLAINED
from payme.features.payments.schemas import PaymentView, PayoutView
from payme.integrations.daraja import Product, Reason, Standing, advice_for, rule_for
from payme.integrations.daraja.result_codes import RESULT_CODES
from payme.kit.ids import new_id

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
POLICY = Policy(verify_above_cents=1_000_000, grace=timedelta(seconds=60))
ASKED = 15_000
STATE_OF = {
    Standing.PAID: PaymentStatus.SUCCEEDED,
    Standing.FAILED: PaymentStatus.FAILED,
    Standing.PENDING: PaymentStatus.PENDING,
    Standing.UNKNOWN: PaymentStatus.PENDING,
}
SILENT = {"expired"}
"""Reasons that end a prompt as expired, which is a failure that a late success still overrides."""


def payment(**facts: Any) -> PaymentView:
    return PaymentView(
        id=new_id(), purpose="sale", purpose_id=new_id(), method="mpesa_stk", status="failed", assurance="none",
        amount_cents=ASKED, created_at=NOW, **facts,
    )  # fmt: skip


def payout(**facts: Any) -> PayoutView:
    return PayoutView(
        id=new_id(), kind="b2c", purpose="other", purpose_id=new_id(), state="failed", amount_cents=ASKED, reason="Labour",
        phone="*********678", requested_by=new_id(), created_at=NOW, **facts,
    )  # fmt: skip


@pytest.mark.parametrize("code", [*RESULT_CODES[Product.STK], "31337", "", "0.0", "C2B00011"])
def test_every_code_of_a_prompt_leads_to_a_state_and_an_unlisted_one_leaves_it_open(code: str):
    rule = rule_for(Product.STK, code)
    said = Message(Source.QUERY, Outcome(rule.standing.value), amount_cents=ASKED, reason=rule.reason, result_code=code)
    state = PaymentState(PaymentStatus.PENDING, ASKED, age=timedelta(hours=1))
    reached = next_state(state, said, POLICY).status
    wanted = STATE_OF[rule.standing]
    assert reached in ({wanted, PaymentStatus.EXPIRED} if rule.reason in SILENT else {wanted})
    assert (code in RESULT_CODES[Product.STK]) == (rule.standing is not Standing.UNKNOWN)


@pytest.mark.parametrize("product", [Product.B2C, Product.B2B, Product.REVERSAL])
def test_every_code_of_money_that_leaves_leads_to_an_end_and_an_unlisted_one_to_doubt(product: Product):
    news_of = {Standing.PAID: News.PAID, Standing.FAILED: News.DENIED, Standing.UNKNOWN: News.DOUBT}
    ends = {News.PAID: PayoutState.SUCCEEDED, News.DENIED: PayoutState.FAILED, News.DOUBT: PayoutState.UNKNOWN}
    for code in [*RESULT_CODES[product], "31337", ""]:
        news = news_of[rule_for(product, code).standing]
        assert next_payout_state(PayoutState.PENDING, news) is ends[news], code


@pytest.mark.parametrize("make", [payment, payout])
@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_is_said_in_both_languages(make: Any, reason: Reason):
    view, advice = make(reason_code=reason.value), advice_for(reason)
    assert (view.reason_text, view.reason_text_sw) == (advice.en, advice.sw)


@pytest.mark.parametrize("make", [payment, payout])
@pytest.mark.parametrize(("code", "words"), [*OWN_WORDS.items(), ("31337", UNEXPLAINED), ("", UNEXPLAINED)])
def test_so_are_our_own_reasons_and_a_code_that_nobody_knows(make: Any, code: str, words: tuple[str, str]):
    view = make(reason_code=code)
    assert (view.reason_text, view.reason_text_sw) == words
    assert words[0] != words[1]
    assert max(map(len, words)) <= 160


@pytest.mark.parametrize("make", [payment, payout])
def test_what_was_written_down_at_the_time_is_kept(make: Any):
    view = make(reason_code="funds", reason_text="Not enough money.")
    assert (view.reason_text, view.reason_text_sw) == ("Not enough money.", advice_for(Reason.FUNDS).sw)


@pytest.mark.parametrize("make", [payment, payout])
def test_without_a_reason_nothing_is_said(make: Any):
    view = make()
    assert (view.reason_code, view.reason_text, view.reason_text_sw) == (None, None, None)
