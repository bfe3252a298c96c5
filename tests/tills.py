"""Registered devices for tests: a till that registers by the API, signs its commands and sends them.

Not a plugin; a conftest imports what it needs.
"""

import itertools
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx2
from fastapi import FastAPI

from payme.kit.ids import new_id
from tests.application import client_of
from tests.trade import TradingShop


@dataclass
class Till:
    """A device with its credential, its clock and its sequence, wherever the server is."""

    http: httpx2.AsyncClient
    business_id: UUID
    id: UUID
    prefix: str
    staff_id: UUID
    skew: timedelta = timedelta(0)
    sequence: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))
    receipts: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    @property
    def now(self) -> datetime:
        return datetime.now(UTC) + self.skew

    def command(self, name: str, args: dict[str, Any], **more: Any) -> dict[str, Any]:
        """Return a command as the till stores it before anything is sent."""
        return {
            "id": str(new_id()), "device_id": str(self.id), "device_sequence": next(self.sequence), "name": name,
            "schema_version": 1, "args": args, "depends_on": [], "handed_over": True, "occurred_at": _instant(self.now),
            "hlc": f"{int(self.now.timestamp() * 1000)}-0-{self.id}", "staff_id": str(self.staff_id), "status": "pending", **more,
        }  # fmt: skip

    def sale(self, *lines: tuple[UUID, int], total_cents: int, **more: Any) -> dict[str, Any]:
        """Return a cash sale that was made and handed over, under the till's own receipt number."""
        args = {
            "lines": [{"product_id": str(product), "quantity": str(quantity)} for product, quantity in lines],
            "tenders": [{"method": "cash", "amount_cents": total_cents}],
            "receipt_number": f"{self.prefix}-{next(self.receipts):06d}",
            **more.pop("args", {}),
        }
        return self.command("sale.create", args, **more)

    async def push(self, *commands: dict[str, Any], **headers: str) -> httpx2.Response:
        """Send commands and return the answer."""
        return await self.http.post("sync/commands", json={"commands": commands}, headers=self.headers(**headers))

    async def results(self, *commands: dict[str, Any]) -> list[dict[str, Any]]:
        """Send commands and return their verdicts in order."""
        answer = await self.push(*commands)
        assert answer.status_code == 200, answer.text
        return answer.json()["results"]

    def headers(self, **more: str) -> dict[str, str]:
        return {
            "x-device-id": str(self.id), "x-sync-protocol": "1", "x-app-version": "test",
            "x-client-time": str(int(self.now.timestamp() * 1000)), **more,
        }  # fmt: skip


@dataclass
class Device(Till):
    """A till of an application in this process."""

    app: FastAPI = field(kw_only=True)


async def register(
    app: FastAPI, office: httpx2.AsyncClient, shop: TradingShop, staff_id: UUID, *, name: str = "Counter"
) -> Device:
    """Have the office make a code and a new till use it."""
    code = await office.post("devices/codes", json={"name": name})
    assert code.status_code == 201, code.text
    async with client_of(app, None) as public:
        made = await public.post("/v1/devices/register", json={"code": code.json()["code"]})
    assert made.status_code == 201, made.text
    known = made.json()
    http = client_of(app, known["credential"])
    http.base_url = httpx2.URL(f"http://shop.test/v1/businesses/{shop.business_id}/")
    return Device(http, shop.business_id, UUID(known["device_id"]), known["receipt_prefix"], staff_id, app=app)


def _instant(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
