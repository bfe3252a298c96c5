"""What travels between a feature that owns documents and the sync that carries them: a place in the changes, and a row read there.

The owner writes a document as JSON and knows nothing of devices; sync knows the order and nothing of what is written. A page is
one query: the changes after the place, limited, and each document by its id. There `offset 0` keeps the document's condition
inside: joined freely, a plan made while the tables were small compared every change with every document.
"""

from typing import Final
from uuid import UUID

from payme.kit.values import value

FIRST: Final = UUID(int=0)
LAST: Final = UUID(int=(1 << 128) - 1)


@value
class Place:
    """After which change to read, as which branch sees it (None sees all), and how many rows at most."""

    sequence: int = 0
    id: UUID = FIRST
    branch_id: UUID | None = None
    limit: int = 100


@value
class ChangedRow:
    """A document as it stands, at its place in the changes; `document` is a JSON object, or None where it is gone.

    The object holds `id`, `rev` and `_deleted` besides what its owner writes. A row that was locked by itself has no place.
    """

    id: UUID
    sequence: int
    rev: int
    document: str | None
