"""Sealing the log, walking the chain, reading the log. The chain is written here and nowhere else."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Any, Final
from uuid import UUID

import rfc8785
import structlog

from payme.features.audit import repository
from payme.features.audit.rules import ANCHORED, genesis, link, read_head, sealed_form, written_head
from payme.features.audit.schemas import AuditEntry, Fault, FaultKind, Sealing, Verification
from payme.kit.pagination import DEFAULT_LIMIT
from payme.runtime.database import UnitOfWork
from payme.runtime.fault_points import FaultPoint, reach

BATCH: Final = 1_000
_log = structlog.get_logger("payme.audit")


async def seal(uow: UnitOfWork, *, limit: int = BATCH, thorough: bool = False) -> Sealing | None:
    """Append up to `limit` finished rows of the business to its chain.

    Returns None where another sealer holds the chain. Writers of the log are never made to wait: a row whose transaction is
    still open is taken by a later run. `thorough` also looks for rows that a restored database left behind the last link.
    """
    if not await repository.try_lock_chain(uow):
        return None
    end = await repository.find_chain_end(uow)
    position, head = (end.position, end.hash) if end else (0, genesis(uow.tenant))
    links: list[tuple[UUID, bytes]] = []
    for row in await repository.list_unsealed(uow, limit=limit, thorough=thorough):
        head = link(head, sealed_form(dict(row)))
        links.append((row["id"], head))
    if links:
        await repository.add_links(uow, first=position + 1, links=links, sealed_at=uow.now)
        reach(FaultPoint.SEAL_BEFORE_COMMIT)
    return Sealing(business_id=uow.tenant, sealed=len(links), position=position + len(links), head=head.hex())


def anchor(sealing: Sealing) -> None:
    """Write the head of a chain where the database cannot reach it, to compare with one day."""
    _log.info(
        ANCHORED, business_id=str(sealing.business_id), position=sealing.position, head=written_head(sealing.head)
    )


async def verify(
    uow: UnitOfWork, *, expect_head: str | None = None, noted: Mapping[int, AbstractSet[str]] | None = None
) -> Verification:
    """Walk the whole chain of the business and compare every link with its row.

    With `expect_head`, a head noted earlier (hexadecimal), or with heads `noted` outside by their positions, the chain must
    still pass through them: that alone shows a tail cut off, or a chain rewritten from some row on.
    """
    expected = read_head(expect_head) if expect_head is not None else None
    walk = _Walk(head=genesis(uow.tenant), expected=expected, noted=noted or {})
    while rows := await repository.list_links(uow, after=walk.position, limit=BATCH):
        for row in rows:
            walk.step(dict(row))
    for audit_id in await repository.list_slipped_in(uow, limit=BATCH):
        walk.faults.append(Fault(kind="slipped_in", detail=f"row {audit_id} stands before the last link and has none"))
    if walk.expected is not None and not walk.passed_expected:
        walk.faults.append(Fault(kind="head_absent", detail=f"the chain does not pass through {walk.expected}"))
    walk.end()
    return Verification(
        business_id=uow.tenant,
        sealed=walk.sealed,
        waiting=await repository.count_waiting(uow),
        head=walk.head.hex(),
        compared=sum(map(len, (noted or {}).values())),
        faults=walk.faults,
    )


async def list_entries(
    uow: UnitOfWork,
    *,
    before: UUID | None = None,
    limit: int = DEFAULT_LIMIT,
    action: str | None = None,
    subject_id: UUID | None = None,
) -> list[AuditEntry]:
    """Return entries of the business, newest first, older than the id `before`."""
    return await repository.list_entries(uow, before=before, limit=limit, action=action, subject_id=subject_id)


class _Walk:
    """One pass along a chain; after a fault it goes on from the stored hash, so that each fault is named once."""

    def __init__(self, *, head: bytes, expected: str | None, noted: Mapping[int, AbstractSet[str]]) -> None:
        self.head, self.expected = head, expected
        self.noted = dict(noted)
        self.position = self.sealed = 0
        self.passed_expected = expected == head.hex()
        self.faults: list[Fault] = []

    def step(self, row: dict[str, Any]) -> None:
        if row["position"] != self.position + 1:
            self._blame("gap", row, detail=f"positions {self.position + 1} to {row['position'] - 1} are gone")
        if row["id"] is None:
            self._blame("missing", row, detail=f"row {row['audit_id']} is gone")
        elif not self._follows(row):
            self._blame("altered", row, detail=f"row {row['audit_id']} is not what was sealed here")
        self.position, self.head = row["position"], row["hash"]
        self.sealed += 1
        self.passed_expected |= self.expected == self.head.hex()
        self._hold_against_notes()

    def end(self) -> None:
        """Blame every note that lies behind the end of the chain."""
        for position in sorted(self.noted):
            detail = (
                "a head was noted here, and the chain ends before" if position > self.position else "the link is gone"
            )
            self.faults.append(Fault(kind="head_absent", position=position, detail=detail))

    def _hold_against_notes(self) -> None:
        heads = self.noted.pop(self.position, frozenset[str]())
        if heads - {self.head.hex()}:
            detail = "another head was noted here: the chain was rewritten"
            self.faults.append(Fault(kind="head_absent", position=self.position, detail=detail))

    def _follows(self, row: dict[str, Any]) -> bool:
        try:
            return link(self.head, sealed_form(row)) == row["hash"]
        except rfc8785.CanonicalizationError:
            return False

    def _blame(self, kind: FaultKind, row: dict[str, Any], *, detail: str) -> None:
        self.faults.append(Fault(kind=kind, position=row["position"], detail=detail))
