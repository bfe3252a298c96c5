"""What a cart costs, who may give which discount, and where a sale goes next. No database, no clock.

The same decisions serve a sale made online and one that a till made offline.
"""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

from payme.features.sales.enums import Because, SaleStatus, TenderMethod
from payme.features.sales.errors import (
    DiscountAboveLimit,
    DiscountTooLarge,
    OneCreditAccount,
    OnePromptPerSale,
    PriceOverrideForbidden,
    ReceivedTooLittle,
    TendersDiffer,
)
from payme.kit.money import BASIS_POINTS, allocate, line_amount, round_to_step, vat_included
from payme.kit.values import value

COUNTED = frozenset({TenderMethod.CASH, TenderMethod.CARD_RECORDED, TenderMethod.CREDIT_NOTE, TenderMethod.CREDIT})
PAID_AT_ONCE = COUNTED | {TenderMethod.MPESA_CLAIM}
_ROUNDED = frozenset({TenderMethod.CASH, TenderMethod.MPESA_STK, TenderMethod.MPESA_CLAIM})

_CLOSE = timedelta(minutes=15)


@value
class Item:
    """A product in the cart, with what the catalogue says of it on the day."""

    product_id: UUID
    name: str
    quantity: Decimal
    unit_price_cents: int | None
    discount_cents: int
    catalogue_price_cents: int
    vat_class: str
    rate_basis_points: int
    track_stock: bool


@value
class Line:
    """A priced line: `discount_cents` holds its own discount and its share of the cart's."""

    product_id: UUID
    name: str
    quantity: Decimal
    unit_price_cents: int
    catalogue_price_cents: int
    discount_cents: int
    total_cents: int
    vat_class: str
    rate_basis_points: int
    vat_cents: int
    track_stock: bool


@value
class Cart:
    """A priced cart. total = Σ lines + rounding."""

    lines: tuple[Line, ...]
    gross_cents: int
    discount_cents: int
    rounding_cents: int
    total_cents: int
    vat_cents: int


@value
class Paying:
    """A tender as the rules see it."""

    method: TenderMethod
    amount_cents: int
    received_cents: int | None = None


@value
class Policy:
    """What the business allows, what this person may do beyond it, and whether a second person agreed to the discount."""

    cash_rounding_cents: int
    discount_limit_basis_points: int
    may_override_price: bool
    is_discount_approved: bool


def price_cart(
    items: Sequence[Item], tenders: Sequence[Paying], *, policy: Policy, cart_discount_cents: int = 0
) -> Cart:
    """Price a cart: line discounts, then the cart's discount allocated to lines, then VAT out of each line, then rounding.

    Raises: PriceOverrideForbidden, DiscountTooLarge, DiscountAboveLimit.
    Source: PayMe's product rules; VAT is extracted per line, half-up, and the sale's VAT is the sum of its lines.
    """
    grosses = [_gross(item, policy) for item in items]
    nets = [gross - item.discount_cents for gross, item in zip(grosses, items, strict=True)]
    if min(nets) < 0 or cart_discount_cents > sum(nets):
        raise DiscountTooLarge
    shares = allocate(cart_discount_cents, nets)
    lines = tuple(_line(item, net, share) for item, net, share in zip(items, nets, shares, strict=True))
    discount = cart_discount_cents + sum(item.discount_cents for item in items)
    _check_discount(discount, sum(grosses), policy)
    subtotal = sum(line.total_cents for line in lines)
    # Without a tender there is nothing to pay: the cart is free, or rounds to nothing.
    rounds = not tenders or any(tender.method in _ROUNDED for tender in tenders)
    total = round_to_step(subtotal, policy.cash_rounding_cents) if rounds else subtotal
    return Cart(lines, sum(grosses), discount, total - subtotal, total, sum(line.vat_cents for line in lines))


def check_tenders(tenders: Sequence[Paying], due_cents: int) -> None:
    """Hold the tenders against what is due. Raises: TendersDiffer, ReceivedTooLittle, OnePromptPerSale, OneCreditAccount."""
    offered = sum(tender.amount_cents for tender in tenders)
    if offered != due_cents:
        raise TendersDiffer(due_cents=due_cents, tendered_cents=offered)
    if any(tender.received_cents is not None and tender.received_cents < tender.amount_cents for tender in tenders):
        raise ReceivedTooLittle
    if sum(tender.method == TenderMethod.MPESA_STK for tender in tenders) > 1:
        raise OnePromptPerSale
    if sum(tender.method == TenderMethod.CREDIT for tender in tenders) > 1:
        raise OneCreditAccount


def change_due(tenders: Sequence[Paying]) -> int:
    """Return what the cashier hands back."""
    return sum(tender.received_cents - tender.amount_cents for tender in tenders if tender.received_cents is not None)


def are_counted(tenders: Sequence[Paying]) -> bool:
    """Say whether people counted all of the money, so that it goes into its accounts without being held."""
    return all(tender.method in COUNTED for tender in tenders)


def completes_at_once(tenders: Sequence[Paying]) -> bool:
    """Say whether all of the money is there when the sale is made."""
    return all(tender.method in PAID_AT_ONCE for tender in tenders)


def after_payment(paid_cents: int, total_cents: int) -> SaleStatus:
    """Return where a sale that waits for money goes once some was applied; `paid_cents` holds it and what came before it."""
    return SaleStatus.COMPLETED if paid_cents >= total_cents else SaleStatus.AWAITING_PAYMENT


def takes_money_by_itself(status: SaleStatus) -> bool:
    """Say whether money that is confirmed now is applied without a person: a late success completes a sale that had failed.

    Money for a sale that was cancelled, has expired or is paid becomes unclaimed.
    """
    return status in {SaleStatus.AWAITING_PAYMENT, SaleStatus.PAYMENT_FAILED}


def after_failure(status: SaleStatus, *, paid_cents: int, more_to_come: bool, expired: bool) -> SaleStatus:
    """Return where a sale goes when a payment of it failed; paid parts, and news still to come, keep it waiting."""
    if status != SaleStatus.AWAITING_PAYMENT or more_to_come or paid_cents > 0:
        return status
    return SaleStatus.EXPIRED if expired else SaleStatus.PAYMENT_FAILED


def reasons_to_suggest(*, due_cents: int, amount_cents: int, names_it: bool, apart: timedelta) -> list[Because]:
    """Return why money in the tray may be a sale's; nothing where only the time fits."""
    found = [Because.REFERENCE] if names_it else []
    if due_cents == amount_cents:
        found.append(Because.AMOUNT)
    if found and apart <= _CLOSE:
        found.append(Because.TIME)
    return found


def awaits_money(status: SaleStatus) -> bool:
    """Say whether a sale in this state can still be paid."""
    return status in {SaleStatus.AWAITING_PAYMENT, SaleStatus.PAYMENT_FAILED, SaleStatus.EXPIRED}


def may_cancel(status: SaleStatus) -> bool:
    """Say whether a sale in this state can be cancelled, provided that no prompt is out."""
    return status == SaleStatus.OPEN or awaits_money(status)


def profit_cents(*, net_of_rounding_cents: int, vat_cents: int, cost_cents: int) -> int:
    """Return what the shop earned: lines net of VAT, less what the goods cost."""
    return net_of_rounding_cents - vat_cents - cost_cents


def _gross(item: Item, policy: Policy) -> int:
    price = item.catalogue_price_cents if item.unit_price_cents is None else item.unit_price_cents
    if price != item.catalogue_price_cents and not policy.may_override_price:
        raise PriceOverrideForbidden(product_id=item.product_id)
    return line_amount(price, item.quantity)


def _line(item: Item, net_cents: int, share_cents: int) -> Line:
    total = net_cents - share_cents
    return Line(
        product_id=item.product_id,
        name=item.name,
        quantity=item.quantity,
        unit_price_cents=item.catalogue_price_cents if item.unit_price_cents is None else item.unit_price_cents,
        catalogue_price_cents=item.catalogue_price_cents,
        discount_cents=item.discount_cents + share_cents,
        total_cents=total,
        vat_class=item.vat_class,
        rate_basis_points=item.rate_basis_points,
        vat_cents=vat_included(total, item.rate_basis_points),
        track_stock=item.track_stock,
    )


def _check_discount(discount_cents: int, gross_cents: int, policy: Policy) -> None:
    allowed = gross_cents * policy.discount_limit_basis_points
    if discount_cents * BASIS_POINTS > allowed and not policy.is_discount_approved:
        raise DiscountAboveLimit(limit_basis_points=policy.discount_limit_basis_points)
