"""The open-loop parts: the client at rising fixed rates against ours and the peer, and where each one's knee is.

Invariant: a rate is tried only while the one before it held, and the first that does not hold is kept too.
"""

import asyncio
import json
import os
import sys
from collections.abc import AsyncGenerator, Sequence
from dataclasses import asdict
from typing import Final

from bench.ground import ROOT, Api, Ground
from bench.open_loop import Outcome, Plan
from bench.parts import KNEE_P99_MS

HOPELESS_MS: Final = 1000.0
SHARES: Final = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1)
"""Of what the same server did in the closed loop; where that is not known, a ladder of its own."""
LADDER: Final = (6_000, 9_000, 12_000, 16_000, 21_000, 28_000, 37_000, 49_000, 60_000, 72_000)
_STEP: Final = 500


def knee_rates(closed_loop_per_second: float | None) -> list[int]:
    """Return the rates a minute at which a mix is tried, rising."""
    if closed_loop_per_second is None:
        return list(LADDER)
    found = [max(_STEP, round(closed_loop_per_second * 60 * share / _STEP) * _STEP) for share in SHARES]
    return list(dict.fromkeys(found))


def holds(outcome: Outcome, most_ms: float = KNEE_P99_MS) -> bool:
    """Say whether a rate was held: every request answered well, the 99th percentile within bounds."""
    return outcome.errors == 0 and outcome.p99_ms <= most_ms


def knee_of(outcomes: Sequence[Outcome]) -> Outcome | None:
    """Return the highest rate that held, or None."""
    return max((each for each in outcomes if holds(each)), key=lambda each: each.rate_per_minute, default=None)


class OpenLoop:
    """Runs the client as a process of its own."""

    def __init__(self, ground: Ground, *, connections: int, seconds: float, seed: int) -> None:
        self.ground, self.connections, self.seconds, self.seed = ground, connections, seconds, seed

    async def climb(
        self, api: Api, ask: str, *, rates: Sequence[int], most_ms: float, all_of_them: bool = False
    ) -> AsyncGenerator[Outcome]:
        """Yield what came of each rate, up to the first that does not hold; `all_of_them` goes on."""
        for rate in rates:
            outcome = await self.run(api, ask, rate)
            yield outcome
            if not all_of_them and not holds(outcome, most_ms):
                return

    async def run(self, api: Api, ask: str, rate: int) -> Outcome:
        """Run the client once. Raises: RuntimeError with what it said."""
        self.seed += 1
        processes = {"postgres": self.ground.postmaster, api.name: api.pid}
        plan = Plan(
            api.name, ask, api.port, self.connections, rate, self.seconds, self.seed, str(api.targets), processes
        )
        path = os.pathsep.join((str(ROOT / "src"), str(ROOT)))
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bench.open_loop", json.dumps(asdict(plan)), env={**os.environ, "PYTHONPATH": path},
            cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        output, said = await process.communicate()
        if process.returncode != 0:
            raise RuntimeError(
                f"the client of the open loop at {rate} a minute failed: {said.decode()[-2000:].strip()}"
            )
        return Outcome(**json.loads(output.splitlines()[-1]))
