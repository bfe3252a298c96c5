"""The one lock order of the whole product, and the calls that are deferred so that it holds by construction.

Rows that a sale shares with every other sale of the business are written last, each in the place that its order gives it.
Nobody writes them at once; whoever needs them defers a call to a SQL function, and the unit of work makes one statement
of all of them. Two orders side by side deadlock; there is only this one.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from typing import Any

_PLACEHOLDER = re.compile(r"\$(\d+)")


class WriteOrder(IntEnum):
    """Where a deferred write stands; stock levels are locked in product order before any of them."""

    COLD = 0
    STOCK = 10
    TILL = 20
    CREDIT_NOTES = 25
    CREDIT = 27
    WALLET = 30
    BALANCES = 40
    REPLY = 50
    SYNC = 60


@dataclass(slots=True)
class Deferred:
    """A call that will run at the flush; its value is there afterwards."""

    order: WriteOrder
    call: str
    arguments: tuple[Any, ...]
    reply_as: str | None = None
    _value: Any = None
    _done: bool = False

    @property
    def value(self) -> Any:
        """What the SQL function returned. The flush must have happened."""
        assert self._done, f"{self.call} has not run yet"
        return self._value

    def settle(self, value: Any) -> None:
        """Record what the call returned."""
        self._value, self._done = value, True


@lru_cache(maxsize=512)
def compose(calls: tuple[str, ...], patches: tuple[tuple[str, int], ...], tail: tuple[str, ...]) -> str:
    """Return one SELECT that runs `calls` in order, then `tail` in order.

    Each call is a constant such as `tokens_charge($1,$2)` with its own numbering; placeholders are renumbered. The first call
    of the tail stores the reply and may use `{patch}`, the values of the calls named in `patches` as one JSON object. An
    inner select that cannot be flattened (offset 0) is complete before the outer one starts, and a target list is evaluated
    from left to right.
    """
    inner: list[str] = []
    taken = 0
    for position, call in enumerate(calls):
        text, taken = _renumber(call, taken)
        inner.append(f"{text} as c{position}")
    patch = ", ".join(f"'{name}', s.c{position}" for name, position in patches)
    outer = ["s.*"] if inner else []
    for position, call in enumerate(tail):
        text, taken = _renumber(call, taken)
        outer.append(f"{text.replace('{patch}', f'jsonb_build_object({patch})')} as t{position}")
    source = f" from (select {', '.join(inner)} offset 0) s" if inner else ""
    return f"-- unit_of_work.flush\nselect {', '.join(outer)}{source}"


def _renumber(call: str, taken: int) -> tuple[str, int]:
    numbers = [int(found) for found in _PLACEHOLDER.findall(call)]
    text = _PLACEHOLDER.sub(lambda match: f"${int(match[1]) + taken}", call)
    return text, taken + max(numbers, default=0)


def in_order(deferred: Sequence[Deferred]) -> list[Deferred]:
    """Return the calls sorted by their place in the lock order, first come first within one place."""
    return sorted(deferred, key=lambda each: each.order)
