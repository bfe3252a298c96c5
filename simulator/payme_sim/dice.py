"""Everything the simulator would otherwise make up: ids, receipts, delays.

Lives here: seeded drawing. Does not live here: when a draw is made.
Invariant: equal seeds and equal instants give equal draws. Ids and receipts also depend on the instant, so that a
restarted simulator does not repeat the receipts a shop's books already hold.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from datetime import datetime

from payme_sim.clock import Clock

_RECEIPT_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
_TOKEN_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_DAY_LETTERS = "123456789ABCDEFGHIJKLMNOPQRSTUV"
_FIRST_YEAR = 2006


class Dice:
    """A seeded source of draws; one independent sequence per kind."""

    def __init__(self, seed: int, clock: Clock) -> None:
        """Draw from `seed`; ids also take the instant of `clock`."""
        self.seed = seed
        self._clock = clock
        self._drawn: Counter[str] = Counter()

    def seconds_between(self, kind: str, *, low: float, high: float) -> float:
        """Draw a delay in seconds, to the millisecond; independent of the instant."""
        span = int((high - low) * 1000)
        return low + (self._number(kind, "") % (span + 1)) / 1000

    def access_token(self) -> str:
        """Draw an opaque token of 28 characters."""
        return self._letters("token", alphabet=_TOKEN_ALPHABET, length=28)

    def request_id(self) -> str:
        """Draw an id of the shape `xxxx-xxxx-xxxx-` + 12 hex digits + 4 digits."""
        number = self._number("request", self._instant())
        text = f"{number & (1 << 96) - 1:024x}"
        return f"{text[:4]}-{text[4:8]}-{text[8:12]}-{text[12:]}{number % 10000:04d}"

    def conversation_id(self) -> str:
        """Draw an id of the shape `AG_` + Nairobi date + `_` + 20 hex digits."""
        number = self._number("conversation", self._instant())
        return f"AG_{self._clock.nairobi():%Y%m%d}_{number & (1 << 80) - 1:020x}"

    def receipt(self) -> str:
        """Draw a receipt: year, month and day letters of the Nairobi date, then seven characters."""
        return receipt_prefix(self._clock.nairobi()) + self._letters("receipt", alphabet=_RECEIPT_ALPHABET, length=7)

    def _letters(self, kind: str, *, alphabet: str, length: int) -> str:
        number = self._number(kind, self._instant())
        letters: list[str] = []
        for _ in range(length):
            number, digit = divmod(number, len(alphabet))
            letters.append(alphabet[digit])
        return "".join(letters)

    def _instant(self) -> str:
        return self._clock.now().isoformat(timespec="milliseconds")

    def _number(self, kind: str, salt: str) -> int:
        self._drawn[kind] += 1
        text = f"{self.seed}|{kind}|{self._drawn[kind]}|{salt}"
        return int.from_bytes(hashlib.sha256(text.encode()).digest(), "big")


def receipt_prefix(day: datetime) -> str:
    """Spell a date as the three letters a receipt begins with: 2026-11-22 is `UKM`."""
    year = chr(ord("A") + (day.year - _FIRST_YEAR) % 26)
    return year + chr(ord("A") + day.month - 1) + _DAY_LETTERS[day.day - 1]
