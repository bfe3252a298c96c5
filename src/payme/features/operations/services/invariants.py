"""Hold businesses against what must hold, whatever happened. Everything is read in read-only transactions."""

from collections.abc import Awaitable, Callable
from typing import Final, TypeVar
from uuid import UUID

from payme.features import audit
from payme.features.businesses import PLATFORM_BUSINESS_ID, get_business
from payme.features.operations.repository import registers
from payme.features.operations.repository.books import BOOKS
from payme.features.operations.repository.closing import CLOSING
from payme.features.operations.repository.credit import CREDIT
from payme.features.operations.repository.credit_notes import CREDIT_NOTES
from payme.features.operations.repository.expenses import EXPENSES
from payme.features.operations.repository.invariant import Invariant, join_sets
from payme.features.operations.repository.money import MONEY
from payme.features.operations.repository.refunds import REFUNDS
from payme.features.operations.repository.registers import REGISTERS
from payme.features.operations.repository.sales import SALES
from payme.features.operations.repository.shifts import SHIFTS
from payme.features.operations.repository.stock import STOCK
from payme.features.operations.repository.synced import SYNCED
from payme.features.operations.repository.tokens import TOKENS
from payme.features.operations.repository.trail import TRAIL
from payme.features.operations.schemas import EXAMPLES, Example, Finding, Report
from payme.features.operations.services.walk import walk_businesses
from payme.runtime.database import Database, UnitOfWork

BUSINESS: Final[tuple[Invariant, ...]] = (
    *BOOKS,
    *TOKENS,
    *STOCK,
    *SALES,
    *REFUNDS,
    *CREDIT_NOTES,
    *MONEY,
    *CLOSING,
    *SHIFTS,
    *CREDIT,
    *EXPENSES,
    *SYNCED,
    *TRAIL,
)
Result = TypeVar("Result")

Advance = Callable[[int, int], None]
"""Called with how many businesses are done, and how many there are as far as is known."""


async def check_invariants(uow: UnitOfWork) -> list[Finding]:
    """Return a finding for every invariant of the business at hand, its audit chain included; reads only."""
    await join_sets(uow)
    findings = [await each.check(uow) for each in BUSINESS]
    return [*findings, await _check_chain(uow)]


async def check_all(database: Database, *, business_id: UUID | None = None, advance: Advance | None = None) -> Report:
    """Check one business, or each in turn and then what holds across them. The database is open in the worker's role.

    Raises: BusinessUnknown.
    """
    if business_id:
        await _ask(database, get_business, business_id)
    ids = [business_id] if business_id else [each async for each in walk_businesses(database)]
    sold_cents = await _ask(database, registers.sum_token_sales_cents, PLATFORM_BUSINESS_ID)
    report = Report(businesses=len(ids), findings=[])
    for done, each in enumerate(ids, start=1):
        _merge(report.findings, await _ask(database, check_invariants, each))
        if advance:
            advance(done, len(ids))
    for each in REGISTERS:
        report.findings.append(await _ask(database, each.check))
    if business_id is None:
        report.findings.append(await _check_platform(database, ids, sold_cents))
    report.findings.sort(key=lambda finding: finding.number)
    return report


async def _check_chain(uow: UnitOfWork) -> Finding:
    """Return whether the hash chain of the audit log verifies."""
    verification = await audit.verify(uow)
    examples = [Example(business_id=uow.tenant, id=f"{each.kind}: {each.detail}") for each in verification.faults]
    return Finding(
        number=10,
        code="audit_chain",
        name="The audit log is what its hash chain sealed",
        violations=len(verification.faults),
        examples=examples[:EXAMPLES],
    )


async def _check_platform(database: Database, ids: list[UUID], sold_cents: int) -> Finding:
    """Return whether the platform booked no more than shops were credited for.

    What it booked was read before the shops are; a credit comes before its booking, so trade in between cannot disturb it.
    """
    credited_cents = sum([await _ask(database, registers.sum_credited_cents, each) for each in ids])
    broken = sold_cents > credited_cents
    words = f"booked {sold_cents} cents, credited {credited_cents}"
    return Finding(
        number=2,
        code="platform_sold_what_was_credited",
        name="The platform has booked no purchase of tokens that no shop was credited",
        violations=int(broken),
        examples=[Example(business_id=PLATFORM_BUSINESS_ID, id=words)] if broken else [],
    )


async def _ask(
    database: Database, work: Callable[[UnitOfWork], Awaitable[Result]], business_id: UUID | None = None
) -> Result:
    return await database.run(work, business_id=business_id, read_only=True)


def _merge(findings: list[Finding], more: list[Finding]) -> None:
    if not findings:
        findings.extend(more)
        return
    for known, new in zip(findings, more, strict=True):
        known.add(new)
