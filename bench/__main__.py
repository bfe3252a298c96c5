"""`make bench`: settle a town, load it from all sides in alternation, hold it against the invariants, write the figures.

`--quick` shows in a minute that the harness works; its figures mean nothing. Invariant: the parts that are compared are
sampled side by side in one run, and a sale that broke an invariant makes the run fail.
"""

import argparse
import asyncio
import json
import os
import shlex
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Final
from urllib.request import ProxyHandler, Request, build_opener

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from bench.ground import OUT, ROOT, Api, Ground, open_database, serve, settle
from bench.load import Sample, missing_programs, pgbench, targets_path, write_targets, wrk
from bench.open_loop import Outcome, Plan
from bench.report import Report, summary
from payme.features.operations import Finding, check_all
from payme.runtime.observability import configure_logging

PARTS: Final = ("limit", "sale", "hot", "hot limit", "list", "unchanged", "open_loop")
NEEDS: Final = {"wrk": ("sale", "hot", "list", "unchanged"), "pgbench": ("limit", "hot limit")}
FIELDS: Final = {"sale": "cash_sale", "limit": "cash_sale.vs_pgbench", "hot": "cash_sale.hot", "open_loop": "open_loop"}
HOT_SHOP: Final = 1


def arguments(given: Sequence[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="make bench ARGS=…", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one short sample of everything, in a small town")
    parser.add_argument("--samples", type=int, default=5, help="adjacent samples of each part")
    parser.add_argument("--seconds", type=int, default=10, help="length of a sample")
    parser.add_argument("--shops", type=int, default=500)
    parser.add_argument("--products", type=int, default=60, help="products of each shop")
    parser.add_argument("--connections", type=int, default=4500, help="keep-alive connections of the open loop")
    parser.add_argument(
        "--rates", type=lambda text: [int(each) for each in text.split(",")], default=[12_000, 24_000, 30_000]
    )
    parser.add_argument("--parts", type=lambda text: text.split(","), default=list(PARTS), help=",".join(PARTS))
    chosen = parser.parse_args(given)
    if chosen.quick:
        chosen.samples, chosen.seconds, chosen.shops, chosen.connections, chosen.rates = 1, 3, 20, 100, [3_000]
    unknown = set(chosen.parts) - set(PARTS)
    if unknown:
        parser.error(f"no such part: {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    return chosen


class Run:
    """One run over one town."""

    def __init__(self, ground: Ground, api: Api, chosen: argparse.Namespace, *, report: Report) -> None:
        self.ground, self.api, self.chosen, self.report = ground, api, chosen, report
        self.parts = [part for part in PARTS if part in chosen.parts and part not in report.skipped]
        self.everywhere = (1, chosen.shops)
        self.seed = 0

    async def measure(self, progress: Progress) -> None:
        """Sample every closed-loop part in turn, as often as asked; then the open loop at each rate."""
        closed = [part for part in self.parts if part != "open_loop"]
        task = progress.add_task("samples", total=len(closed) * self.chosen.samples)
        await self._warm()
        for _ in range(self.chosen.samples):
            for part in closed:
                progress.update(task, description=part)
                self.report.add(part, await self.sample(part, self.chosen.seconds))
                progress.advance(task)
        if "open_loop" in self.parts:
            task = progress.add_task("open loop", total=len(self.chosen.rates))
            for rate in self.chosen.rates:
                progress.update(task, description=f"open loop, {rate} a minute")
                outcome = await self.open_loop(rate)
                if outcome is None:
                    break
                self.report.open_loop.append(outcome)
                progress.advance(task)

    async def sample(self, part: str, seconds: int) -> Sample:
        """Take one sample of a part."""
        self.seed += 1
        shops = (HOT_SHOP, HOT_SHOP) if part.startswith("hot") else self.everywhere
        if part.endswith("limit"):
            return await pgbench(self.ground, seconds=seconds, shops=shops, seed=self.seed)
        ask = {"list": "list", "unchanged": "unchanged"}.get(part, "sale")
        return await wrk(self.ground, self.api, ask=ask, seconds=seconds, shops=shops, seed=self.seed)

    async def open_loop(self, rate: int) -> Outcome | None:
        """Run the open-loop client once, as a process of its own; None, with the reason kept, when it could not run."""
        self.seed += 1
        plan = Plan(
            self.api.port, self.chosen.connections, rate, float(self.chosen.seconds), self.seed, str(targets_path())
        )
        path = os.pathsep.join((str(ROOT / "src"), str(ROOT)))
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bench.open_loop", json.dumps(asdict(plan)),
            env={**os.environ, "PYTHONPATH": path}, cwd=ROOT, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        output, _ = await process.communicate()
        if process.returncode != 0:
            self.report.broken_off.append(
                f"the open loop at {rate} a minute broke off; what its client said stands above"
            )
            return None
        return Outcome(**json.loads(output.splitlines()[-1]))

    async def _warm(self) -> None:
        """Let every backend plan and every key be known before anything counts; learn the lists' ETags."""
        write_targets(self.ground)
        if "unchanged" in self.parts:
            etags = await asyncio.to_thread(_etags, self.ground, self.api)
            write_targets(self.ground, etags)
        for part in ("sale", "list"):
            if part in self.parts:
                await self.sample(part, 3)


def _etags(ground: Ground, api: Api) -> list[str]:
    opener = build_opener(ProxyHandler({}))
    found: list[str] = []
    for number, key in enumerate(ground.town.keys, start=1):
        url = f"{api.base_url}/v1/businesses/{ground.town.shop(number)}/products?limit=50"
        with opener.open(Request(url, headers={"Authorization": f"Bearer {key}"}), timeout=30) as answer:  # noqa: S310 -- our own server
            found.append(answer.headers["etag"])
    return found


async def check(ground: Ground, progress: Progress) -> list[Finding]:
    """Hold every shop of the town against the invariants and return what is broken."""
    database = await open_database(ground.environment, connections=2, role="payme_worker").open()
    task = progress.add_task("invariants", total=None)
    try:
        report = await check_all(
            database, advance=lambda done, total: progress.update(task, completed=done, total=total)
        )
    finally:
        await database.close()
    return [each for each in report.findings if each.violations]


async def run(chosen: argparse.Namespace) -> int:
    """Run everything; return 1 when an invariant is broken or a sale failed."""
    configure_logging("warning")
    report = Report()
    report.facts = {"command": f"python -m bench {shlex.join(sys.argv[1:])}".strip(), "shops": chosen.shops}
    for program, reason in missing_programs().items():
        print(f"skipped: {', '.join(NEEDS[program])}: {reason}")
        for part in NEEDS[program]:
            report.skipped[part] = reason
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    folder = await asyncio.to_thread(_open_folder)
    with Progress(*columns) as progress:
        task = progress.add_task(f"a town of {chosen.shops} shops", total=1)
        async with settle(folder, shops=chosen.shops, products=chosen.products) as ground:
            progress.advance(task)
            with serve(ground) as api:
                await Run(ground, api, chosen, report=report).measure(progress)
            broken = await check(ground, progress)
    return conclude(report, broken, chosen)


def _open_folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="payme-bench-", dir="/var/tmp"))
    # PostgreSQL's account must be able to enter it.
    folder.chmod(0o755)
    return folder


def conclude(report: Report, broken: Sequence[Finding], chosen: argparse.Namespace) -> int:
    """Print the figures, write them, and say whether the run held."""
    for part in PARTS:
        if part not in chosen.parts:
            report.skipped[part] = "not among the parts of this run"
    report.skipped = {FIELDS.get(part, part): reason for part, reason in report.skipped.items()}
    report.facts["violations"] = [each.model_dump(mode="json") for each in broken]
    for reason in report.broken_off:
        print(reason)
        report.skipped["open_loop"] = reason
    report.write(OUT / "latest.json", ROOT)
    print(*summary(report), sep="\n")
    for each in broken:
        print(f"broken: invariant {each.number} {each.code}: {each.violations}")
    errors = sum(each.errors for found in report.samples.values() for each in found)
    errors += sum(each.errors for each in report.open_loop)
    print(
        f"invariants: {'broken' if broken else 'hold'}; errors: {errors}; figures in {OUT.relative_to(ROOT)}/latest.json"
    )
    return 1 if broken or errors or report.broken_off else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(run(arguments(sys.argv[1:]))))
