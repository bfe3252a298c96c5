"""An open-loop client: requests leave at a fixed rate whatever the answers do, and latency counts from the scheduled moment.

A process of its own, so that its CPU can be told: `python -m bench.open_loop '<plan as JSON>'` prints one JSON line.
Invariant: a late send, or a wait for a free connection, is in the latency.
"""

import asyncio
import collections
import json
import random
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import uvloop

from bench.meter import Meter, Spent, between
from bench.recording import LINES, command_for

_END_OF_HEAD: Final = b"\r\n\r\n"
_LENGTH: Final = b"content-length: "
_DRAIN_POLLS: Final = 500
_DRAIN_POLL_SECONDS: Final = 0.02
_OPEN_AT_ONCE: Final = 200
_YIELD_EVERY: Final = 20
_MIX: Final = 10
_VALUATION: Final = 5


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do: requests a minute for some seconds over so many connections; targets as `load` writes them.

    `ask` is sale or mix, `processes` those whose CPU is told, by name; `server` is the one that is asked.
    """

    server: str
    ask: str
    port: int
    connections: int
    rate_per_minute: int
    seconds: float
    seed: int
    targets: str
    processes: Mapping[str, int]


@dataclass(slots=True)
class Outcome:
    """What came of it; `lag_ms` is how late the client itself was at the 99th percentile. CPU is of one answered request."""

    server: str
    ask: str
    connections: int
    rate_per_minute: int
    sent: int = 0
    answered: int = 0
    errors: int = 0
    p50_ms: float = 0.0
    p99_ms: float = 0.0
    lag_ms: float = 0.0
    generator_cores: float = 0.0
    foreign_cores: float = 0.0
    cpu_us: dict[str, float] = field(default_factory=dict[str, float])
    statuses: dict[str, int] = field(default_factory=dict[str, int])


class Wire(asyncio.Protocol):
    """One keep-alive connection with at most one request on it."""

    def __init__(self, client: "Client") -> None:
        self.client = client
        self.due = 0.0
        self.received = b""
        self.whole = 0
        self.transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Be free."""
        self.transport = transport

    def send(self, request: bytes, due: float) -> None:
        """Send a request that was due at an instant of the clock."""
        self.due = due
        self.client.lags.append(time.perf_counter() - due)
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        """Take what came; when the answer is whole, be free again."""
        self.received += data
        head = self.received.find(_END_OF_HEAD)
        if head < 0:
            return
        if not self.whole:
            start = self.received[:head].lower().find(_LENGTH) + len(_LENGTH)
            assert start >= len(_LENGTH), "an answer says how long it is"
            self.whole = head + len(_END_OF_HEAD) + int(self.received[start : self.received.find(b"\r\n", start)])
        if len(self.received) < self.whole:
            return
        status = self.received[9:12].decode()
        self.received, self.whole = b"", 0
        self.client.answered(self, status, time.perf_counter() - self.due)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 -- the protocol's own signature
        """Count a connection that the server ended."""
        if not self.client.is_over:
            self.client.lost += 1


class Client:
    """All connections, the requests that wait for one, and what was seen."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.random = random.Random(plan.seed)
        self.products, self.shops = _read(Path(plan.targets))
        self.free: collections.deque[Wire] = collections.deque()
        self.waiting: collections.deque[tuple[bytes, float]] = collections.deque()
        self.latencies: list[float] = []
        self.lags: list[float] = []
        self.statuses: collections.Counter[str] = collections.Counter()
        self.serial = 0
        self.lost = 0
        self.is_over = False

    async def open(self) -> None:
        """Open every connection, a few hundred at a time."""
        loop = asyncio.get_running_loop()
        left = self.plan.connections
        while left:
            now = min(left, _OPEN_AT_ONCE)
            made = await asyncio.gather(
                *(loop.create_connection(lambda: Wire(self), "127.0.0.1", self.plan.port) for _ in range(now))
            )
            self.free.extend(wire for _, wire in made)
            left -= now

    async def run(self) -> Outcome:
        """Send at the rate, then wait for the last answers."""
        gap = 60.0 / self.plan.rate_per_minute
        total = int(self.plan.seconds / gap)
        meter = Meter(self.plan.processes)
        before = meter.read()
        began = time.perf_counter()
        for number in range(total):
            due = began + number * gap
            wait = due - time.perf_counter()
            if wait > 0 or number % _YIELD_EVERY == 0:
                await asyncio.sleep(max(0.0, wait))
            self.dispatch(self.request(), due)
        await self._drain(total)
        self.is_over = True
        return self._outcome(total, between(before, meter.read()))

    async def _drain(self, total: int) -> None:
        for _ in range(_DRAIN_POLLS):
            if len(self.latencies) + self.lost >= total:
                return
            await asyncio.sleep(_DRAIN_POLL_SECONDS)

    def dispatch(self, request: bytes, due: float) -> None:
        """Send on a free connection, the one that has rested longest, or have the request wait."""
        if self.free:
            self.free.popleft().send(request, due)
        else:
            self.waiting.append((request, due))

    def answered(self, wire: Wire, status: str, seconds: float) -> None:
        """Note an answer and use its connection again."""
        self.statuses[status] += 1
        self.latencies.append(seconds)
        if self.waiting:
            wire.send(*self.waiting.popleft())
        else:
            self.free.append(wire)

    def request(self) -> bytes:
        """Return the next request, of some shop: a sale, or what comes next of ten in a mix, as wrk has it."""
        number = self.random.randrange(len(self.shops))
        path, token = self.shops[number]
        self.serial += 1
        turn = self.serial % _MIX if self.plan.ask == "mix" else 0
        if turn == 0:
            return self._sale(number, path, token)
        what = "stock/valuation" if turn == _VALUATION else "products?limit=50"
        return f"GET {path}/{what} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n\r\n".encode()

    def _sale(self, number: int, path: str, token: str) -> bytes:
        chosen = sorted(self.random.sample(self.products, LINES))
        body = json.dumps(command_for([f"{each}{number + 1:08x}" for each in chosen])).encode()
        head = (
            f"POST {path}/sales HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n"
            f"Content-Type: application/json\r\nIdempotency-Key: open-{self.plan.seed}-{self.serial}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body

    def _outcome(self, total: int, spent: Spent) -> Outcome:
        good = self.statuses["200"] + self.statuses["201"]
        cpu = {"generator" if name == "harness" else name: used for name, used in spent.cpu_seconds.items()}
        return Outcome(
            self.plan.server, self.plan.ask, self.plan.connections, self.plan.rate_per_minute, total, len(self.latencies),
            total - good, _percentile(self.latencies, 0.50), _percentile(self.latencies, 0.99), _percentile(self.lags, 0.99),
            cpu["generator"] / spent.seconds, spent.foreign_cores,
            {name: used / max(1, good) * 1e6 for name, used in cpu.items()}, dict(self.statuses),
        )  # fmt: skip


def _percentile(seconds: list[float], share: float) -> float:
    ordered = sorted(seconds)
    return round(ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000, 2) if ordered else 0.0


def _read(path: Path) -> tuple[list[str], list[tuple[str, str]]]:
    products: list[str] = []
    shops: list[tuple[str, str]] = []
    for line in path.read_text().splitlines():
        kind, *rest = line.split(" ")
        if kind == "product":
            products.append(rest[0][:28])
        else:
            shops.append((f"/v1/businesses/{rest[0]}", rest[1]))
    return products, shops


async def _main(plan: Plan) -> None:
    client = Client(plan)
    await client.open()
    print(json.dumps(asdict(await client.run())))


if __name__ == "__main__":
    uvloop.run(_main(Plan(**json.loads(sys.argv[1]))))
