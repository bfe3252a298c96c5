"""One run over one town: every closed-loop part in turn, again and again, then the open loops.

Invariant: what a sample says is kept and written at once, and a part that breaks off is named and left out from then on.
"""

import argparse
from collections.abc import AsyncIterator, Iterable, Mapping
from pathlib import Path
from typing import Final

from rich.progress import Progress, TaskID

from bench import parts
from bench.doors import C2B, STK, doors_of
from bench.ground import Api, Ground
from bench.load import Asking, Sample, learn_etags, pgbench, wrk
from bench.open_loop import Outcome
from bench.open_parts import HOPELESS_MS, OpenLoop, knee_rates
from bench.parts import Part
from bench.report import Report
from bench.tills import PUSH, TILLS_AT_ONCE, as_sales, tills_of

WARM_SECONDS: Final = 3


def _targets(api: Api, what: str) -> Path | None:
    if what == PUSH:
        return tills_of(api)
    return doors_of(api) if what in {STK, C2B} else None


class Run:
    """What is measured where; `servers` are those that came up."""

    def __init__(
        self, ground: Ground, servers: Mapping[str, Api], chosen: argparse.Namespace, *, report: Report
    ) -> None:
        self.ground, self.servers, self.chosen, self.report = ground, servers, chosen, report
        self.seed = 0

    async def measure(self, progress: Progress) -> None:
        """Warm everything up, sample every closed-loop part in turn as often as asked, then climb the open loops."""
        await self._warm(progress)
        closed = self._possible(parts.CLOSED)
        task = progress.add_task("samples", total=len(closed) * self.chosen.samples)
        for _ in range(self.chosen.samples):
            for part in closed:
                progress.update(task, description=part)
                if part not in self.report.broken_off:
                    await self._sample(part)
                progress.advance(task)
        for part in self._possible(parts.OPEN):
            await self._climb(part, progress)

    async def sample(self, part: Part, seconds: int) -> Sample:
        """Take one sample of a part."""
        self.seed += 1
        shops = part.shops(self.chosen.shops)
        if part.server == parts.PGBENCH:
            return await pgbench(self.ground, seconds=seconds, shops=shops, seed=self.seed)
        api = self.servers[part.server]
        asking = Asking(part.what, shops, part.prefix, _targets(api, part.what))
        if part.what == PUSH:
            taken = await wrk(self.ground, api, asking, seconds=seconds, seed=self.seed, connections=TILLS_AT_ONCE)
            return await as_sales(self.ground, taken)
        return await wrk(self.ground, api, asking, seconds=seconds, seed=self.seed)

    async def _sample(self, name: str) -> None:
        for last in (False, True):
            try:
                self.report.add(name, await self.sample(parts.CLOSED[name], self.chosen.seconds))
                break
            except Exception as error:  # once more, and then the other parts go on
                if last:
                    self.report.break_off(name, error)
        self.report.write()

    async def _climb(self, name: str, progress: Progress) -> None:
        for server in (parts.API, parts.PEER):
            if server not in self.servers:
                continue
            rates = self._rates(name, server)
            task = progress.add_task(name, total=len(rates))
            try:
                async for outcome in self._outcomes(name, server, rates, describe=(progress, task)):
                    self.report.add_open(name, outcome)
                    self.report.write()
            except Exception as error:  # the other parts go on
                self.report.break_off(f"{name} of {server}", error)
            progress.update(task, completed=len(rates))

    async def _outcomes(
        self, name: str, server: str, rates: list[int], *, describe: tuple[Progress, TaskID]
    ) -> AsyncIterator[Outcome]:
        self.seed += 1
        progress, task = describe
        loop = OpenLoop(
            self.ground, connections=self.chosen.connections, seconds=float(self.chosen.seconds), seed=self.seed * 1000
        )
        most_ms = parts.KNEE_P99_MS if name == parts.KNEE else HOPELESS_MS
        # The rates with a target are all run for ours, however the lower ones went.
        insist = name == parts.OPEN_LOOP and server == parts.API
        progress.update(task, description=f"{name} of {server}")
        climb = loop.climb(self.servers[server], parts.OPEN[name], rates=rates, most_ms=most_ms, all_of_them=insist)
        async for outcome in climb:
            progress.advance(task)
            yield outcome

    def _rates(self, name: str, server: str) -> list[int]:
        if name == parts.OPEN_LOOP:
            return self.chosen.rates
        rates = knee_rates(self.report.per_second("mix" if server == parts.API else "express mix"))
        return rates[:2] if self.chosen.quick else rates

    def _possible(self, names: Iterable[str]) -> list[str]:
        """Return those parts that were asked for and whose server is there."""
        wanted = [each for each in names if each in self.chosen.parts]
        for name in wanted:
            if name in parts.CLOSED and parts.CLOSED[name].server in self.report.missing:
                self.report.skip(name, self.report.missing[parts.CLOSED[name].server])
        return [each for each in wanted if each not in self.report.skipped]

    async def _warm(self, progress: Progress) -> None:
        """Let every backend plan and every key be known before anything counts; learn the lists' ETags."""
        task = progress.add_task("warming up", total=None)
        names = self._possible(parts.CLOSED)
        for name in names:
            part = parts.CLOSED[name]
            try:
                if part.what == "unchanged":
                    await learn_etags(self.ground.town, self.servers[part.server])
                if part.server != parts.PGBENCH and not part.hot:
                    await self.sample(part, min(WARM_SECONDS, self.chosen.seconds))
            except Exception as error:  # the other parts go on
                self.report.break_off(name, error)
        progress.update(task, total=1, completed=1)
