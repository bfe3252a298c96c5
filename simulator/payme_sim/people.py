"""Who owns a number: names made from its digits.

Lives here: the names. Does not live here: wallets.
Invariant: a number has the same name in every run and in every product.
"""

from __future__ import annotations

_FIRST = ("AMINA", "BRIAN", "CHEBET", "DANIEL", "ESTHER", "FATUMA", "GITAU", "HALIMA", "ISAAC", "JOY")
_MIDDLE = ("WANJIRU", "OCHIENG", "MUTISO", "ATIENO", "KIPLAGAT", "NJERI", "HASSAN", "AKINYI", "MWANGI", "CHEPKOECH")
_LAST = ("OTIENO", "KAMAU", "N'GANG'A", "KILONZO", "ABDI", "ROTICH", "WAFULA", "MUTHONI", "OMONDI", "KARIUKI")


def name_of(msisdn: str) -> str:
    """Name the owner of a number: first, middle and last name."""
    first, middle, last = (int(digit) for digit in msisdn[-3:])
    return f"{_FIRST[first]} {_MIDDLE[middle]} {_LAST[last]}"
