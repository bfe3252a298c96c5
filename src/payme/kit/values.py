"""Values: small records that are compared by what they hold and never changed.

The type checker refuses an assignment to a field. At run time nothing does, because a frozen dataclass pays about 2,000
instructions for every field it is made with; made fifty times in a sale, that was a tenth of it.
"""

from dataclasses import dataclass
from typing import TypeVar, dataclass_transform

Made = TypeVar("Made")


@dataclass_transform(frozen_default=True)
def value(made: type[Made]) -> type[Made]:
    """Make a class a dataclass with slots, equality and a hash, whose fields are for reading."""
    return dataclass(slots=True, unsafe_hash=True)(made)
