"""Money in integer cents. Division happens here and nowhere else: `allocate` keeps the sum, each rounding is named for its rule."""

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal

CENTS_PER_SHILLING = 100
BASIS_POINTS = 10_000


def divide_half_up(numerator: int, denominator: int) -> int:
    """Return numerator ÷ denominator rounded to the nearest integer, halves away from zero."""
    assert denominator > 0, "a divisor is positive"
    sign = -1 if numerator < 0 else 1
    return sign * ((2 * abs(numerator) + denominator) // (2 * denominator))


def allocate(total_cents: int, weights: Sequence[int]) -> list[int]:
    """Split an amount in proportion to weights; the parts add up to the total.

    Each part is the difference of two rounded running totals, so no part is further than one cent from its exact share
    and the order of the weights alone decides where a spare cent goes. All weights zero: the first part takes everything.
    """
    whole = sum(weights)
    if whole == 0:
        return [total_cents if position == 0 else 0 for position in range(len(weights))]
    parts: list[int] = []
    seen_weight = handed_out = 0
    for weight in weights:
        assert weight >= 0, "a weight is not negative"
        seen_weight += weight
        share = divide_half_up(total_cents * seen_weight, whole) - handed_out
        parts.append(share)
        handed_out += share
    return parts


def vat_included(gross_cents: int, rate_basis_points: int) -> int:
    """Return the VAT inside a tax-inclusive amount, half-up to the cent: gross × rate ÷ (1 + rate)."""
    return divide_half_up(gross_cents * rate_basis_points, BASIS_POINTS + rate_basis_points)


def line_amount(unit_price_cents: int, quantity: Decimal) -> int:
    """Return price × quantity, half-up to the cent; the quantity has at most three decimals."""
    return int((Decimal(unit_price_cents) * quantity).quantize(Decimal(1), rounding=ROUND_HALF_UP))


def round_to_step(amount_cents: int, step_cents: int) -> int:
    """Return the nearest multiple of a cash-rounding step, halves up; a step of 0 leaves the amount alone."""
    return amount_cents if step_cents == 0 else divide_half_up(amount_cents, step_cents) * step_cents


def is_whole_shillings(amount_cents: int) -> bool:
    """Say whether an amount can travel over M-Pesa, which knows no cents."""
    return amount_cents % CENTS_PER_SHILLING == 0


def shillings_text(amount_cents: int) -> str:
    """Return an amount for people to read: shillings with thousands apart and both decimals."""
    shillings, cents = divmod(abs(amount_cents), CENTS_PER_SHILLING)
    return f"{'−' if amount_cents < 0 else ''}{shillings:,}.{cents:02d}"
