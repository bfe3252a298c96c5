"""A shop with tea at a hundred shillings, and what people do with its drawer in a line each."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest_asyncio

from payme.features.approvals import ApprovalApproved, ApprovalKind, ApprovalRejected
from payme.features.sales import SaleView
from payme.features.shifts import (
    CloseShift,
    MoveDrawer,
    OpenShift,
    ShiftView,
    close_shift,
    get_shift,
    hear_of_approval,
    hear_of_refusal,
    move_drawer,
    open_shift,
)
from payme.kit.ids import new_id
from tests.invariants import assert_invariants
from tests.stock_room import make_product, receive
from tests.trade import TradingShop, cash, database, other_shop, shop

__all__ = ["database", "other_shop", "shop"]
PRICE = 10_000
FLOAT = 100_000


@dataclass
class Counter:
    """A shop and what it sells."""

    shop: TradingShop
    tea: UUID

    async def open(self, *, is_fact: bool = False, by: TradingShop | None = None, **more: Any) -> ShiftView:
        command = OpenShift.model_validate({"float_cents": FLOAT, **more})
        return await (by or self.shop).run(lambda uow: open_shift(uow, command, is_fact=is_fact))

    async def close(
        self, shift: ShiftView, counted_cents: int, *, is_fact: bool = False, by: TradingShop | None = None
    ) -> ShiftView:
        command = CloseShift(counted_cents=counted_cents)
        return await (by or self.shop).run(lambda uow: close_shift(uow, shift.id, command, is_fact=is_fact))

    async def sell(
        self, shift: ShiftView | None, *tenders: Any, by: TradingShop | None = None, **more: Any
    ) -> SaleView:
        shift_id = shift.id if shift else None
        return await (by or self.shop).sell(self.tea, tenders=list(tenders) or [cash(PRICE)], shift_id=shift_id, **more)

    async def move(self, shift: ShiftView, direction: str, amount_cents: int, *, is_fact: bool = False) -> None:
        command = MoveDrawer.model_validate({"direction": direction, "amount_cents": amount_cents, "reason": "Change"})
        await self.shop.run(lambda uow: move_drawer(uow, shift.id, command, is_fact=is_fact))

    async def shift(self, shift: ShiftView) -> ShiftView:
        return await self.shop.run(lambda uow: get_shift(uow, shift.id))

    async def answer(self, shift: ShiftView, *, agreed: bool, approval_id: UUID | None = None) -> ShiftView:
        """Have the shift hear what somebody else said of its difference."""
        facts: dict[str, Any] = {
            "subject_id": approval_id or shift.approval_id, "kind": ApprovalKind.VARIANCE, "about_id": shift.id,
            "decided_by": new_id(),
        }  # fmt: skip
        if agreed:
            await self.shop.run(lambda uow: hear_of_approval(uow, ApprovalApproved(**facts)))
        else:
            await self.shop.run(lambda uow: hear_of_refusal(uow, ApprovalRejected(**facts)))
        return await self.shift(shift)

    async def sound(self) -> None:
        await assert_invariants(self.shop.database, self.shop.business_id)


@pytest_asyncio.fixture(loop_scope="session")
async def counter(shop: TradingShop) -> Counter:
    product = await make_product(shop, price_cents=PRICE)
    await receive(shop, product, "100", 500_000)
    return Counter(shop, product)
