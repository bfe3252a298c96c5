"""Postings balance by construction, and a reversal undoes them."""

from collections import Counter
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from payme.features.ledger import AccountCode, Posting
from payme.features.ledger.rules import CHART, is_reversal, reversal_of, worth_posting

CAUSE = UUID(int=7)
postings = st.builds(
    Posting,
    st.just("test.moved"),
    st.sampled_from(AccountCode),
    st.sampled_from(AccountCode),
    st.integers(-(10**15), 10**15),
    st.just(CAUSE),
)


def balances(of: list[Posting]) -> Counter[str]:
    sums: Counter[str] = Counter()
    for each in of:
        sums[each.source] -= each.amount
        sums[each.target] += each.amount
    return Counter({code: amount for code, amount in sums.items() if amount})


def test_every_code_is_in_the_chart_once():
    assert [code for code, _, _ in CHART] == list(AccountCode)


def test_nothing_is_not_posted_and_less_than_nothing_goes_the_other_way():
    moved = [Posting("a", AccountCode.CASH, AccountCode.CARD, amount, CAUSE) for amount in (0, 5, -5)]
    assert worth_posting(moved) == [
        Posting("a", AccountCode.CASH, AccountCode.CARD, 5, CAUSE),
        Posting("a", AccountCode.CARD, AccountCode.CASH, 5, CAUSE),
    ]


@given(st.lists(postings, max_size=30))
def test_what_is_worth_posting_moves_the_same_and_sums_to_zero(given_: list[Posting]):
    kept = worth_posting(given_)
    assert all(each.amount > 0 for each in kept)
    assert balances(kept) == balances(given_)
    assert sum(balances(kept).values()) == 0


@given(st.lists(postings, max_size=30))
def test_a_reversal_undoes(given_: list[Posting]):
    kept = worth_posting(given_)
    back = [reversal_of(each) for each in kept]
    assert balances(kept + back) == Counter()
    assert all(is_reversal(each) for each in back)
    assert not any(is_reversal(each) for each in kept)
    assert [each.cause for each in back] == [each.cause for each in kept]
