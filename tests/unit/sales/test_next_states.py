"""Tenders, and the tables of what becomes of a sale."""

from datetime import timedelta

import pytest

from payme.features.sales.enums import Because, TenderMethod
from payme.features.sales.enums import SaleStatus as Status
from payme.features.sales.errors import OnePromptPerSale, ReceivedTooLittle, TendersDiffer
from payme.features.sales.rules.carts import (
    Paying,
    after_failure,
    after_payment,
    are_counted,
    awaits_money,
    change_due,
    check_tenders,
    completes_at_once,
    may_cancel,
    reasons_to_suggest,
    takes_money_by_itself,
)

CASH, CARD, STK = TenderMethod.CASH, TenderMethod.CARD_RECORDED, TenderMethod.MPESA_STK
CLAIM = TenderMethod.MPESA_CLAIM
PAYABLE = {Status.AWAITING_PAYMENT, Status.PAYMENT_FAILED, Status.EXPIRED}


def test_tenders_add_up_to_what_is_due():
    check_tenders([], 0)
    check_tenders([Paying(CASH, 60), Paying(STK, 40)], 100)
    for offered in ([], [Paying(CASH, 99)], [Paying(CASH, 60), Paying(CASH, 41)]):
        with pytest.raises(TendersDiffer) as caught:
            check_tenders(offered, 100)
        assert caught.value.facts == {"due_cents": 100, "tendered_cents": sum(each.amount_cents for each in offered)}


def test_what_is_handed_over_covers_the_tender():
    check_tenders([Paying(CASH, 100, 100)], 100)
    with pytest.raises(ReceivedTooLittle):
        check_tenders([Paying(CASH, 60, 200), Paying(CASH, 40, 39)], 100)


def test_one_prompt_at_a_time():
    check_tenders([Paying(STK, 100)], 100)
    with pytest.raises(OnePromptPerSale):
        check_tenders([Paying(STK, 50), Paying(STK, 50)], 100)


def test_change():
    assert change_due([Paying(CASH, 100, 500), Paying(CARD, 100), Paying(CASH, 40, 50)]) == 410
    assert change_due([]) == 0


def test_what_is_there_completes_at_once():
    assert completes_at_once([])
    assert completes_at_once([Paying(CASH, 1), Paying(CARD, 1)])
    assert completes_at_once([Paying(CASH, 1), Paying(CLAIM, 1)])
    assert not completes_at_once([Paying(CASH, 1), Paying(STK, 1)])


def test_what_people_counted_is_not_held():
    assert are_counted([Paying(CASH, 1), Paying(CARD, 1)])
    assert not are_counted([Paying(CASH, 1), Paying(CLAIM, 1)])


@pytest.mark.parametrize(
    ("paid", "then"), [(99, Status.AWAITING_PAYMENT), (100, Status.COMPLETED), (101, Status.COMPLETED)]
)
def test_after_money(paid: int, then: Status):
    assert after_payment(paid, 100) == then


@pytest.mark.parametrize("status", Status)
def test_who_takes_money_by_itself(status: Status):
    assert takes_money_by_itself(status) == (status in {Status.AWAITING_PAYMENT, Status.PAYMENT_FAILED})


def test_why_money_may_be_a_sales():
    close, far = timedelta(minutes=15), timedelta(minutes=15, seconds=1)
    assert reasons_to_suggest(due_cents=100, amount_cents=100, names_it=True, apart=close) == list(Because)
    assert reasons_to_suggest(due_cents=100, amount_cents=100, names_it=False, apart=far) == [Because.AMOUNT]
    assert reasons_to_suggest(due_cents=100, amount_cents=90, names_it=True, apart=far) == [Because.REFERENCE]
    assert reasons_to_suggest(due_cents=100, amount_cents=90, names_it=False, apart=close) == []


@pytest.mark.parametrize("status", Status)
@pytest.mark.parametrize("paid_cents", [0, 1])
@pytest.mark.parametrize("more_to_come", [True, False])
@pytest.mark.parametrize("expired", [True, False])
def test_after_a_failure(status: Status, paid_cents: int, more_to_come: bool, expired: bool):
    moves = status == Status.AWAITING_PAYMENT and paid_cents == 0 and not more_to_come
    then = (Status.EXPIRED if expired else Status.PAYMENT_FAILED) if moves else status
    assert after_failure(status, paid_cents=paid_cents, more_to_come=more_to_come, expired=expired) == then


@pytest.mark.parametrize("status", Status)
def test_who_may_still_pay_or_leave(status: Status):
    assert awaits_money(status) == (status in PAYABLE)
    assert may_cancel(status) == (status in PAYABLE | {Status.OPEN})
