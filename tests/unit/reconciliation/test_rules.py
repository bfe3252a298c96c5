"""What differs, what a threshold forgives, what a row of a statement is about, and in which words."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payme.features.reconciliation.enums import Account, DifferenceKind, DifferenceState, RowKind
from payme.features.reconciliation.rules.facts import Document, Movement, Refund, Sources, Stretch
from payme.features.reconciliation.rules.findings import Found, arrived_cents, covers, expected_takings_cents, findings
from payme.features.reconciliation.rules.movements import lines_of
from payme.features.reconciliation.rules.statements import hidden, is_completed, kind_of
from payme.features.reconciliation.rules.thresholds import Threshold, Thresholds, standings
from payme.features.reconciliation.rules.wording import ACCOUNTS, SENTENCES, STATES, verdict

NOON = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
DAY = uuid4()


def a_document(**changes: Any) -> Document:
    known: dict[str, Any] = {
        "id": uuid4(), "kind": "payment", "method": "cash", "state": "succeeded", "amount_cents": 500, "held_cents": 500,
        "gross_cents": 500, "confirmed_cents": None, "excess_cents": 0, "settlement": "applied", "verdict": None, "purpose": "sale",
        "purpose_id": uuid4(), "receipt": None, "shortcode": None, "made_by": None, "began_at": NOON, "ended_at": NOON,
    }  # fmt: skip
    return Document(**(known | changes))


def a_day(*documents: Document, movements: tuple[Movement, ...] = (), **changes: Any) -> Sources:
    known: dict[str, Any] = {
        "movements": movements, "documents": {each.id: each for each in documents}, "of_day": documents,
        "booked": frozenset(each.cause for each in movements), "sales": (), "applied_cents": {}, "refunds": {}, "drawer_cents": {}, "rows": (),
        "by_receipt": {}, "covered": (), "count": None, "in_doubt": (),
    }  # fmt: skip
    return Sources(**(known | changes))


def moved(cause: UUID, cents: int, kind: str = "sale.payment", account: Account = Account.CASH) -> Movement:
    return Movement(cause, kind, account, cents, NOON)


def named(sources: Sources) -> list[tuple[str, int]]:
    return [(each.kind.value, each.amount_cents) for each in findings(sources, DAY)]


def test_what_its_document_says_is_no_difference():
    paid = a_document()
    sources = a_day(paid, movements=(moved(paid.id, 500),))
    assert named(sources) == [("cash_not_counted", -500)]
    (line,) = lines_of(sources)
    assert (line.sales_cents, line.documents_cents, line.ledger_cents, line.statement_cents) == (500, 500, 500, None)


@pytest.mark.parametrize("booked", [499, 501, -500])
def test_books_that_say_something_else_are_named(booked: int):
    paid = a_document()
    assert ("books_differ", booked - 500) in named(a_day(paid, movements=(moved(paid.id, booked),)))


def test_money_without_books_and_books_without_money_are_named():
    assert named(a_day(a_document())) == [("not_booked", -500)]
    assert ("posting_unexplained", 500) in named(a_day(movements=(moved(uuid4(), 500),)))
    paid = a_document()
    assert ("posting_unexplained", 500) in named(a_day(paid, movements=(moved(paid.id, 500, "hand.made"),)))


@pytest.mark.parametrize(
    ("method", "account"),
    [
        ("cash", Account.CASH),
        ("card_recorded", Account.CARD),
        ("credit_note", Account.CREDIT_NOTES),
        ("mpesa_stk", Account.MPESA),
    ],
)
def test_what_was_never_booked_is_missing_where_it_is_counted(method: str, account: Account):
    (found,) = findings(a_day(a_document(method=method)), DAY)
    assert (found.kind, found.account) == (DifferenceKind.NOT_BOOKED, account)


def test_a_void_gives_back_what_its_parts_were():
    cause = uuid4()
    parts = (moved(cause, -300, "refund.cash"), moved(cause, -200, "refund.card", Account.CARD))
    sound = a_day(movements=parts, refunds={cause: Refund("void", 500)})
    assert named(sound) == [("cash_not_counted", 300)]
    broken = a_day(movements=parts, refunds={cause: Refund("void", 600)})
    assert {kind for kind, _ in named(broken)} >= {"books_differ"}


def test_takings_leave_out_what_closing_posted():
    sources = a_day(
        movements=(moved(uuid4(), 500), moved(uuid4(), -70, "cash.variance"), moved(uuid4(), 9, account=Account.CARD))
    )
    assert expected_takings_cents(sources) == 500


def test_each_shilling_of_m_pesa_arrives_once():
    cause, claim = uuid4(), uuid4()
    movements = (
        moved(cause, 500, "payment.unclaimed", Account.MPESA),
        moved(cause, -500, "payment.matched", Account.MPESA),
        moved(uuid4(), 500, "payment.received", Account.MPESA),
        moved(claim, 300, "payment.held", Account.MPESA_TO_CONFIRM),
        moved(claim, 300, "payment.confirmed", Account.MPESA),
        moved(uuid4(), -40, "payout.sent", Account.MPESA),
        moved(uuid4(), 900),
    )
    assert arrived_cents(a_day(movements=movements)) == 800


@pytest.mark.parametrize(
    ("began", "ended", "shortcode", "expected"),
    [(0, 0, "174379", True), (-11, 0, "174379", False), (0, 11, "174379", False), (0, 0, "600000", False)],
)
def test_a_statement_covers_what_lies_wholly_in_it(began: int, ended: int, shortcode: str, expected: bool):
    document = a_document(
        shortcode=shortcode, began_at=NOON + timedelta(minutes=began), ended_at=NOON + timedelta(minutes=ended)
    )
    stretch = Stretch("174379", NOON - timedelta(minutes=10), NOON + timedelta(minutes=10))
    assert covers(stretch, document) is expected


@given(st.integers(0, 10_000), st.integers(0, 10**9), st.lists(st.integers(-(10**6), 10**6)))
def test_a_threshold_forgives_its_share_whichever_way(basis_points: int, base: int, amounts: list[int]):
    forgiven = Threshold(basis_points, base).forgives(amounts)
    assert forgiven is (sum(map(abs, amounts)) * 10_000 <= base * basis_points)
    assert Threshold(basis_points, -base).forgives([-each for each in amounts]) is forgiven


def test_differences_of_one_kind_of_money_are_weighed_together_and_books_never_forgiven():
    limits = Thresholds(Threshold(200, 10_000), Threshold(50, 100_000))
    found = [
        Found(DifferenceKind.CASH_SHORT, Account.CASH, DAY, -200),
        Found(DifferenceKind.UNCLAIMED, Account.MPESA_UNCLAIMED, DAY, 300),
        Found(DifferenceKind.CLAIM_WAITING, Account.MPESA_TO_CONFIRM, DAY, -201),
        Found(DifferenceKind.SALE_DIFFERS, Account.CASH, DAY, 1),
    ]
    assert [state for _, state in standings(found, limits)] == [
        DifferenceState.WITHIN_THRESHOLD,
        DifferenceState.NEEDS_CLOSING,
        DifferenceState.NEEDS_CLOSING,
        DifferenceState.NEEDS_CLOSING,
    ]
    assert {state for _, state in standings(found[1:2], limits)} == {DifferenceState.WITHIN_THRESHOLD}


@pytest.mark.parametrize(
    ("words", "party", "is_paid_in", "kind"),
    [
        ("Pay Bill Online", "", True, RowKind.PAYMENT),
        ("Customer Merchant Payment", "", True, RowKind.PAYMENT),
        ("Something new", "2547***999", True, RowKind.PAYMENT),
        ("Organization Funds Deposit", "", True, RowKind.TRANSFER),
        ("Pay Bill Charge", "174379", False, RowKind.FEE),
        ("Business Payment to Customer via API", "2547***999", False, RowKind.PAYOUT),
        ("Organization Settlement to Bank", "", False, RowKind.TRANSFER),
        ("Business Pay Bill via API", "600310", False, RowKind.TRANSFER),
        ("Transaction Reversal via API", "2547***999", False, RowKind.REVERSAL),
        ("Transaction Reversal via API", "2547***999", True, RowKind.REVERSAL),
    ],
)
def test_what_a_row_is_about(words: str, party: str, is_paid_in: bool, kind: RowKind):
    assert kind_of(words, party, is_paid_in=is_paid_in) is kind


@pytest.mark.parametrize(
    ("status", "expected"), [("Completed", True), ("", True), (" completed ", True), ("Failed", False)]
)
def test_only_what_was_completed_moved_money(status: str, expected: bool):
    assert is_completed(status) is expected


@pytest.mark.parametrize("written", ["254722000111", "+254722000111", "0722000111", "722000111"])
def test_numbers_are_hidden_wherever_they_stand(written: str):
    assert hidden(f"Pay Bill from {written} - JANE Acc. 42") == "Pay Bill from 2547 ***** 111 - JANE Acc. 42"


def test_everything_that_can_be_found_has_its_words():
    assert set(SENTENCES) == set(DifferenceKind)
    assert set(ACCOUNTS) == set(Account)
    assert set(STATES) == set(DifferenceState)
    assert all(
        english.endswith(".") and swahili.endswith(".") and english != swahili
        for english, swahili in SENTENCES.values()
    )
    assert len({english for english, _ in SENTENCES.values()}) == len(DifferenceKind)


@pytest.mark.parametrize(
    ("counts", "is_whole", "begins"),
    [
        ((0, 0), True, "Every shilling is accounted for."),
        ((2, 0), True, "Every shilling is accounted for but KES 5.00"),
        ((2, 1), True, "Not every shilling is accounted for: KES 5.00 open, differences to be closed: 1 of 2."),
        ((0, 0), False, "Money that M-Pesa says arrived is in no place that we know."),
    ],
)
def test_the_day_in_a_sentence(counts: tuple[int, int], is_whole: bool, begins: str):
    english, swahili = verdict(*counts, open_amount="KES 5.00", is_whole=is_whole)
    assert english.startswith(begins)
    assert swahili
