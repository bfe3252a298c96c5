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


ORGANISATION = [
    (0, Standing.PAID, None),
    (1, Standing.FAILED, Reason.SHOP_FUNDS),
    (11, Standing.FAILED, Reason.ACCOUNT_RULE),
    (21, Standing.FAILED, Reason.PERMISSION),
    (2001, Standing.FAILED, Reason.INITIATOR),
    (2006, Standing.FAILED, Reason.ACCOUNT_RULE),
    (2028, Standing.FAILED, Reason.CONFIG),
    (8006, Standing.FAILED, Reason.INITIATOR_LOCKED),
]
TABLES = {
    Product.STK: ROWS,
    Product.B2C: [
        *ORGANISATION,
        (2, Standing.FAILED, Reason.LIMIT),
        (3, Standing.FAILED, Reason.LIMIT),
        (4, Standing.FAILED, Reason.LIMIT),
        (8, Standing.FAILED, Reason.RECIPIENT_LIMIT),
        (2040, Standing.FAILED, Reason.UNREGISTERED),
        ("SFC_IC0003", Standing.FAILED, Reason.CUSTOMER),
        ("TP40153", Standing.FAILED, Reason.PERMISSION),
    ],
    Product.B2B: ORGANISATION,
    Product.REVERSAL: [
        *ORGANISATION,
        ("R000001", Standing.FAILED, Reason.ALREADY_REVERSED),
        ("R000002", Standing.FAILED, Reason.NOT_FOUND),
    ],
    Product.STATUS: [
        ("0", Standing.DONE, None),
        (21, Standing.NOT_DONE, Reason.PERMISSION),
        (25, Standing.NOT_DONE, Reason.REQUEST),
        (2001, Standing.NOT_DONE, Reason.INITIATOR),
        (2032, Standing.NOT_DONE, Reason.NOT_FOUND),
        (8006, Standing.NOT_DONE, Reason.INITIATOR_LOCKED),
        ("SFC_IC0003", Standing.NOT_DONE, Reason.CONFIG),
    ],
    Product.BALANCE: [
        (0, Standing.DONE, None),
        (15, Standing.NOT_DONE, Reason.DUPLICATE),
        (17, Standing.NOT_DONE, Reason.BUSY),
        (18, Standing.NOT_DONE, Reason.INITIATOR),
        (19, Standing.NOT_DONE, Reason.REQUEST),
        (20, Standing.NOT_DONE, Reason.INITIATOR),
        (21, Standing.NOT_DONE, Reason.PERMISSION),
        (22, Standing.NOT_DONE, Reason.PERMISSION),
        (24, Standing.NOT_DONE, Reason.REQUEST),
        (25, Standing.NOT_DONE, Reason.REQUEST),
        (26, Standing.NOT_DONE, Reason.BUSY),
        (29, Standing.NOT_DONE, Reason.REQUEST),
        (2001, Standing.NOT_DONE, Reason.INITIATOR),
        (8006, Standing.NOT_DONE, Reason.INITIATOR_LOCKED),
        ("00.002.1001", Standing.NOT_DONE, Reason.BUSY),
        *((f"1000000{last:02}", Standing.NOT_DONE, Reason.BUSY) for last in range(12)),
    ],
    Product.RATIBA: [
        ("0", Standing.DONE, None),
        ("1001", Standing.NOT_DONE, Reason.LOCK),
        ("1025", Standing.NOT_DONE, Reason.NOT_SENT),
        ("1032", Standing.NOT_DONE, Reason.CANCELLED),
        ("1037", Standing.NOT_DONE, Reason.UNREACHABLE),
        ("1050", Standing.NOT_DONE, Reason.DUPLICATE),
        ("2001", Standing.NOT_DONE, Reason.PIN),
    ],
}
EVERY_ROW = [(product, *row) for product, rows in TABLES.items() for row in rows]


@pytest.mark.parametrize(("product", "code", "standing", "reason"), EVERY_ROW)
def test_each_listed_code_means_what_its_row_says(
    product: Product, code: object, standing: Standing, reason: Reason | None
):
    rule = rule_for(product, code)
    assert (rule.standing, rule.reason) == (standing, reason)
    if reason is not None:
        assert advice_for(reason).en
        assert advice_for(reason).sw


@pytest.mark.parametrize("product", list(Product))
def test_no_code_is_listed_without_a_row_here(product: Product):
    assert set(RESULT_CODES[product]) == {str(code) for code, _, _ in TABLES[product]}


@pytest.mark.parametrize("product", [Product.B2C, Product.B2B, Product.REVERSAL])
@pytest.mark.parametrize("code", [15, 17, 26, 4999, "100000001", "2032", "E3008"])
def test_the_code_of_another_product_proves_nothing_about_money(product: Product, code: object):
    assert rule_for(product, code).standing is Standing.UNKNOWN


@pytest.mark.parametrize("product", [Product.STATUS, Product.BALANCE, Product.RATIBA])
def test_what_moves_no_money_has_no_verdict_about_money(product: Product):
    assert {rule.standing for rule in RESULT_CODES[product].values()} == {Standing.DONE, Standing.NOT_DONE}


@pytest.mark.parametrize(
    "code",
    [None, False, True, "", " 0", "00", "0.0", 0.0, "00.0", "1000", "R000002", "C2B00011", 200, [], {}, "sfc_ic0003"],
)
def test_what_is_not_listed_is_unknown(code: object):
    assert rule_for(Product.STK, code).standing is Standing.UNKNOWN


@given(st.one_of(st.text(), st.integers(), st.booleans(), st.none(), st.floats()))
def test_only_the_text_zero_is_a_success(code: object):
    is_zero = not isinstance(code, bool) and str(code) == "0"
    for product in Product:
        assert (rule_for(product, code).standing in {Standing.PAID, Standing.DONE}) == is_zero


@pytest.mark.parametrize("product", list(Product))
def test_a_failure_has_a_reason_and_nothing_else_has(product: Product):
    for rule in RESULT_CODES[product].values():
        assert (rule.reason is not None) == (rule.standing in {Standing.FAILED, Standing.NOT_DONE})


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_has_words_in_both_languages(reason: Reason):
    advice = advice_for(reason)
    assert advice.en
    assert advice.sw
    assert advice.en != advice.sw
    assert max(len(advice.en), len(advice.sw)) <= 160


def test_what_the_shop_itself_must_mend_goes_to_the_owner():
    assert {reason for reason in Reason if advice_for(reason).audience is Audience.OWNER} == {
        Reason.CONFIG,
        Reason.SHOP_FUNDS,
        Reason.INITIATOR,
        Reason.INITIATOR_LOCKED,
        Reason.PERMISSION,
        Reason.ACCOUNT_RULE,
        Reason.REQUEST,
        Reason.DUPLICATE,
        Reason.NOT_FOUND,
        Reason.ALREADY_REVERSED,
    }
