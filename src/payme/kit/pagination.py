"""Pages of a list: the rows, where the next page begins, and whether there is one."""

from collections.abc import Sequence
from typing import Annotated, Any, Generic, TypeVar

from pydantic import BaseModel, Field

from payme.kit.values import value

DEFAULT_LIMIT = 50
LARGEST_LIMIT = 200

Limit = Annotated[int, Field(ge=1, le=LARGEST_LIMIT)]
Row = TypeVar("Row")


class Page(BaseModel, Generic[Row]):
    """One page, as the API answers it; the cursor is opaque and signed by the edge."""

    data: list[Row]
    next_cursor: str | None = None
    has_more: bool = False


@value
class WrittenPage:
    """One page whose rows the database wrote as JSON, for lists that are read often.

    `rows` are objects with commas between them, `last` the position of the last one where more follow, and `version` what the list
    was at when they were read.
    """

    rows: str
    last: Sequence[Any] | None
    version: int
