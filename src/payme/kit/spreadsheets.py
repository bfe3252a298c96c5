"""Texts in cells of spreadsheets: what begins like a formula is written so that no program runs it."""

from typing import Final

# The wide forms of Asian keyboards begin a formula too.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def harmless(cell: str) -> str:
    """Return a text that no spreadsheet runs: with an apostrophe before it where it begins like a formula.

    A text may really begin with an apostrophe before a sign; it gets one more, so that `as_written` gives it back.
    """
    return f"'{cell}" if cell.lstrip("'").startswith(_FORMULA) else cell


def as_written(cell: str) -> str:
    """Return a text without the apostrophe that `harmless` put before it."""
    return cell[1:] if cell.startswith("'") and cell.lstrip("'").startswith(_FORMULA) else cell
