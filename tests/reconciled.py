"""A trading shop whose day somebody reconciles: what there is to count, to upload, to close, in a line each.

Not a plugin; a conftest makes a `Desk` of a shop.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from payme.features.reconciliation import count_cash, run_day
from payme.features.reconciliation.schemas import (
    CloseDifference,
    CountCash,
    DifferenceView,
    LineView,
    ReconciliationView,
)
from payme.features.reconciliation.services import read_runs
from payme.features.reconciliation.services.close_difference import close_difference
from payme.features.sales import SaleView
from payme.kit.time import business_day
from tests.staff import PIN, Member
from tests.stock_room import make_product, receive
from tests.trade import TradingShop, new_receipt

PRICE = 10_000


@dataclass
class Desk:
    """The shop, what it sells at `PRICE` and what a day shows."""

    shop: TradingShop
    tea: UUID

    @property
    def today(self) -> date:
        return business_day(datetime.now(UTC))

    async def run(self, day: date | None = None) -> ReconciliationView:
        return await self.shop.run(lambda uow: run_day(uow, day or self.today))

    async def count(self, counted_cents: int, *, shop: TradingShop | None = None, **more: Any) -> None:
        command = CountCash(counted_cents=counted_cents, **more)
        await (shop or self.shop).run(lambda uow: count_cash(uow, self.today, command))

    async def found(self, view: ReconciliationView, state: str | None = None) -> list[DifferenceView]:
        return await self.shop.run(lambda uow: read_runs.list_differences(uow, view.id, None, state=state, limit=1000))

    async def named(self, view: ReconciliationView) -> list[tuple[str, int, str]]:
        """Return kind, amount and state of every difference, sorted."""
        return sorted((each.kind.value, each.amount_cents, each.state.value) for each in await self.found(view))

    async def lines(self, view: ReconciliationView) -> list[LineView]:
        return await self.shop.run(lambda uow: read_runs.list_lines(uow, view.id, None, account=None, limit=1000))

    async def close(
        self, difference: DifferenceView, by: Member, reason: str = "wrong_change", note: str = "Gave too much"
    ) -> DifferenceView:
        command = CloseDifference.model_validate({"reason": reason, "note": note, "proof": PIN})
        return await by.shop.run(lambda uow: close_difference(uow, difference.id, command, proven=by.proven))

    async def one(self, view: ReconciliationView, kind: str) -> DifferenceView:
        """Return the only open difference of a kind."""
        (found,) = [each for each in await self.found(view) if each.kind == kind and each.ended_at is None]
        return found

    async def claimed(self, by: TradingShop | None = None, *, receipt: str = "") -> SaleView:
        """Sell on a cashier's word for M-Pesa money."""
        tender = {"method": "mpesa_claim", "amount_cents": PRICE, "mpesa_receipt_number": receipt or new_receipt()}
        return await (by or self.shop).sell(self.tea, tenders=[tender])


async def open_desk(shop: TradingShop) -> Desk:
    """Give a shop something to sell."""
    tea = await make_product(shop, price_cents=PRICE, vat_class="C")
    await receive(shop, tea, "100", 400_000)
    return Desk(shop, tea)
