"""Requests one after the other, each answer held against what an honest refusal is and against the tables."""

from typing import Any

import httpx2

from payme.kit.ids import new_id
from payme.runtime.http.operation import Operation
from tests.api.access.test_every_route import address
from tests.api.examined.conftest import Place, Traces
from tests.fault_rows import FaultRow

PROBLEM = "application/problem+json"
JSON = "application/json"
MOST_DETAIL = 400


class Asking:
    """Sends requests one after the other and holds each refusal against the tables."""

    def __init__(self, place: Place, client: httpx2.AsyncClient, before: Traces, row: FaultRow) -> None:
        self._place, self._client, self._before, self._row = place, client, before, row
        self.faults: list[str] = []

    async def ask(self, operation: Operation, what: str, *, path: str | None = None, **request: Any) -> httpx2.Response:
        """Send one request; what is wrong with the answer is among `faults`."""
        url = path or address(operation, self._place.shop.id, self._place.things)
        headers = {
            "idempotency-key": str(new_id()),
            "if-match": "*",
            "content-type": JSON,
            **request.pop("headers", {}),
        }
        answer = await self._client.request(operation.method, url, headers=headers, **request)
        now = await self._place.witness.look()
        changed = sorted(table for table in now if now[table] != self._before.get(table))
        self._before = now
        self._row.counts["sent"] += 1
        wrong = self._wrong_with(answer, changed)
        if wrong:
            self.faults.append(f"{operation.name} {what}: {answer.status_code} {wrong} {answer.text[:MOST_DETAIL]}")
        return answer

    def _wrong_with(self, answer: httpx2.Response, changed: list[str]) -> str:
        if answer.status_code >= 500:
            return "a failure of ours"
        if answer.status_code < 400:
            self._row.counts["applied"] += 1
            return ""
        self._row.counts["refused"] += 1
        if changed:
            return f"refused, and written to {changed}"
        is_clear = answer.headers["content-type"] == PROBLEM and {"code", "detail", "title"} <= set(answer.json())
        return "" if is_clear else "no problem document"


async def asking(place: Place, client: httpx2.AsyncClient, row: FaultRow) -> Asking:
    return Asking(place, client, await place.witness.look(), row)
