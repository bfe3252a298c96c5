"""Texts that people type: what counts as one that says something. Lengths are named where the text is."""

from typing import Annotated

from pydantic import Field, StringConstraints

Filled = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1), Field(json_schema_extra={"pattern": r"\S"})
]
"""A text that is more than blanks, kept without those at its ends; the document says so by a pattern."""
