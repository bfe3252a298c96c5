"""Closed lists of words of the catalogue."""

from enum import StrEnum


class VatClass(StrEnum):
    """How a product is taxed: A exempt, B standard, C zero-rated, D outside VAT, E reduced. Rates are data with dates.

    Source: PayMe's product rules, after the letters of KRA's electronic tax invoices.
    """

    A = "A"
    B = "B"
    C = "C"
    D = "D"
    E = "E"
