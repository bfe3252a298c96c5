"""M-Pesa of the month: the simulator as a process whose clock is moved along with ours, and what its ledger says at the end."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Self

import httpx2

from tests.simulator import SimulatorProcess

MANY = 1_000_000


@dataclass
class Provider:
    """The simulator's control API; `next_due` is when something happens there next, as far as was told."""

    process: SimulatorProcess
    next_due: datetime | None = None
    _http: httpx2.AsyncClient = field(init=False)

    async def open(self) -> Self:
        limits = httpx2.Limits(max_connections=32, max_keepalive_connections=32)
        self._http = httpx2.AsyncClient(base_url=self.process.base_url, trust_env=False, timeout=60, limits=limits)
        return self

    async def close(self) -> None:
        await self._http.aclose()

    async def send(self, method: str, path: str, body: Any = None) -> Any:
        """Make one call of the control API."""
        answer = await self._http.request(method, f"/_sim/{path}", json=body)
        answer.raise_for_status()
        return answer.json()

    async def move_to(self, instant: datetime) -> None:
        """Bring the simulator's clock to an instant; what fell due has been delivered then."""
        self._note(await self.send("POST", "clock", {"set": instant.isoformat()}))

    async def look(self) -> None:
        """Learn when something happens next."""
        self._note(await self.send("GET", "clock"))

    async def fault(self, product: str, kind: str, **more: Any) -> int:
        """Order a fault, and return its number."""
        return (await self.send("POST", "faults", {"product": product, "kind": kind, **more}))["id"]

    async def heal(self, fault: int) -> None:
        """Take back what is left of a fault."""
        answer = await self._http.delete(f"/_sim/faults/{fault}")
        assert answer.status_code in {200, 404}, answer.text

    async def pay(self, msisdn: str, number: str, amount: int, *, reference: str = "") -> str | None:
        """Have a customer pay by hand, in whole shillings; return the receipt, or None where M-Pesa said no."""
        body = {"msisdn": msisdn, "shortcode": number, "amount": amount, "reference": reference}
        return (await self.send("POST", "pay", body))["receipt"]

    async def ledger(self) -> dict[str, Any]:
        """Return everything that moved."""
        return await self.send("GET", "ledger")

    def _note(self, clock: dict[str, Any]) -> None:
        due = clock["next_due"]
        self.next_due = datetime.fromisoformat(due) if due else None
