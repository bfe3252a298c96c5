"""M-Pesa's SMS as people paste it: the forms of payer and payee, lost spaces, and texts that claim nothing."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payme.integrations.daraja import SmsKind, is_receipt, parse_mpesa_sms

RECEIVED = (
    "UKM8RT2K1P Confirmed. You have received Ksh1,300.00 from JOHN DOE 0712***345 on 22/11/26 at 1:05 PM. "
    "New M-PESA balance is Ksh9,400.50. Separate personal and business funds through Pochi la Biashara on *334#."
)
AT = datetime(2026, 11, 22, 10, 5, tzinfo=UTC)


def test_the_message_of_a_payee():
    sms = parse_mpesa_sms(RECEIVED)
    assert sms
    assert (sms.receipt, sms.amount_cents, sms.kind, sms.at) == ("UKM8RT2K1P", 1_300_00, SmsKind.RECEIVED, AT)
    assert (sms.counterparty, sms.phone, sms.account_reference) == ("JOHN DOE", "0712***345", "")


@pytest.mark.parametrize(
    ("text", "kind", "amount_cents", "party", "phone", "account"),
    [
        (
            (
                "UKM8RT2K1P Confirmed. Ksh300.00 sent to DUKA BORA LTD for account INV-42 on 22/11/26 at 1:05 PM New M-PESA "
                "balance is Ksh700.00. Transaction cost, Ksh5.00."
            ),
            SmsKind.SENT_TO,
            300_00,
            "DUKA BORA LTD",
            None,
            "INV-42",
        ),
        (
            (
                "UKM8RT2K1P Confirmed. Ksh50.00 sent to JANE  W DOE 0712345678 on 22/11/26 at 1:05 PM. New M-PESA balance is "
                "Ksh1.00. Transaction cost, Ksh0.00. Amount you can transact within the day is 499,950.00."
            ),
            SmsKind.SENT_TO,
            50_00,
            "JANE W DOE",
            "0712345678",
            "",
        ),
        (
            (
                "UKM8RT2K1P Confirmed. Ksh1,250.50 paid to THE NEW LIFE SHOP. on 22/11/26 at 1:05 PM.New M-PESA balance is "
                "Ksh3,000.00. Transaction cost, Ksh0.00."
            ),
            SmsKind.PAID_TO,
            1_250_50,
            "THE NEW LIFE SHOP",
            None,
            "",
        ),
        (
            "UKM8RT2K1P Confirmed. You have paid KES 80 to DUKA 7 for account 00123 on 22/11/26 at 1:05 PM.",
            SmsKind.PAID_TO,
            80_00,
            "DUKA 7",
            None,
            "00123",
        ),
        (
            (
                "UKM8RT2K1P Confirmed.You have received Ksh300.00 from PETERSON OTIENO 254712345678 on 22/11/26 at 1:05 PM."
                "New business balance is Ksh4,000.00."
            ),
            SmsKind.RECEIVED,
            300_00,
            "PETERSON OTIENO",
            "254712345678",
            "",
        ),
        (
            (
                "UKM8RT2K1P Confirmed.on 22/11/26 at 1:05 PMKsh10.00 received from 254712345678 JOHN DOE. New Account balance "
                "is Ksh20.00"
            ),
            SmsKind.RECEIVED,
            10_00,
            "JOHN DOE",
            "254712345678",
            "",
        ),
        (
            "UKM8RT2K1PConfirmed.YouhavereceivedKsh300.00from JOHN DOE 0712345678on 22/11/26at 1:05PM",
            SmsKind.RECEIVED,
            300_00,
            "JOHN DOE",
            "0712345678",
            "",
        ),
        (
            "fwd: ukm\nUKM8RT2K1P\nconfirmed.\nKsh. 300 paid to\nDR. MUTUA CLINIC\non 22/11/26\nat 1:05 pm",
            SmsKind.PAID_TO,
            300_00,
            "DR. MUTUA CLINIC",
            None,
            "",
        ),
        (
            "UKM8RT2K1P Confirmed. Ksh300.00 sent to DUKA for account UKM7AA1B2C on 22/11/26 at 1:05 PM",
            SmsKind.SENT_TO,
            300_00,
            "DUKA",
            None,
            "UKM7AA1B2C",
        ),
        (
            (
                "UKM8RT2K1P Confirmed. on 22/11/26 at 1:05 PM Withdraw Ksh1,000.00 from 123456 - AGENT New M-PESA balance is "
                "Ksh2.00"
            ),
            SmsKind.UNKNOWN,
            1_000_00,
            "",
            None,
            "",
        ),
    ],
)
def test_each_common_form(text: str, kind: SmsKind, amount_cents: int, party: str, phone: str | None, account: str):
    sms = parse_mpesa_sms(text)
    assert sms
    assert (sms.receipt, sms.kind, sms.amount_cents, sms.at) == ("UKM8RT2K1P", kind, amount_cents, AT)
    assert (sms.counterparty, sms.phone, sms.account_reference) == (party, phone, account)


@pytest.mark.parametrize(
    ("written", "at"),
    [
        ("22/11/2026 at 1:05 PM", AT),
        ("22/11/26 at 12:05 AM", datetime(2026, 11, 21, 21, 5, tzinfo=UTC)),
        ("22/11/26 at 12:05 PM", datetime(2026, 11, 22, 9, 5, tzinfo=UTC)),
        ("1/2/26 at 9:05 a.m.", datetime(2026, 2, 1, 6, 5, tzinfo=UTC)),
        ("31/2/26 at 9:05 AM", None),
        ("22/11/26 at 13:05 PM", None),
        ("22/11/26 at 0:05 AM", None),
        ("22/11/26 at 1:65 PM", None),
        ("22/11/26", None),
    ],
)
def test_its_time_is_nairobis(written: str, at: datetime | None):
    sms = parse_mpesa_sms(f"UKM8RT2K1P Confirmed. Ksh300.00 paid to DUKA on {written}. New M-PESA balance is Ksh1.00")
    assert sms
    assert (sms.at, sms.counterparty) == (at, "DUKA")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "You have received Ksh300.00 from JOHN DOE",
        "UKM8RT2K1P You have received Ksh300.00 from JOHN DOE",
        "Confirmed. You have received Ksh300.00 from JOHN DOE",
        "UKM8RT2K1P Confirmed. You have received from JOHN DOE",
        "UKM8RT2K1P Confirmed. You have received Ksh0.00 from JOHN DOE",
        "UKM8RT2K1P Confirmed. You have received Ksh300.005 from JOHN DOE",
        "UKM8RT2K1P Confirmed. You have received Ksh12,34 from JOHN DOE",
        "UKM0000000 Confirmed. You have received Ksh300.00 from JOHN DOE",
        "ukm8rt2k1p Confirmed. You have received Ksh300.00 from JOHN DOE",
        "UKM8RT2K1PX Confirmed. You have received Ksh300.00 from JOHN DOE",
        "0712345678 Confirmed. You have received Ksh300.00 from JOHN DOE",
        f"{RECEIVED} {RECEIVED.replace('UKM8RT2K1P', 'UKM8RT2K1Q')}",
        "UKM8RT2K1P Confirmed. Transaction UKL7AA1B2C has been reversed. Ksh300.00 is credited to your account",
        RECEIVED + " " * 1 + "x" * 2_000,
    ],
)
def test_what_claims_no_one_payment_is_nothing(text: str):
    assert parse_mpesa_sms(text) is None


def test_a_text_pasted_twice_is_one_claim():
    assert parse_mpesa_sms(f"{RECEIVED}\n{RECEIVED}") is not None


def test_a_shop_whose_name_has_the_length_of_a_receipt_is_no_second_one():
    sms = parse_mpesa_sms("UKM8RT2K1P Confirmed. Ksh300.00 paid to ENTERPRISE on 22/11/26 at 1:05 PM")
    assert sms
    assert sms.counterparty == "ENTERPRISE"


def test_people_stay_out_of_the_repr():
    shown = repr(parse_mpesa_sms(RECEIVED))
    assert "0712" not in shown
    assert "JOHN" not in shown


PIECES = st.sampled_from(
    [
        "UKM8RT2K1P",
        "UKM8RT2K1Q",
        " ",
        "\n",
        "Confirmed.",
        "confirmed",
        "Ksh",
        "KES ",
        "1,300.00",
        "300",
        "received ",
        " from ",
        "sent to ",
        "paid to ",
        "JOHN DOE",
        "0712***345",
        " on 22/11/26",
        " at 1:05 PM",
        "for account ",
        ".",
        "New M-PESA balance",
    ]
)


@given(st.one_of(st.text(max_size=200), st.lists(st.one_of(PIECES, st.text(max_size=3)), max_size=25).map("".join)))
def test_any_text_claims_what_stands_in_it_or_nothing(text: str):
    sms = parse_mpesa_sms(text)
    if sms is None:
        return
    assert sms.receipt in text
    assert is_receipt(sms.receipt)
    assert sms.amount_cents > 0
    assert f"{sms.amount_cents // 100}" in text.replace(",", "")
    assert sms.at is None or sms.at.tzinfo is UTC


@given(st.lists(PIECES, min_size=100, max_size=180).map(" ".join))
def test_a_long_text_of_familiar_words_is_read_in_no_time(text: str):
    parse_mpesa_sms(text)
