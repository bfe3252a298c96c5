"""Pages of a list: the rows, where the next page begins, and whether there is one."""

from typing import Annotated, Generic, TypeVar

from pydantic import BaseModel, Field

DEFAULT_LIMIT = 50
LARGEST_LIMIT = 200

Limit = Annotated[int, Field(ge=1, le=LARGEST_LIMIT)]
Row = TypeVar("Row")


class Page(BaseModel, Generic[Row]):
    """One page, as the API answers it; the cursor is opaque and signed by the edge."""

    data: list[Row]
    next_cursor: str | None = None
    has_more: bool = False
