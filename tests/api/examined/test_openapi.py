"""Everything that the OpenAPI document allows, and what it does not: each answer is as documented, and no refusal writes."""

import pytest

from tests.api.examined.conftest import Place
from tests.api.examined.examiner import Examiner, Scope
from tests.fault_rows import FULL, FaultRow
from tests.invariants import assert_invariants

EXAMPLES = FaultRow.size(5, 30)
REQUESTS = FaultRow.size(450, 5_000)
NEVER_DONE = FaultRow.size(41, 36)
"""How many of the operations may go without one success; what they need (a token, a file, an open sale, a PIN, a device) is no accident."""


@pytest.mark.fault_row(31)
@pytest.mark.timeout(1500)
async def test_every_operation_answers_as_it_is_documented(place: Place, row: FaultRow):
    async with place.client() as client:
        document = (await client.get("/openapi.json")).json()
    report = await Examiner(place, document, Scope(EXAMPLES, FULL, row.seed)).run()
    row.counts["sent"] += report.requests
    row.counts["refused"] += sum(count for status, count in report.statuses.items() if status >= 400)
    row.counts.update(report.phases)
    assert not report.findings, "\n\n".join(
        f"{finding}\n{evidence}" for finding, evidence in sorted(report.findings.items())
    )
    assert report.requests >= REQUESTS
    never = sorted(name for name, statuses in report.seen.items() if min(statuses) >= 400)
    row.counts["never done"] = len(never)
    assert len(never) <= NEVER_DONE, "\n".join(never)
    await assert_invariants(place.database, place.shop.id)
