"""HTTP of reconciliation."""

import asyncio
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query

from payme.features.approvals import MayNotApprove, OwnRequest, caller_of, prove_caller
from payme.features.identity import PersonNeeded, ProofWrong, Proven, TooManyFailures
from payme.features.payments import ClaimNotOpen, ClaimStillAwaited, OwnClaim
from payme.features.reconciliation.enums import Account, DayState, DifferenceState
from payme.features.reconciliation.errors import (
    AlreadyEnded,
    CountNotAllowed,
    DayAhead,
    DifferenceNotFound,
    NoteNeeded,
    ReasonDoesNotFit,
    ReconciliationNotFound,
    ShortcodeNeeded,
    StatementOfAnother,
    StatementUnreadable,
    UploadNotFound,
    UploadRunning,
)
from payme.features.reconciliation.schemas import (
    CashCountView,
    CloseDifference,
    CountCash,
    DifferenceView,
    LineView,
    ReconciliationRow,
    ReconciliationView,
    RunDay,
    StatementRowView,
    UploadReport,
)
from payme.features.reconciliation.services import read_runs, report
from payme.features.reconciliation.services.close_difference import close_difference, get_difference
from payme.features.reconciliation.services.count_cash import count_cash, revision_of_count
from payme.features.reconciliation.services.run_day import reconcile
from payme.features.reconciliation.services.upload_statement import list_rows, upload_statement
from payme.integrations.daraja import read_statement
from payme.integrations.pdf import typeset
from payme.kit.pagination import Page
from payme.kit.time import QueryDay
from payme.runtime.database import UnitOfWork
from payme.runtime.http import Call, Feature, Paging, Response, Router

CSV, PDF = "text/csv", "application/pdf"
router = Router(prefix="/v1/businesses/{business_id}/reconciliations", tag="reconciliation")


@router.post(
    operation="reconciliations_run", status=201, response=ReconciliationView, may="reconciliation.run", errors=(DayAhead, CountNotAllowed),
)  # fmt: skip
async def run(call: Call, command: RunDay) -> Response:
    """Reconcile a business day, or reconcile it anew, with the cash as counted; what a person has closed stays closed."""
    return await call.idempotent(command, lambda uow: reconcile(uow, command))


@router.get(operation="reconciliations_list", response=Page[ReconciliationRow], may="reconciliation.read")
async def list_page(call: Call, query: Paging, *, state: Annotated[DayState | None, Query()] = None) -> Response:
    """List reconciled days, the newest first; `state=open` are those that are not accounted for."""

    async def work(uow: UnitOfWork, after: list[Any] | None, limit: int) -> list[ReconciliationRow]:
        return await read_runs.list_runs(uow, after, state=state, limit=limit)

    return await call.read_page(query, work, key=lambda row: [row.date.isoformat()])


@router.get(
    "/{reconciliation_id}", operation="reconciliations_get", response=ReconciliationView, may="reconciliation.read",
    errors=(ReconciliationNotFound,),
)  # fmt: skip
async def read(call: Call, reconciliation_id: UUID) -> Response:
    """Read a reconciled day: totals by source side by side, and whether every shilling is accounted for."""
    return await call.read(lambda uow: read_runs.show_run(uow, reconciliation_id))


@router.get(
    "/{reconciliation_id}/lines", operation="reconciliations_lines", response=Page[LineView], may="reconciliation.read",
    errors=(ReconciliationNotFound,),
)  # fmt: skip
async def list_lines(
    call: Call, reconciliation_id: UUID, query: Paging, *, account: Annotated[Account | None, Query()] = None
) -> Response:
    """List every movement of the day by each source that speaks of it, in time's order."""

    async def work(uow: UnitOfWork, after: list[Any] | None, limit: int) -> list[LineView]:
        return await read_runs.list_lines(uow, reconciliation_id, after, account=account, limit=limit)

    return await call.read_page(query, work, key=lambda row: [row.position])


@router.get(
    "/{reconciliation_id}/differences", operation="reconciliations_differences", response=Page[DifferenceView],
    may="reconciliation.read", errors=(ReconciliationNotFound,),
)  # fmt: skip
async def list_differences(
    call: Call, reconciliation_id: UUID, query: Paging, *, state: Annotated[DifferenceState | None, Query()] = None
) -> Response:
    """List what does not fit together, by name; what was closed as well."""

    async def work(uow: UnitOfWork, after: list[Any] | None, limit: int) -> list[DifferenceView]:
        return await read_runs.list_differences(uow, reconciliation_id, after, state=state, limit=limit)

    return await call.read_page(query, work, key=lambda row: [str(row.id)])


@router.get(
    "/{reconciliation_id}/report.csv", operation="reconciliations_report_csv", may="reconciliation.read", produces=(CSV,),
    errors=(ReconciliationNotFound,),
)  # fmt: skip
async def download_csv(call: Call, reconciliation_id: UUID) -> Response:
    """Download totals, differences and every line of a day for a spreadsheet, amounts in shillings."""

    async def work(uow: UnitOfWork) -> Response:
        text = await report.write_csv(uow, reconciliation_id)
        return Response(text, 200, _attached(reconciliation_id, "csv"), media_type=f"{CSV}; charset=utf-8")

    return await call.read(work)


@router.get(
    "/{reconciliation_id}/report.pdf", operation="reconciliations_report_pdf", may="reconciliation.read", produces=(PDF,),
    errors=(ReconciliationNotFound,),
)  # fmt: skip
async def download_pdf(call: Call, reconciliation_id: UUID) -> Response:
    """Download the report of a day on A4."""
    data = await call.database.run(
        lambda uow: report.document_data(uow, reconciliation_id), business_id=call.business_id, actor=call.actor,
        read_only=True,
    )  # fmt: skip
    document = await asyncio.to_thread(typeset, report.TEMPLATE, data)
    return Response(document, 200, _attached(reconciliation_id, "pdf"), media_type=PDF)


def _attached(reconciliation_id: UUID, extension: str) -> dict[str, str]:
    name = f"reconciliation-{reconciliation_id}.{extension}"
    return {"content-disposition": f'attachment; filename="{name}"', "cache-control": "no-store"}


@router.put(
    "/{date}/cash-count", operation="reconciliations_count_cash", response=CashCountView, may="reconciliation.count",
    errors=(DayAhead,), also={201: "Nobody had counted before"},
)  # fmt: skip
async def put_count(call: Call, date: QueryDay, *, command: CountCash) -> Response:
    """Say what lies in the drawers at the end of a day; a second count replaces the first by If-Match."""
    return await call.update(
        lambda uow: count_cash(uow, date, command), rev=lambda uow: revision_of_count(uow, date)
    )  # fmt: skip


@router.post(
    "/{reconciliation_id}/statement", operation="reconciliations_upload_statement", status=201, response=UploadReport,
    may="reconciliation.run", consumes=CSV,
    errors=(ReconciliationNotFound, StatementUnreadable, ShortcodeNeeded, StatementOfAnother, UploadRunning),
)  # fmt: skip
async def upload(
    call: Call, reconciliation_id: UUID, *, shortcode: Annotated[str | None, Query(pattern="^[0-9]{5,7}$")] = None
) -> Response:
    """Upload an M-Pesa statement of a reconciled day as the portal gives it; rows that were uploaded before change nothing.

    It may tell of other days too; each that was reconciled is reconciled anew.

    The answer names every line that could not be used. Money that nobody had told of is brought in within the next minutes.
    """
    content = await call.read_body()
    reading = await asyncio.to_thread(read_statement, content)

    async def work(uow: UnitOfWork) -> UploadReport:
        await read_runs.get_run(uow, reconciliation_id)
        return await upload_statement(uow, content, reading=reading, shortcode=shortcode)

    return await call.idempotent(content, work)


@router.get(
    "/statements/{upload_id}/rows", operation="reconciliations_statement_rows", response=Page[StatementRowView],
    may="reconciliation.read", errors=(UploadNotFound,),
)  # fmt: skip
async def list_statement_rows(call: Call, upload_id: UUID, query: Paging) -> Response:
    """List the rows that a statement brought, and what became of each."""

    async def work(uow: UnitOfWork, after: list[Any] | None, limit: int) -> list[StatementRowView]:
        return await list_rows(uow, upload_id, after, limit=limit)

    return await call.read_page(query, work, key=lambda row: [str(row.id)])


@router.post(
    "/{reconciliation_id}/differences/{difference_id}/close", operation="reconciliations_close_difference", status=200,
    response=DifferenceView, may="reconciliation.close",
    errors=(
        ReconciliationNotFound, DifferenceNotFound, AlreadyEnded, NoteNeeded, ReasonDoesNotFit, OwnRequest, MayNotApprove, PersonNeeded, ProofWrong,
        TooManyFailures, OwnClaim, ClaimNotOpen, ClaimStillAwaited,
    ),
)  # fmt: skip
async def close(call: Call, reconciliation_id: UUID, difference_id: UUID, *, command: CloseDifference) -> Response:
    """Say why a difference of somebody else's making is none any more, showing by PIN or password that it is you."""
    proofs: list[Proven] = []

    async def before() -> None:
        await call.database.run(
            lambda uow: get_difference(uow, difference_id, reconciliation_id=reconciliation_id),
            business_id=call.business_id, read_only=True,
        )  # fmt: skip
        proofs[:] = [
            await prove_caller(call.database, command.proof, business_id=call.business_id, caller=caller_of(call))
        ]

    async def work(uow: UnitOfWork) -> DifferenceView:
        return await close_difference(
            uow, difference_id, command, reconciliation_id=reconciliation_id, proven=proofs[0]
        )

    return await call.idempotent(command, work, status=200, before=before)


feature = Feature("reconciliation", "The daily proof that every shilling is accounted for.", (router,))
