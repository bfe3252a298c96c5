"""What a till is told of a pasted SMS."""

import pytest

from payme.features.payments.rules.claims import Channel
from payme.features.payments.rules.pasted import Known, Traces, channel_of, known_as, masked_name
from payme.integrations.daraja import SmsKind


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("JOHN  KAMAU DOE", "JOHN K. D."),
        ("Wanjiku", "Wanjiku"),
        ("", ""),
        ("  ", ""),
        ("Ng'ang'a otieno", "Ng'ang'a o."),
    ],
)
def test_of_a_name_the_first_word_and_initials_are_shown(name: str, shown: str):
    assert masked_name(name) == shown


@pytest.mark.parametrize(
    ("kind", "account", "channel"),
    [
        (SmsKind.PAID_TO, "", Channel.TILL),
        (SmsKind.SENT_TO, "INV-42", Channel.PAYBILL),
        (SmsKind.SENT_TO, "", Channel.SEND_MONEY),
        (SmsKind.RECEIVED, "", Channel.SEND_MONEY),
        (SmsKind.UNKNOWN, "", None),
    ],
)
def test_the_form_says_how_it_was_paid(kind: SmsKind, account: str, channel: Channel | None):
    assert channel_of(kind, account) is channel


@pytest.mark.parametrize(
    ("traces", "known"),
    [
        (Traces(), Known.NEW),
        (Traces("unclaimed", None, True), Known.IN_TRAY),
        (Traces("returning", None, True), Known.USED),
        (Traces("returned", None, True), Known.USED),
        (Traces("claimed", "mpesa_c2b", True), Known.APPLIED),
        (Traces("matched", "mpesa_claim", True), Known.CLAIMED),
        (Traces(None, "mpesa_stk", True), Known.APPLIED),
        (Traces(None, "mpesa_claim", False), Known.CLAIMED),
        (Traces(None, None, True), Known.USED),
    ],
)
def test_what_is_known_of_a_code(traces: Traces, known: Known):
    assert known_as(traces) is known
