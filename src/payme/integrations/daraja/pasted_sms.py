"""M-Pesa's SMS as people paste it: what it claims, or nothing. A pasted SMS is easily forged and proves nothing.

The messages of payer and payee are known in their common English forms, with lost spaces, other line breaks and either
spelling of the currency. Two different receipts in one text are no claim, because nobody can say which one is meant.
Source: M-Pesa messages on customers' and merchants' phones.
"""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

from payme.integrations.daraja.receipts import is_receipt, receipt_date
from payme.integrations.daraja.values import positive_cents_of
from payme.kit.time import NAIROBI

LONGEST_TEXT = 2_000
LONGEST_NAME = 100
_CENTURY = 2_000
_AMOUNT = r"(?:ksh?s?|kes)\.?\s*(?P<amount>(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\.[0-9]{1,2})?)(?![0-9.,]*[0-9])"
_END = r"(?=\s*for\s+account|\.?\s*on\s*[0-9]{1,2}/|\.?\s*new\s+[\w-]*\s*(?:account\s+)?balance|\.?\s*transaction\s+cost|\.?\s*$)"
_PARTY = rf"(?P<party>\S.*?){_END}"
_FLAGS = re.ASCII | re.IGNORECASE

_CONFIRMED = re.compile(r"(?<![A-Za-z0-9])([A-Z][A-Z0-9]{9})\s*[.,:-]?\s*(?i:confirmed)\b", re.ASCII)
_CODE = re.compile(r"(?<!account )(?<![A-Za-z0-9])[A-Z][A-Z0-9]{9}(?![A-Za-z0-9])", re.ASCII)
_ANY_AMOUNT = re.compile(_AMOUNT, _FLAGS)
_ACCOUNT = re.compile(rf"for\s+account\s*(?P<account>\S.*?){_END}", _FLAGS)
_AT = re.compile(
    r"on\s*(?P<day>[0-9]{1,2})/(?P<month>[0-9]{1,2})/(?P<year>[0-9]{4}|[0-9]{2})\s*"
    r"at\s*(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})\s*(?P<half>[ap])\.?\s*m",
    _FLAGS,
)
_PHONE = r"\+?(?:254|0)[0-9*x ]{5,13}[0-9*x]"
_NAME_THEN_PHONE = re.compile(rf"(?P<name>.*?)[\s-]*(?P<phone>{_PHONE})", _FLAGS)
_PHONE_THEN_NAME = re.compile(rf"(?P<phone>{_PHONE})[\s-]+(?P<name>.*)", _FLAGS)


class SmsKind(StrEnum):
    """Whose message it is: the payee's, or the payer's after paying a till, a paybill or a person."""

    RECEIVED = "received"
    PAID_TO = "paid_to"
    SENT_TO = "sent_to"
    UNKNOWN = "unknown"


_FORMS = (
    (SmsKind.RECEIVED, re.compile(rf"received\s*{_AMOUNT}\s*from\s*{_PARTY}", _FLAGS)),
    (SmsKind.RECEIVED, re.compile(rf"{_AMOUNT}\s*received\s+from\s*{_PARTY}", _FLAGS)),
    (SmsKind.PAID_TO, re.compile(rf"{_AMOUNT}\s*paid\s+to\s*{_PARTY}", _FLAGS)),
    (SmsKind.PAID_TO, re.compile(rf"paid\s*{_AMOUNT}\s*to\s*{_PARTY}", _FLAGS)),
    (SmsKind.SENT_TO, re.compile(rf"{_AMOUNT}\s*sent\s+to\s*{_PARTY}", _FLAGS)),
)


@dataclass(frozen=True, slots=True)
class PastedSms:
    """What one SMS claims. `at` is aware UTC, None where the text has no time; `phone` may be masked.

    With UNKNOWN, such as a withdrawal, the amount is the first in the text and nobody is named.
    """

    receipt: str
    amount_cents: int
    kind: SmsKind
    at: datetime | None
    counterparty: str = field(default="", repr=False)
    phone: str | None = field(default=None, repr=False)
    account_reference: str = ""


def parse_mpesa_sms(text: str) -> PastedSms | None:
    """Return what a pasted text claims, or None where it is no M-Pesa confirmation or speaks of two transactions."""
    if len(text) > LONGEST_TEXT:
        return None
    line = " ".join(text.split())
    receipt = _receipt_in(line)
    if receipt is None:
        return None
    message = line[max(match.end() for match in _CONFIRMED.finditer(line)) :]
    kind, match = _form_of(message)
    amount_cents = positive_cents_of(match["amount"].replace(",", "")) if match else None
    if match is None or amount_cents is None:
        return None
    name, phone = _party(match["party"]) if kind is not SmsKind.UNKNOWN else ("", None)
    account = _ACCOUNT.search(message)
    return PastedSms(
        receipt,
        amount_cents,
        kind=kind,
        at=_instant_in(message),
        counterparty=name,
        phone=phone,
        account_reference=account["account"][:LONGEST_NAME].strip() if account else "",
    )


def _receipt_in(line: str) -> str | None:
    """Return the one receipt that is confirmed, None where another code that spells a date stands beside it."""
    confirmed = {match[1] for match in _CONFIRMED.finditer(line) if is_receipt(match[1])}
    others = {code for code in _CODE.findall(line) if _looks_like_receipt(code)}
    return confirmed.pop() if len(confirmed) == 1 and others <= confirmed else None


def _looks_like_receipt(code: str) -> bool:
    return any(character.isdigit() for character in code) and receipt_date(code) is not None and is_receipt(code)


def _form_of(message: str) -> tuple[SmsKind, re.Match[str] | None]:
    for kind, form in _FORMS:
        if match := form.search(message):
            return kind, match
    return SmsKind.UNKNOWN, _ANY_AMOUNT.search(message)


def _party(text: str) -> tuple[str, str | None]:
    match = _NAME_THEN_PHONE.fullmatch(text) or _PHONE_THEN_NAME.fullmatch(text)
    if match is None:
        return text[:LONGEST_NAME].strip(" .-"), None
    return match["name"][:LONGEST_NAME].strip(" .-"), match["phone"].replace(" ", "")


def _instant_in(message: str) -> datetime | None:
    match = _AT.search(message)
    if match is None or not 1 <= int(match["hour"]) <= 12:
        return None
    year, hour = int(match["year"]), int(match["hour"]) % 12 + (12 if match["half"].lower() == "p" else 0)
    try:
        local = datetime(
            year if year > _CENTURY else _CENTURY + year,
            int(match["month"]),
            int(match["day"]),
            hour,
            int(match["minute"]),
            tzinfo=NAIROBI,
        )
    except ValueError:
        return None
    return local.astimezone(UTC)
