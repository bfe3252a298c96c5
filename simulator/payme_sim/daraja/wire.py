"""Writing JSON the way the provider's older systems do.

Lives here: numbers with two decimals, instants as numbers, balances as text. Does not live here: any one body.
Invariant: no amount passes through a float.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from payme_sim.clock import NAIROBI
from payme_sim.movements import shillings

_MARKED = re.compile(r'"@(-?\d+\.\d\d)@"')


def decimal_number(cents: int) -> str:
    """Mark an amount that shall travel as a number with two decimals."""
    return f"@{shillings(cents)}@"


def wire_json(body: Mapping[str, Any]) -> bytes:
    """Write a body, marked amounts as numbers."""
    return _MARKED.sub(r"\1", json.dumps(body, separators=(",", ":"))).encode()


def stamp(at: datetime) -> int:
    """Write an instant as a number of 14 digits, Nairobi time."""
    return int(at.astimezone(NAIROBI).strftime("%Y%m%d%H%M%S"))


def piped_balance(account: str, cents: int) -> str:
    """Write an account as name, currency, current, available, reserved and uncleared, with bars between."""
    return f"{account}|KES|{shillings(cents)}|{shillings(cents)}|0.00|0.00"


def struct_balance(cents: int) -> str:
    """Write a balance as the older system prints its own structure; the first figure is in cents."""
    return f"{{Amount={{CurrencyCode=KES, MinimumAmount={cents}, BasicAmount={shillings(cents)}}}}}"
