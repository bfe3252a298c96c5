"""What evidence makes of a cashier's word."""

from datetime import date

import pytest

from payme.features.payments.rules.claims import Proof, Verdict, date_is_odd, prove

TODAY = date(2026, 11, 22)


@pytest.mark.parametrize(
    ("evidence", "proof"),
    [
        (15_000, Proof(Verdict.VERIFIED, 15_000, 0)),
        (15_100, Proof(Verdict.VERIFIED, 15_000, 100)),
        (14_900, Proof(Verdict.AMOUNT_DIFFERS, 14_900, 0)),
    ],
)
def test_evidence_confirms_what_it_covers(evidence: int, proof: Proof):
    assert prove(15_000, evidence) == proof


@pytest.mark.parametrize(
    ("spelt", "odd"),
    [
        (TODAY, False),
        (date(2026, 11, 21), False),
        (date(2026, 11, 23), False),
        (date(2026, 11, 20), True),
        (None, True),
    ],
)
def test_a_receipt_of_another_day_is_odd(spelt: date | None, odd: bool):
    assert date_is_odd(spelt, TODAY) is odd
