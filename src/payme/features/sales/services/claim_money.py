"""Give money that came by itself to a sale, and know which sales wait for money.

The sale is locked first, then the money; of two tills that claim the same money one gets it.
"""

import re
from datetime import timedelta
from typing import Final
from uuid import UUID

from payme.features import businesses, credit, payments
from payme.features.payments import Destination, Expected
from payme.features.sales.errors import SaleNotOpen
from payme.features.sales.repository import sales
from payme.features.sales.rules.carts import awaits_money, reasons_to_suggest
from payme.features.sales.schemas.sales import ClaimMoney, SaleView, Suggestion
from payme.features.sales.services.read_sale import lock_sale
from payme.features.sales.services.settle_sale import apply_money, lock_goods, reread
from payme.runtime.database import UnitOfWork

_RECEIPT_NUMBER: Final = re.compile(r"([A-Z0-9]{1,6})[\s/.-]*([0-9]{1,12})")
_DIGITS: Final = 6
_LOOKED_BACK: Final = timedelta(hours=24)
_MOST_SUGGESTIONS: Final = 10


async def claim_money(uow: UnitOfWork, unclaimed_id: UUID, command: ClaimMoney) -> SaleView:
    """Apply money in the tray to a sale that waits for it; less is a part payment, of more the excess stays in the tray.

    Raises: SaleNotFound, SaleNotOpen, and what `payments.claim_unclaimed` raises; at the flush TokensExhausted.
    """
    sale = await lock_sale(uow, command.purpose_id)
    if not awaits_money(sale.status):
        raise SaleNotOpen(status=sale.status)
    # Stock before the money, as everybody who sells on a code does.
    await lock_goods(uow, sale.id)
    payment = await payments.claim_unclaimed(uow, unclaimed_id, Destination("sale", sale.id))
    await apply_money(uow, sale, payment)
    return await reread(uow, sale.id)


async def list_suggestions(uow: UnitOfWork, unclaimed_id: UUID) -> list[Suggestion]:
    """Return the unpaid sales, and then the debts, that money in the tray may be for, the likeliest first. Raises: UnclaimedNotFound."""
    money = await payments.get_unclaimed(uow, unclaimed_id)
    at = money.paid_at or money.received_at
    found: list[Suggestion] = []
    for sale in await sales.list_unpaid(uow, since=at - _LOOKED_BACK):
        names_it = _as_receipt_number(money.bill_reference) == sale.receipt_number
        why = reasons_to_suggest(
            due_cents=sale.due_cents,
            amount_cents=money.amount_cents,
            names_it=names_it,
            apart=abs(sale.created_at - at),
        )
        if why:
            found.append(
                Suggestion(
                    purpose="sale", purpose_id=sale.id, label=sale.receipt_number, due_cents=sale.due_cents,
                    because=[each.value for each in why], created_at=sale.created_at,
                )
            )  # fmt: skip
    found.sort(key=lambda each: (-len(each.because), abs((each.created_at or at) - at)))
    owed = await _list_debts(uow, reference=money.bill_reference, amount_cents=money.amount_cents)
    return sorted([*found, *owed], key=lambda each: -len(each.because))[:_MOST_SUGGESTIONS]


async def _list_debts(uow: UnitOfWork, *, reference: str, amount_cents: int) -> list[Suggestion]:
    likely = await credit.list_likely_debts(
        uow, reference=reference, amount_cents=amount_cents, limit=_MOST_SUGGESTIONS
    )
    return [
        Suggestion(
            purpose="credit_account", purpose_id=each.account_id, label=each.label, due_cents=each.due_cents,
            because=[
                why.value
                for why in reasons_to_suggest(
                    due_cents=each.due_cents, amount_cents=amount_cents, names_it=each.is_named, apart=_LOOKED_BACK
                )
            ],
        )
        for each in likely
    ]  # fmt: skip


class SalesDesk:
    """Answers payments which sale a reference names: a receipt number, as people type one."""

    async def find_expected(self, uow: UnitOfWork, reference: str) -> Expected | None:
        """Return the sale of a receipt number, if it waits for money."""
        number = _as_receipt_number(reference)
        till_id = await businesses.find_till_by_prefix(uow, number.split("-")[0]) if number else None
        sale = await sales.find_by_receipt_number(uow, till_id, number) if number and till_id else None
        if sale is None or not awaits_money(sale.status):
            return None
        return Expected("sale", sale.id, sale.total_cents - sale.paid_cents)


def _as_receipt_number(reference: str) -> str | None:
    """Return what people type, such as `a1 - 17`, as the number on the receipt, A1-000017; None where it is none."""
    found = _RECEIPT_NUMBER.fullmatch(reference.strip().upper())
    return f"{found[1]}-{int(found[2]):0{_DIGITS}d}" if found else None
