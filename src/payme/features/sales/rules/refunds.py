"""What may go back of a sale: which quantities, how much money, and where the sale stands then. No database, no clock.

Invariant: what goes back is never more than what was sold and paid, and all of it together is exactly that, to the cent.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, time
from decimal import Decimal
from typing import Final
from uuid import UUID

from payme.features.sales.enums import RefundMethod, Restock, SaleStatus
from payme.features.sales.errors import (
    CreditNotePaidPart,
    MpesaPaidLess,
    NothingToCredit,
    NotRefundable,
    NotVoidable,
    RefundTooMuch,
    SaleLineNotFound,
    VoidOfMpesa,
    VoidTooLate,
)
from payme.features.sales.rules.carts import COUNTED
from payme.kit.money import allocate
from payme.kit.quantity import as_text, in_thousandths
from payme.kit.time import business_day
from payme.kit.values import value

_RETURNS: Final = frozenset({SaleStatus.COMPLETED, SaleStatus.PARTLY_REFUNDED})


@value
class Left:
    """A line of a completed sale: what was sold of it, less what refunds hold already; amounts in cents."""

    id: UUID
    line_number: int
    product_id: UUID
    quantity: Decimal
    amount_cents: int
    vat_cents: int
    cost_cents: int
    track_stock: bool


@value
class Wish:
    """A quantity of one line that is to go back; `to_shelf`: it can be sold again."""

    sale_line_id: UUID
    quantity: Decimal
    to_shelf: bool


@value
class Return:
    """A part of a line that goes back, with its share of amount, VAT and cost in cents."""

    sale_line_id: UUID
    line_number: int
    product_id: UUID
    quantity: Decimal
    amount_cents: int
    vat_cents: int
    cost_cents: int
    restock: Restock


@value
class Plan:
    """What a refund moves. amount = Σ returns + rounding."""

    returns: tuple[Return, ...]
    amount_cents: int

    @property
    def rounding_cents(self) -> int:
        """What the amount is above the lines: cash rounding, with the part that completes the return."""
        return self.amount_cents - sum(each.amount_cents for each in self.returns)

    @property
    def vat_cents(self) -> int:
        """The VAT in it."""
        return sum(each.vat_cents for each in self.returns)

    @property
    def cost_cents(self) -> int:
        """What the goods had cost."""
        return sum(each.cost_cents for each in self.returns)


def plan_refund(lines: Sequence[Left], wishes: Sequence[Wish], *, left_to_pay_back_cents: int) -> Plan:
    """Decide what goes back. Each part is its share by quantity of what is left of its line, so the last one takes the remainder.

    `left_to_pay_back_cents`: paid less what refunds hold. The part that leaves no line open takes all of it, with the sale's cash
    rounding; no part takes more. Raises: SaleLineNotFound, RefundTooMuch.
    """
    open_lines = {line.id: line for line in lines}
    returns: list[Return] = []
    for wish in wishes:
        line = open_lines.get(wish.sale_line_id)
        if line is None:
            raise SaleLineNotFound(sale_line_id=wish.sale_line_id)
        if wish.quantity > line.quantity:
            raise RefundTooMuch(sale_line_id=line.id, wanted=as_text(wish.quantity), refundable=as_text(line.quantity))
        part, open_lines[line.id] = _part(line, wish)
        returns.append(part)
    share = sum(each.amount_cents for each in returns)
    completes = not any(line.quantity for line in open_lines.values())
    amount = left_to_pay_back_cents if completes else min(share, left_to_pay_back_cents)
    return Plan(tuple(returns), amount)


def everything(lines: Sequence[Left]) -> list[Wish]:
    """Return the wish to have a whole sale back, on the shelf."""
    return [Wish(line.id, line.quantity, to_shelf=True) for line in lines]


def check_refundable(status: SaleStatus) -> None:
    """Refuse where a sale has nothing to give back. Raises: NotRefundable."""
    if status not in _RETURNS:
        raise NotRefundable(status=status)


def check_voidable(status: SaleStatus, *, methods: Sequence[str], has_refunds: bool) -> None:
    """Refuse to void what is not whole any more, or was not counted by a person. Raises: NotVoidable, VoidOfMpesa."""
    if status != SaleStatus.COMPLETED or has_refunds:
        raise NotVoidable(status=status)
    if not set(methods) <= COUNTED:
        raise VoidOfMpesa


def check_same_day(completed_at: datetime, now: datetime, *, day_starts_at: time) -> None:
    """Refuse to void after the business day of the sale has ended. Raises: VoidTooLate."""
    if business_day(completed_at, day_starts_at) != business_day(now, day_starts_at):
        raise VoidTooLate


def check_method(
    method: RefundMethod, amount_cents: int, *, left_by_mpesa_cents: int, left_in_money_cents: int
) -> None:
    """Refuse a way for money to go back that is not there; `amount_cents` is what goes back beyond the debt that it lowers.

    `left_by_mpesa_cents`: came by M-Pesa, less what refunds hold of it. `left_in_money_cents`: came by anything but credit notes,
    less what refunds hold in money. In cash or by M-Pesa never goes back what was paid by credit note: otherwise a note, which
    is to be spent at the shop, could be turned into cash by buying and returning. As a credit note everything may go back.
    Raises: NothingToCredit, MpesaPaidLess, CreditNotePaidPart.
    """
    if method == RefundMethod.CREDIT_NOTE:
        if not amount_cents:
            raise NothingToCredit
        return
    if method == RefundMethod.MPESA and not 0 < amount_cents <= left_by_mpesa_cents:
        raise MpesaPaidLess(amount_cents=amount_cents, refundable_cents=left_by_mpesa_cents)
    if amount_cents > left_in_money_cents:
        raise CreditNotePaidPart(amount_cents=amount_cents, refundable_cents=left_in_money_cents)


def debt_part(amount_cents: int, *, left_on_credit_cents: int) -> int:
    """Return what of a refund lowers the debt of its sale: as much as there is, before anything is given back in money.

    `left_on_credit_cents`: bought on credit, less what refunds hold of it.
    """
    return min(amount_cents, left_on_credit_cents)


def needs_approval(amount_cents: int, limit_cents: int) -> bool:
    """Say whether giving back this much needs a second person."""
    return amount_cents > limit_cents


def after_refund(sold: Mapping[UUID, Decimal], returned: Mapping[UUID, Decimal]) -> SaleStatus:
    """Return where a sale stands when these quantities of its lines have gone back for good."""
    whole = all(returned.get(line_id, Decimal(0)) == quantity for line_id, quantity in sold.items())
    return SaleStatus.REFUNDED if whole else SaleStatus.PARTLY_REFUNDED


def _part(line: Left, wish: Wish) -> tuple[Return, Left]:
    weights = (in_thousandths(wish.quantity), in_thousandths(line.quantity - wish.quantity))
    amount, amount_left = allocate(line.amount_cents, weights)
    vat, vat_left = allocate(line.vat_cents, weights)
    cost, cost_left = allocate(line.cost_cents, weights)
    shelf = Restock.SHELF if wish.to_shelf else Restock.SPOILAGE
    part = Return(
        sale_line_id=line.id, line_number=line.line_number, product_id=line.product_id, quantity=wish.quantity,
        amount_cents=amount, vat_cents=vat, cost_cents=cost, restock=shelf if line.track_stock else Restock.NONE,
    )  # fmt: skip
    rest = replace(
        line, quantity=line.quantity - wish.quantity, amount_cents=amount_left, vat_cents=vat_left, cost_cents=cost_left
    )
    return part, rest
