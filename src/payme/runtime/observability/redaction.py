"""What may stand in a log line: listed fields only, and in those no phone number, address of a person, token or password.

Invariant: a value that was typed by somebody cannot start a new line, and a secret that slips into a message is not readable.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from typing import Any, Final, cast
from uuid import UUID

# A field that is not listed is not written. Add one here only if it can never hold anything of a person or a secret;
# phone numbers are masked wherever they stand.
ALLOWED: Final = frozenset(
    {
        # who, where, in which request
        "event", "level", "timestamp", "logger", "request_id", "traceparent", "actor", "actor_kind", "business_id",
        "branch_id", "device_id", "session_id", "user_id", "phone", "msisdn", "address",
        # what happened to it
        "attempt", "attempts", "code", "count", "error", "exception", "fault", "kind", "message", "mode", "number", "outcome",
        "reason", "status", "warning",
        # which thing
        "collection", "file", "inbox_id", "job", "job_id", "jobs", "key_id", "method", "name", "operation", "payment_id", "pid", "port", "product",
        "account", "product_id", "provider", "result_code", "route", "sale_id", "shortcode", "table", "version", "worker",
        "environment", "head", "position", "release", "schedules",
        # how much
        "amount_cents", "bytes", "milliseconds", "per_second", "rows", "seconds",
    }
)  # fmt: skip
# The head of an audit chain is written to be compared one day, so it must stay readable.
FINGERPRINTS: Final = frozenset({"head"})
FINGERPRINT: Final = re.compile(r"[0-9a-f]{64}")
MASKED: Final = frozenset({"phone", "msisdn"})
# Ids and instants as we write them ourselves are half of every line; nothing in them could be redacted.
PLAIN: Final = re.compile(
    r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{32}|[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{8,15}Z"
)
REFUSED: Final = "[field not allowed]"
LONGEST_TEXT: Final = 2000
SHORT_TEXT: Final = 80
DEEPEST: Final = 4

# Control characters, line separators, and marks that turn text around on a screen.
UNPRINTABLE: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]+")
PHONE: Final = re.compile(r"(?<![\w.])\+?(?:254|0)[ -]?[17]\d(?:[ -]?\d){7}(?![\w])")
RULES: Final[tuple[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]], ...]] = (
    (re.compile(r"(?<=://)([^/\s:@]*):[^/\s@]*@"), r"\1:[password]@"),
    (re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]+"), r"\1 [token]"),
    (re.compile(r"\beyJ[\w-]+\.[\w-]*\.?[\w-]*"), "[token]"),
    (re.compile(r"\bpk_(test|live)_[\w-]+"), r"pk_\1_[token]"),
    (re.compile(r"(?<=/d/)[\w-]{8,}"), "[token]"),
    (
        re.compile(
            r"(?i)\b([\w-]*(?:password|passkey|passwd|secret|token|api_?key|consumer_?key|credential|authorization|cookie|pin|totp|otp))"
            r"([\"']?\s*(?:[:=]|is)\s*[\"']?)(?!\[)[^\s,;\"'}\])]+"
        ),
        r"\1\2[redacted]",
    ),
    (re.compile(r"\b[\w.+-]+@[\w-]+\.[\w.-]+\b"), "[email]"),
    (PHONE, lambda found: mask_phone(found[0])),
    (re.compile(r"(?<![\w-])(?=[\w-]*\d)(?=[\w-]*[A-Za-z])[\w-]{40,}(?![\w-])"), "[token]"),
)


def redact(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a log line as they may be written."""
    written: dict[str, Any] = {}
    for name, value in fields.items():
        if name not in ALLOWED:
            written[scrub(str(name))] = REFUSED
        elif name in FINGERPRINTS and isinstance(value, str) and FINGERPRINT.fullmatch(value):
            written[name] = value
        elif name in MASKED and value is not None:
            written[name] = mask_phone(str(value))
        else:
            written[name] = clean(value)
    return written


def clean(value: Any, depth: int = 0) -> Any:
    """Return a value with all text in it scrubbed; anything that is no plain value becomes the name of its type."""
    plain = value.value if isinstance(value, Enum) else value
    if plain is None or isinstance(plain, (bool, int, float)):
        return plain
    if isinstance(plain, str):
        return scrub(plain)
    if isinstance(plain, (UUID, Decimal, date)):
        return str(plain)
    return _clean_inside(plain, depth) if depth < DEEPEST else "…"


def _clean_inside(value: Any, depth: int) -> Any:
    if isinstance(value, Mapping):
        pairs = cast("Mapping[Any, Any]", value).items()
        return {str(name): clean(each, depth + 1) for name, each in pairs if str(name) in ALLOWED}
    if isinstance(value, (list, tuple)):
        return [clean(each, depth + 1) for each in cast("Sequence[Any]", value)]
    return f"<{type(value).__name__}>"


def scrub(text: str) -> str:
    """Return a text on one line, without tokens, passwords, e-mail addresses and whole phone numbers."""
    if PLAIN.fullmatch(text):
        return text
    return _scrub_short(text) if len(text) <= SHORT_TEXT else _scrub(text)


def _scrub(text: str) -> str:
    shown = UNPRINTABLE.sub(" ", text[: LONGEST_TEXT * 2])
    for pattern, replacement in RULES:
        shown = pattern.sub(replacement, shown)
    return shown if len(shown) <= LONGEST_TEXT else shown[:LONGEST_TEXT] + "…"


# Routes, methods and the names of events come back in every line.
_scrub_short = lru_cache(maxsize=2048)(_scrub)


def mask_phone(number: str) -> str:
    """Return a phone number with all but its last three digits masked."""
    digits = [letter for letter in number if letter.isdigit()]
    return "*" * max(0, len(digits) - 3) + "".join(digits[-3:]) if len(digits) > 5 else "***"
