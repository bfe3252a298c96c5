"""A write-off above the limit needs somebody else at the till, whoever asks for it."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import pytest

from payme.features.approvals import MayNotApprove, OwnRequest
from payme.features.identity import Proven, Role
from payme.features.inventory.errors import ApprovalNeeded, StockShort
from payme.kit.ids import new_id
from tests.invariants import assert_invariants
from tests.staff import hire, owner_of
from tests.stock_room import adjust, check_stock, level, make_product, receive, spoil
from tests.trade import TradingShop
from tests.unchanged import refused

WriteOff = Callable[..., Awaitable[Any]]


async def down(shop: TradingShop, tea: UUID, quantity: str, *, proven: Proven | None = None, **facts: Any) -> Any:
    return await adjust(shop, tea, f"-{quantity}", proven=proven, **facts)


@pytest.mark.parametrize("write_off", [down, spoil])
async def test_above_the_limit_somebody_else_must_agree(shop: TradingShop, write_off: WriteOff):
    owner, manager = await owner_of(shop), await hire(shop, Role.MANAGER, "Achieng")
    accountant = await hire(shop, Role.ACCOUNTANT)
    tea = await make_product(shop)
    await receive(shop, tea, "6", 400_002)
    for who, others in ((owner, ["Achieng"]), (manager, ["Wanjiku"])):
        refusal = await refused(shop, ApprovalNeeded, lambda who=who: write_off(who.shop, tea, "3"))
        assert refusal.facts["limit_cents"] == 200_000
        assert [each["display_name"] for each in refusal.facts["approvers"]] == others
        await refused(shop, OwnRequest, lambda who=who: write_off(who.shop, tea, "3", proven=who.proven))
    await refused(shop, MayNotApprove, lambda: write_off(owner.shop, tea, "3", proven=accountant.proven))
    await refused(shop, StockShort, lambda: write_off(owner.shop, tea, "7", proven=manager.proven))
    change_id = new_id()
    await write_off(owner.shop, tea, "3", proven=manager.proven, id=change_id)
    assert await level(shop, tea) == (3, 0, 200_001)
    given = "select actor_id, facts from audit_log where business_id = $1 and subject_id = $2 and action = $3"
    facts = {"kind": "write_off", "approved_by": str(manager.id)}
    assert await shop.rows(given, change_id, "approval.given_in_place") == [(owner.id, facts)]
    await refused(shop, ApprovalNeeded, lambda: write_off(owner.shop, tea, "3"))
    await shop.set_limits(write_off_limit_cents=200_001)
    await write_off(owner.shop, tea, "3")
    assert await level(shop, tea) == (0, 0, 0)
    await check_stock(shop)
    await assert_invariants(shop.database, shop.business_id)


async def test_what_is_found_needs_nobody_however_much_it_is(shop: TradingShop):
    tea = await make_product(shop)
    await receive(shop, tea, "1", 900_000)
    await adjust(shop, tea, "1")
    assert await level(shop, tea) == (2, 0, 1_800_000)
