"""Everything that the OpenAPI document allows, and what it does not: each answer is as documented, and no refusal writes."""

import pytest

from tests.api.examined.conftest import Place
from tests.api.examined.examiner import Examiner, Scope
from tests.fault_rows import FULL, FaultRow
from tests.invariants import assert_invariants

SCOPE = FaultRow.size(7, 30)


@pytest.mark.fault_row(31)
@pytest.mark.timeout(900)
async def test_every_operation_answers_as_it_is_documented(place: Place, row: FaultRow):
    async with place.client() as client:
        document = (await client.get("/openapi.json")).json()
    report = await Examiner(place, document, Scope(SCOPE, FULL, row.seed)).run()
    row.counts["sent"] += report.requests
    row.counts["refused"] += sum(count for status, count in report.statuses.items() if status >= 400)
    row.counts.update(report.phases)
    print(report.statuses, {k: sorted(v) for k, v in report.seen.items() if not any(s < 400 for s in v)})
    for k, v in sorted(report.findings.items()): print("=====", k, "\n", v[:1500])
    assert report.findings == {}
    await assert_invariants(place.database, place.shop.id)
