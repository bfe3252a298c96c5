"""Whether a notice of money can be about a number that we know, though Safaricom hides it.

A notice shows a number masked (`2547 ***** 126`), hashed (64 hexadecimal digits), a hash under the mask, plain, or not at all.
Such a number tells nobody who paid; it can only say that it was, or was not, somebody whom we asked.
Source: C2B confirmations seen on the wire, 2022 to 2025.
"""

import re
from typing import Final

from payme.kit.phone import hash_of, normalise_msisdn

_SPACES: Final = re.compile(r"\s+")
_STARS: Final = re.compile(r"\*+")
_HASH: Final = re.compile(r"[0-9a-f]{64}")
_SHORTEST_END: Final = 3
_BEGIN_SHOWN: Final = 4
_LOCAL_DIGITS: Final = 9
_LONGEST_NUMBER: Final = 12


def hidden(told: str) -> str:
    """Return what may be kept of a number as it was told: one that came in the clear is masked as Safaricom masks them."""
    msisdn = normalise_msisdn(told)
    return f"{msisdn[:_BEGIN_SHOWN]} ***** {msisdn[-_SHORTEST_END:]}" if msisdn else told


def may_be(msisdn: str, told: str | None) -> bool | None:
    """Say whether `told` can be this number, 254… in full; None where it says nothing about any number."""
    text = _SPACES.sub("", told or "").lower().removeprefix("+")
    if not text:
        return None
    if _HASH.fullmatch(text):
        return text == hash_of(msisdn)
    begin, stars, end = _parts(text)
    if not stars:
        return _local(text) == _local(msisdn) if text.isdigit() else None
    if len(end) < _SHORTEST_END:
        return None
    # So few characters as a number has fit the hash of many another number.
    wholes = (msisdn, _local(msisdn)) if len(begin + end) <= len(msisdn) else (hash_of(msisdn),)
    return any(whole.startswith(begin) and whole.endswith(end) for whole in wholes)


def tells_one(told: str) -> bool:
    """Say whether a number, as it was told, can be that of one person only: it, or enough of its hash, stands there."""
    begin, stars, end = _parts(_SPACES.sub("", told))
    return not stars or len(begin + end) > _LONGEST_NUMBER


def _local(digits: str) -> str:
    """Return the nine digits of a number; Pull leaves out what stands before them."""
    return digits[-_LOCAL_DIGITS:]


def _parts(text: str) -> tuple[str, str, str]:
    """Return what stands before the first star, the stars, and what stands after the last."""
    found = list(_STARS.finditer(text))
    if not found:
        return text, "", ""
    return text[: found[0].start()], "*", text[found[-1].end() :]
