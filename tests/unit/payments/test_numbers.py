"""What is left of a number, against the number."""

import pytest

from payme.features.payments.rules.numbers import hidden, may_be
from payme.kit.phone import hash_of

OURS, OTHER = "254711000100", "254722000100"
HASH = hash_of(OURS)


def test_the_hash_is_sha_256_of_the_twelve_digits():
    assert hash_of("254708374149") == "bbff37cea44ac0b2d964ee0dfb8d2df8513dc7ba1b36129a929fc3fbd6dd4af4"


@pytest.mark.parametrize(
    ("told", "fits"),
    [
        ("2547 ***** 100", True), ("25471****100", True), ("2547*****100", True), ("2541 ***** 100", False),
        ("2547 ***** 101", False), (OURS, True), ("+" + OURS, True), (OTHER, False), (HASH, True), (HASH.upper(), True),
        (hash_of(OTHER), False), (f"{HASH[:34]} ***** {HASH[-25:]}", True),
        (f"{HASH[:33]}{'0' if HASH[33] != '0' else '1'} ***** {HASH[-25:]}", False),
        ("", None), (None, None), ("   ", None), ("***", None), ("2547*****00", None), ("JOHN", None), ("7110*****100", True), ("7220*****100", False),
    ],
)  # fmt: skip
def test_what_a_number_can_be(told: str | None, fits: bool | None):
    assert may_be(OURS, told) is fits


def test_the_mask_of_a_number_is_not_held_against_a_hash():
    msisdn = "254711034218"
    assert (hash_of(msisdn)[0], hash_of(msisdn)[-3:]) == ("7", "220")
    assert may_be(msisdn, "7 ***** 220") is False


@pytest.mark.parametrize("told", [OURS, "+" + OURS, OURS[3:], "0" + OURS[3:]])
def test_a_number_in_the_clear_is_hidden_and_still_fits(told: str):
    assert hidden(told) == "2547 ***** 100"
    assert may_be(OURS, hidden(told)) is True


@pytest.mark.parametrize("told", ["2547 ***** 100", HASH, "", "JOHN"])
def test_what_is_hidden_already_stays_as_it_is(told: str):
    assert hidden(told) == told
