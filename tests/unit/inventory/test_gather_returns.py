"""What comes back of one product to one place comes back as one."""

from decimal import Decimal
from uuid import UUID

from payme.features.inventory.rules import Returned, gather_returns

TEA, MILK = UUID(int=1), UUID(int=2)


def returned(cause: int, product: UUID, quantity: str, cost: int, *, spoiled: bool = False) -> Returned:
    return Returned(UUID(int=cause), product, Decimal(quantity), cost, spoiled)


def test_parts_are_gathered_by_product_and_place_under_the_first_cause():
    parts = [
        returned(11, MILK, "1", 100),
        returned(12, TEA, "2", 200),
        returned(13, MILK, "0.5", 51),
        returned(14, MILK, "3", 300, spoiled=True),
        returned(15, TEA, "1", 99),
    ]
    assert gather_returns(parts) == [
        returned(12, TEA, "3", 299),
        returned(11, MILK, "1.5", 151),
        returned(14, MILK, "3", 300, spoiled=True),
    ]
    assert gather_returns([]) == []
