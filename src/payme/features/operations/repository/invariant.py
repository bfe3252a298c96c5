"""What an invariant is: one query that returns the rows that break it, the first column being what to call the row.

One statement sees one moment, so an invariant holds also while others trade. Its docstring is what must hold.
"""

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias

from asyncpg import Record

from payme.features.operations.schemas import EXAMPLES, Example, Finding
from payme.runtime.database import UnitOfWork

Rows: TypeAlias = list[Record]
Query: TypeAlias = Callable[[UnitOfWork], Awaitable[Rows]]


@dataclass(frozen=True, slots=True)
class Invariant:
    """A line of what must hold. `number` is its place in the list, `code` the name of its query."""

    number: int
    code: str
    name: str
    query: Query

    async def check(self, uow: UnitOfWork) -> Finding:
        """Ask for the rows that break it, in the business at hand or, without one, outside all of them."""
        rows = await self.query(uow)
        examples = [Example(business_id=uow.business_id, id=str(row[0])) for row in rows[:EXAMPLES]]
        return Finding(
            number=self.number, code=self.code, name=self.name, violations=len(rows), examples=examples
        )  # fmt: skip


def invariant(number: int) -> Callable[[Query], Invariant]:
    """Make an invariant of a query, in its words."""

    def made(query: Query) -> Invariant:
        words = inspect.getdoc(query)
        assert words, "an invariant says what must hold"
        return Invariant(number, query.__name__, " ".join(words.split()).removesuffix("."), query)

    return made


async def join_sets(uow: UnitOfWork) -> None:
    """Have the rest of the transaction join by hashing or merging.

    Every invariant compares sets. Where statistics are older than the data (a busy first hour, a restored copy), the planner
    takes a set for one row, and a nested loop over it is as long as the square of a shop's sales.
    """
    await uow.execute(
        """-- operations.join_sets
        select set_config('enable_nestloop', 'off', true)"""
    )
