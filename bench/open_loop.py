"""An open-loop client: sales leave at a fixed rate whatever the answers do, and latency counts from the scheduled moment.

A process of its own, so that its CPU can be told: `python -m bench.open_loop '<plan as JSON>'` prints one JSON line.
Invariant: a late send, or a wait for a free connection, is in the latency.
"""

import asyncio
import collections
import json
import random
import resource
import sys
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from bench.recording import LINES, command_for

_END_OF_HEAD: Final = b"\r\n\r\n"
_LENGTH: Final = b"content-length: "
_DRAIN_POLLS: Final = 500
_DRAIN_POLL_SECONDS: Final = 0.02
_OPEN_AT_ONCE: Final = 200


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do: sales a minute for some seconds over so many connections to a port; targets as `load` writes them."""

    port: int
    connections: int
    rate_per_minute: int
    seconds: float
    seed: int
    targets: str


@dataclass(slots=True)
class Outcome:
    """What came of it; `lag_ms` is how late the client itself was at the 99th percentile."""

    connections: int
    rate_per_minute: int
    sent: int = 0
    answered: int = 0
    errors: int = 0
    p50_ms: float = 0.0
    p99_ms: float = 0.0
    lag_ms: float = 0.0
    generator_cores: float = 0.0
    statuses: dict[str, int] = field(default_factory=dict[str, int])


class Wire(asyncio.Protocol):
    """One keep-alive connection with at most one request on it."""

    def __init__(self, client: "Client") -> None:
        self.client = client
        self.due = 0.0
        self.received = b""
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
        start = self.received.find(_LENGTH) + len(_LENGTH)
        length = int(self.received[start : self.received.find(b"\r\n", start)])
        if len(self.received) < head + len(_END_OF_HEAD) + length:
            return
        status = self.received[9:12].decode()
        self.received = b""
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
        began = time.perf_counter()
        used = _cpu_seconds()
        for number in range(total):
            due = began + number * gap
            wait = due - time.perf_counter()
            if wait > 0:
                await asyncio.sleep(wait)
            self.dispatch(self.request(), due)
        seconds, cpu = time.perf_counter() - began, _cpu_seconds() - used
        await self._drain(total)
        self.is_over = True
        return self._outcome(total, cpu / seconds)

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
        """Return a cash sale of three products in some shop, with a key of its own."""
        number = self.random.randrange(len(self.shops))
        path, token = self.shops[number]
        self.serial += 1
        chosen = sorted(self.random.sample(self.products, LINES))
        body = json.dumps(command_for([f"{each}{number + 1:08x}" for each in chosen])).encode()
        head = (
            f"POST {path}/sales HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n"
            f"Content-Type: application/json\r\nIdempotency-Key: open-{self.plan.seed}-{self.serial}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body

    def _outcome(self, total: int, cores: float) -> Outcome:
        good = self.statuses["201"]
        return Outcome(
            self.plan.connections, self.plan.rate_per_minute, total, len(self.latencies), total - good,
            _percentile(self.latencies, 0.50), _percentile(self.latencies, 0.99), _percentile(self.lags, 0.99), cores,
            dict(self.statuses),
        )  # fmt: skip


def _percentile(seconds: list[float], share: float) -> float:
    ordered = sorted(seconds)
    return round(ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000, 2) if ordered else 0.0


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


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
    asyncio.run(_main(Plan(**json.loads(sys.argv[1]))))
