"""A page of Pull is a page or no answer, whatever came; a row of it names a receipt and an amount that stand in it."""

import json

from hypothesis import given
from hypothesis import strategies as st

from payme.integrations.daraja import DarajaRefused, DarajaUnavailable, DarajaUnknown
from payme.integrations.daraja.answers import read_answer
from payme.integrations.daraja.pull.pages import PullPage, judge_pull
from tests.unit.daraja.json_values import VALUES, any_json, texts_in

ROW = {
    "transactionId": "RKL51ZDR4F", "trxDate": "2026-11-22T10:00:00Z", "msisdn": "722000000", "sender": "MPESA",
    "transactiontype": "c2b-pay-bill-debit", "billreference": "soda", "amount": "150.0", "organizationname": "DUKA",
}  # fmt: skip
CHANGED = st.dictionaries(st.sampled_from([*ROW, "another"]), VALUES, max_size=4).map(lambda changes: ROW | changes)
ROWS = st.recursive(st.one_of(CHANGED, VALUES), lambda inner: st.lists(inner, max_size=4), max_leaves=8)


def page_in(raw: bytes) -> PullPage | None:
    """Return the page, or None where the answer was refused or is none."""
    try:
        return judge_pull(read_answer(200, raw), offset=0)
    except (DarajaRefused, DarajaUnavailable, DarajaUnknown):
        return None


@given(
    st.one_of(
        st.binary(max_size=500),
        any_json(["ResponseCode", "Response", *ROW]).map(lambda value: json.dumps(value).encode()),
    )
)
def test_anything_is_a_page_or_no_answer(raw: bytes) -> None:
    page = page_in(raw)
    assert page is None or page.response_code in {"1000", "1001"}


@given(st.sampled_from(["1000", 1000, "1001"]), ROWS)
def test_a_row_holds_only_what_stands_in_it(code: object, rows: object) -> None:
    page = page_in(json.dumps({"ResponseCode": code, "Response": rows}).encode())
    assert page is not None
    assert all(row.receipt in {text.upper() for text in texts_in(rows)} and row.amount_cents > 0 for row in page.rows)
    assert not page.is_conclusive or (str(code) == "1000" and page.unreadable_rows == 0 and isinstance(rows, list))
