"""Values that older keys have encrypted, encrypted anew with the present one, a batch to a transaction.

A feature says where its encrypted values stand (`SealedTable`); what is still under an older key is read off the envelopes
themselves, so a rotation that was killed goes on where it was and nothing is kept about it.
Invariant: a row is locked before it is read and only when nobody holds it, and a value that cannot be read stays as it is.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from payme.runtime.database.unit_of_work import UnitOfWork
from payme.runtime.security import FieldCipher, UnreadableField


@dataclass(frozen=True, slots=True)
class SealedRow:
    """A row with encrypted values: its place in the order of the table, its id as the cipher knows it, its envelopes by column."""

    position: Any
    row_id: UUID
    values: Mapping[str, bytes | None]


@dataclass(frozen=True, slots=True)
class Stale:
    """Which rows to take: those with an envelope that begins otherwise, behind a position (None: from the first), so many."""

    envelope: bytes
    after: Any
    limit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedTable:
    """A table with encrypted values; `columns` are their names as the cipher knows them, `of_businesses` says it has a tenant.

    `lock_stale` returns rows in the order of their positions and skips those that somebody holds; `store` writes all values of
    the rows it is given; `count_by_key` returns how many values there are under each key id.
    """

    name: str
    columns: tuple[str, ...]
    of_businesses: bool
    lock_stale: Callable[[UnitOfWork, Stale], Awaitable[list[SealedRow]]]
    store: Callable[[UnitOfWork, Sequence[SealedRow]], Awaitable[None]]
    count_by_key: Callable[[UnitOfWork], Awaitable[dict[str, int]]]


@dataclass(frozen=True, slots=True)
class Renewed:
    """What one batch did: rows written, rows that could not be read, and the last position, None at the end of the table."""

    rows: int
    unreadable: tuple[Any, ...]
    last: Any


async def renew(uow: UnitOfWork, table: SealedTable, *, after: Any, limit: int) -> Renewed:
    """Encrypt anew up to `limit` rows of a table behind a position; within the business that the transaction is bound to."""
    cipher = uow.tool(FieldCipher)
    found = await table.lock_stale(uow, Stale(cipher.beginning, after, limit))
    renewed: list[SealedRow] = []
    unreadable: list[Any] = []
    for row in found:
        try:
            renewed.append(_renewed(cipher, row, table=table, business_id=uow.business_id))
        except UnreadableField:
            unreadable.append(row.position)
    if renewed:
        await table.store(uow, renewed)
    return Renewed(len(renewed), tuple(unreadable), found[-1].position if found else None)


def _renewed(cipher: FieldCipher, row: SealedRow, *, table: SealedTable, business_id: UUID | None) -> SealedRow:
    values: dict[str, bytes | None] = {}
    for column, envelope in row.values.items():
        if envelope is None or cipher.is_current(envelope):
            values[column] = envelope
            continue
        text = cipher.decrypt(envelope, table=table.name, column=column, business_id=business_id, row_id=row.row_id)
        values[column] = cipher.encrypt(
            text, table=table.name, column=column, business_id=business_id, row_id=row.row_id
        )
    return SealedRow(row.position, row.row_id, values)
