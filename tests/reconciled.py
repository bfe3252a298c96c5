"""A trading shop whose day somebody reconciles: what there is to count, to upload, to close, in a line each.

Not a plugin; a conftest makes a `Desk` of a shop.
"""

import csv
import io
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from payme.features.reconciliation import count_cash, run_day
from payme.features.reconciliation.repository.statements import list_waiting
from payme.features.reconciliation.schemas import (
    CloseDifference,
    CountCash,
    DifferenceView,
    LineView,
    ReconciliationView,
    UploadReport,
)
from payme.features.reconciliation.services import read_runs
from payme.features.reconciliation.services.close_difference import close_difference
from payme.features.reconciliation.services.take_in_statement import end_intake, take_in_row
from payme.features.reconciliation.services.upload_statement import upload_statement
from payme.features.sales import SaleView
from payme.integrations.daraja import read_statement
from payme.kit.time import NAIROBI, business_day
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
        command = CountCash(counted_cash_cents=counted_cents, **more)
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
        return await by.shop.run(
            lambda uow: close_difference(
                uow, difference.id, command, reconciliation_id=difference.reconciliation_id, proven=by.proven
            )
        )

    async def one(self, view: ReconciliationView, kind: str) -> DifferenceView:
        """Return the only open difference of a kind."""
        (found,) = [each for each in await self.found(view) if each.kind == kind and each.ended_at is None]
        return found

    async def claimed(self, by: TradingShop | None = None, *, receipt: str = "") -> SaleView:
        """Sell on a cashier's word for M-Pesa money."""
        tender = {"method": "mpesa_claim", "amount_cents": PRICE, "mpesa_receipt_number": receipt or new_receipt()}
        return await (by or self.shop).sell(self.tea, tenders=[tender])

    async def upload(
        self, *rows: list[str], shortcode: str = "174379", by: TradingShop | None = None, taken_in: bool = True
    ) -> UploadReport:
        """Upload a statement, and take it in as the job does."""
        content = statement(*rows, shortcode=shortcode)
        reading = read_statement(content)
        shop = by or self.shop
        report = await shop.run(lambda uow: upload_statement(uow, content, reading=reading))
        if taken_in:
            await self.take_in(report.id)
        return report

    async def take_in(self, upload_id: UUID) -> None:
        waiting = await self.shop.run(lambda uow: list_waiting(uow, upload_id, limit=1000))
        for row_id in waiting:
            await self.shop.run(lambda uow, row=row_id: take_in_row(uow, row))
        await self.shop.run(lambda uow: end_intake(uow, upload_id))
        await self.shop.hear()

    async def states(self) -> list[tuple[str, str]]:
        """Return kind and state of every row of a statement, sorted."""
        rows = await self.shop.rows("select kind, state from statement_rows where business_id = $1 order by 1, 2")
        return [(row[0], row[1]) for row in rows]


def row(
    receipt: str,
    shillings: str,
    reason: str = "Pay Bill Online",
    *,
    minutes: float = 0,
    party: str = "2547***999 - JANE",
    **more: str,
) -> list[str]:
    """Write a row; an amount below zero is withdrawn. It was completed so many minutes from now."""
    at = (datetime.now(NAIROBI) + timedelta(minutes=minutes)).strftime("%d-%m-%Y %H:%M:%S")
    paid_in, withdrawn = ("", shillings) if shillings.startswith("-") else (shillings, "")
    status, account = more.get("status", "Completed"), more.get("account", "")
    details = more.get("details", reason)
    return [receipt, at, at, details, status, paid_in, withdrawn, "0.00", "true", reason, party, "", account]


def statement(*rows: list[str], shortcode: str = "174379") -> bytes:
    """Write a file as the portal gives it."""
    header = (
        "Receipt No.,Completion Time,Initiation Time,Details,Transaction Status,Paid In,Withdrawn,Balance,Balance Confirmed,"
        "Reason Type,Other Party Info,Linked Transaction ID,A/C No."
    )
    out = io.StringIO()
    if shortcode:
        out.write(f"Short Code:,{shortcode}\n")
    out.write(header + "\n")
    csv.writer(out).writerows(rows)
    return out.getvalue().encode()


async def open_desk(shop: TradingShop) -> Desk:
    """Give a shop something to sell."""
    tea = await make_product(shop, price_cents=PRICE, vat_class="C")
    await receive(shop, tea, "100", 400_000)
    return Desk(shop, tea)
