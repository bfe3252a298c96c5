"""Each way to type a phone number, at each door that takes one: understood, or refused as no phone number."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.api.access.test_every_route import OPERATIONS
from tests.api.examined.asking import asking
from tests.api.examined.conftest import Place
from tests.fault_rows import FaultRow
from tests.people import PASSWORD

DOORS = {each.name: each for each in OPERATIONS if each.name in {"auth_signup", "tokens_buy", "sales_create"}}
REFUSALS = {"auth.phone_invalid", "payments.phone_invalid", "http.invalid"}
ARABIC = "".join(chr(0x660 + int(digit)) for digit in "0712345678")
WIDE = "".join(chr(0xFF10 + int(digit)) for digit in "0712345678")
PHONES = [
    ("0712345678", True), ("+254712345678", True), ("254712345678", True), ("0112345678", True), ("712345678", True),
    ("0712 345 678", True), ("+254 712-345-678", True), ("(0712) 345.678", True), ("\t0712345678\n", True),
    ("07123456789", False), ("071234567", False), ("+255712345678", False), ("00254712345678", False),
    ("0812345678", False), ("07l2345678", False), ("simu", False), ("-712345678", True), ("+", False), (ARABIC, False),
    (WIDE, False), ("0712345678\u200f", False), ("0712345678;ext=1", False), ("📱", False), ("2547" + "1" * 28, False),
    ("1e9", False), ("0712345678,0712345679", False),
]  # fmt: skip


@pytest.mark.fault_row(31)
@pytest.mark.parametrize("door", DOORS)
async def test_every_way_to_type_a_phone_number(place: Place, row: FaultRow, door: str):
    cart = [{"product_id": str(place.things.product_id), "quantity": "1"}]
    bodies: dict[str, Callable[[str], dict[str, Any]]] = {
        "auth_signup": lambda phone: {"name": "Achieng", "phone": phone, "password": PASSWORD},
        "tokens_buy": lambda phone: {"package": 150, "phone": phone},
        "sales_create": lambda phone: {
            "lines": cart,
            "tenders": [{"method": "mpesa_stk", "amount_cents": 10_000, "phone": phone}],
        },
    }
    async with place.client() as client:
        examiner = await asking(place, client, row)
        for typed, is_phone in PHONES:
            answer = await examiner.ask(DOORS[door], typed, json=bodies[door](typed))
            is_refused = answer.status_code == 422
            assert is_refused != is_phone, (typed, answer.text)
            assert not is_refused or answer.json()["code"] in REFUSALS, (typed, answer.text)
    assert examiner.faults == []
