"""Kenyan phone numbers as people type them, and as M-Pesa wants them. No operator is refused: numbers are portable."""

import hashlib
import re

_PUNCTUATION = re.compile(r"[\s\-().]", re.ASCII)
_MSISDN = re.compile(r"(?:\+?254|0)?([17][0-9]{8})")


def normalise_msisdn(text: str) -> str | None:
    """Return `2547XXXXXXXX` or `2541XXXXXXXX`, or None where the text is no Kenyan mobile number.

    Source: Daraja field rules; prefixes are never used to guess the operator.
    """
    match = _MSISDN.fullmatch(_PUNCTUATION.sub("", text))
    return f"254{match[1]}" if match else None


def masked(msisdn: str) -> str:
    """Return a number with only its last three digits, for logs and screens of people who need not know it."""
    return f"{'*' * max(len(msisdn) - 3, 0)}{msisdn[-3:]}"


def hash_of(msisdn: str) -> str:
    """Return Safaricom's hash of a number: SHA-256 of its twelve digits, in lower case. Nine digits are free: it hides nobody."""
    return hashlib.sha256(msisdn.encode()).hexdigest()
