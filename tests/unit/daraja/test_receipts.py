"""Receipts: form, dummy ids, and the date in the first three characters."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payme.integrations.daraja import is_dummy_receipt, is_receipt, receipt_date


@pytest.mark.parametrize(
    ("receipt", "day"),
    [
        ("SG632NMUAB", date(2024, 7, 6)),
        ("OAK0000000", date(2020, 1, 20)),
        ("RIP1234567", date(2023, 9, 25)),
        ("UKM1AB2CD3", date(2026, 11, 22)),
        ("AA1AAAAAAA", date(2006, 1, 1)),
        ("SBTAAAAAAA", date(2024, 2, 29)),
        ("TBTAAAAAAA", None),  # 2025 has no 29 February
        ("SMAAAAAAAA", None),  # no thirteenth month
        ("SA0AAAAAAA", None),  # no day 0
        ("SAWAAAAAAA", None),  # no day 32
        ("1A1AAAAAAA", None),
        ("SG632NMUA", None),
        ("sg632nmuab", None),
        ("", None),
    ],
)
def test_the_first_three_characters_spell_the_day(receipt: str, day: date | None):
    assert receipt_date(receipt) == day


@pytest.mark.parametrize(
    ("text", "real", "dummy"),
    [
        ("SG632NMUAB", True, False),
        ("OAK0000000", False, True),
        ("0000000000", False, True),
        ("SG63200000", True, False),
        ("SG632NMUAB\n", False, False),
        ("SG632NMUÄB", False, False),
        ("SG632NMUA٣", False, False),
        ("SG632NMUABC", False, False),
    ],
)
def test_a_dummy_id_is_no_payment(text: str, real: bool, dummy: bool):
    assert (is_receipt(text), is_dummy_receipt(text)) == (real, dummy)


@given(st.text())
def test_any_text_has_a_day_or_none(text: str):
    day = receipt_date(text)
    assert day is None or 2006 <= day.year <= 2031
