"""The table of result codes: every row, compared as text, and unknown for all that is not listed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payme.integrations.daraja import Audience, Product, Reason, Standing, advice_for, rule_for
from payme.integrations.daraja.result_codes import RESULT_CODES

ROWS = [
    (0, Standing.PAID, None),
    ("0", Standing.PAID, None),
    (1, Standing.FAILED, Reason.FUNDS),
    (2, Standing.FAILED, Reason.LIMIT),
    (3, Standing.FAILED, Reason.LIMIT),
    (4, Standing.FAILED, Reason.LIMIT),
    (8, Standing.FAILED, Reason.LIMIT),
    (17, Standing.FAILED, Reason.REPEAT),
    (26, Standing.FAILED, Reason.BUSY),
    (1001, Standing.FAILED, Reason.LOCK),
    (1019, Standing.FAILED, Reason.EXPIRED),
    (1025, Standing.FAILED, Reason.NOT_SENT),
    (9999, Standing.FAILED, Reason.NOT_SENT),
    (1031, Standing.FAILED, Reason.CANCELLED),
    (1032, Standing.FAILED, Reason.CANCELLED),
    ("1032", Standing.FAILED, Reason.CANCELLED),
    (1036, Standing.FAILED, Reason.UNREACHABLE),
    (1037, Standing.FAILED, Reason.UNREACHABLE),
    (2001, Standing.FAILED, Reason.PIN),
    (2028, Standing.FAILED, Reason.CONFIG),
    (2029, Standing.FAILED, Reason.CONFIG),
    ("SFC_IC0003", Standing.FAILED, Reason.CONFIG),
    (8006, Standing.FAILED, Reason.CREDENTIAL_LOCKED),
    ("E3008", Standing.FAILED, Reason.BAD_DEBT),
    ("4999", Standing.PENDING, None),
]


@pytest.mark.parametrize(("code", "standing", "reason"), ROWS)
def test_each_listed_code_means_what_its_row_says(code: object, standing: Standing, reason: Reason | None):
    rule = rule_for(Product.STK, code)
    assert (rule.standing, rule.reason) == (standing, reason)


def test_no_code_is_listed_without_a_row_here():
    assert set(RESULT_CODES[Product.STK]) == {str(code) for code, _, _ in ROWS}


@pytest.mark.parametrize(
    "code",
    [None, False, True, "", " 0", "00", "0.0", 0.0, "00.0", "1000", "R000002", "C2B00011", 200, [], {}, "sfc_ic0003"],
)
def test_what_is_not_listed_is_unknown(code: object):
    assert rule_for(Product.STK, code).standing is Standing.UNKNOWN


@given(st.one_of(st.text(), st.integers(), st.booleans(), st.none(), st.floats()))
def test_only_the_text_zero_is_paid(code: object):
    is_zero = not isinstance(code, bool) and str(code) == "0"
    assert (rule_for(Product.STK, code).standing is Standing.PAID) == is_zero


def test_a_failure_has_a_reason_and_nothing_else_has():
    for rule in RESULT_CODES[Product.STK].values():
        assert (rule.reason is not None) == (rule.standing is Standing.FAILED)


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_has_words_in_both_languages(reason: Reason):
    advice = advice_for(reason)
    assert advice.en
    assert advice.sw
    assert advice.en != advice.sw
    assert max(len(advice.en), len(advice.sw)) <= 160


def test_only_a_fault_of_the_set_up_goes_to_the_owner():
    assert {reason for reason in Reason if advice_for(reason).audience is Audience.OWNER} == {Reason.CONFIG}
