"""`make bench`: settle a town, load it from all sides in alternation, hold it against the invariants, write the figures.

`--quick` shows in two minutes that the harness works; its figures mean nothing. Invariant: the parts that are compared are
sampled side by side in one run, a part that breaks off costs no other one its figures, and a sale that broke an invariant
makes the run fail.
"""

import argparse
import asyncio
import shlex
import shutil
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from bench import parts
from bench.doors import doors_of, open_doors
from bench.first_pull import CUSTOMERS, PRODUCTS, measure_first_pull
from bench.ground import OUT, ROOT, Api, Ground, open_database, serve, settle
from bench.growth import measure_growth
from bench.load import missing_programs, write_targets
from bench.peer import PeerMissing, ensure_packages, serve_peer
from bench.plots import draw
from bench.report import UNWANTED, Report
from bench.run import Run
from bench.summary import summary
from bench.tills import open_tills, tills_of
from payme.features.operations import Finding, check_all
from payme.runtime.database.embedded import EmbeddedServer
from payme.runtime.observability import configure_logging

SERVER_OF: Final = {"wrk": (parts.API, parts.PEER), "pgbench": (parts.PGBENCH,)}


def arguments(given: Sequence[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="make bench ARGS=…", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="one short sample of everything but growth, in a small town"
    )
    parser.add_argument("--samples", type=int, default=5, help="adjacent samples of each part")
    parser.add_argument("--seconds", type=int, default=10, help="length of a sample")
    parser.add_argument("--shops", type=int, default=500)
    parser.add_argument("--products", type=int, default=60, help="products of each shop")
    parser.add_argument("--connections", type=int, default=4500, help="keep-alive connections of the open loop")
    parser.add_argument(
        "--rates", type=_numbers, default=[6_000, 12_000, 18_000, 24_000, 30_000], help="sales a minute"
    )
    parser.add_argument(
        "--ground", type=Path, help="folder that keeps the databases of growth, which then is among the parts"
    )
    parser.add_argument("--sizes", type=_numbers, default=[1_000, 100_000, 10_000_000], help="sales of growth")
    parser.add_argument("--parts", type=lambda text: text.split(","), help="; ".join(parts.PARTS))
    chosen = parser.parse_args(given)
    if chosen.quick:
        chosen.samples, chosen.seconds, chosen.shops, chosen.connections, chosen.rates = 1, 3, 20, 100, [1_500, 3_000]
    usual = [each for each in parts.PARTS if each != parts.GROWTH or (chosen.ground and not chosen.quick)]
    chosen.parts = usual if chosen.parts is None else chosen.parts
    unknown = set(chosen.parts) - set(parts.PARTS)
    if unknown:
        parser.error(f"no such part: {', '.join(sorted(unknown))}; there are {', '.join(parts.PARTS)}")
    return chosen


def _numbers(text: str) -> list[int]:
    return [int(each) for each in text.split(",")]


async def measure(chosen: argparse.Namespace, report: Report, progress: Progress) -> list[Finding]:
    """Settle a town, measure in it what was chosen, and return the invariants that are broken then."""
    task = progress.add_task(f"a town of {chosen.shops} shops", total=1)
    folder = await asyncio.to_thread(_open_folder)
    async with settle(folder, shops=chosen.shops, products=chosen.products) as ground:
        progress.advance(task)
        with ExitStack() as stack:
            servers = {parts.API: stack.enter_context(serve(ground))}
            write_targets(ground.town, servers[parts.API].targets, tokens=ground.town.keys)
            await open_doors(ground, doors_of(servers[parts.API]))
            await open_tills(ground, tills_of(servers[parts.API]))
            if parts.PEER not in report.missing:
                try:
                    servers[parts.PEER] = stack.enter_context(serve_peer(ground))
                except (PeerMissing, RuntimeError, OSError) as error:
                    report.miss(parts.PEER, str(error))
            await Run(ground, servers, chosen, report=report).measure(progress)
            await pull_first(ground, servers[parts.API], chosen, report=report)
        return await check(ground, progress)


async def pull_first(ground: Ground, api: Api, chosen: argparse.Namespace, *, report: Report) -> None:
    """Measure the first pull of a large shop, where it was asked for."""
    if parts.FIRST_PULL not in chosen.parts:
        return
    sizes = (1_000, 250) if chosen.quick else (PRODUCTS, CUSTOMERS)
    try:
        report.first_pulls = await measure_first_pull(ground, api, samples=chosen.samples, sizes=sizes)
    except Exception as error:  # the other parts keep their figures
        report.break_off(parts.FIRST_PULL, error)


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


def look_around(chosen: argparse.Namespace, report: Report) -> None:
    """Note what cannot be measured here, before anything runs."""
    for program, reason in missing_programs().items():
        for name, part in parts.CLOSED.items():
            if part.server in SERVER_OF[program]:
                report.skip(name, reason)
    wants_peer = any(parts.CLOSED[each].server == parts.PEER for each in chosen.parts if each in parts.CLOSED)
    if wants_peer or set(chosen.parts) & set(parts.OPEN):
        try:
            ensure_packages()
        except PeerMissing as error:
            report.miss(parts.PEER, str(error))
    else:
        report.miss(parts.PEER, UNWANTED)
    for part in parts.PARTS:
        if part not in chosen.parts:
            report.skip(part, UNWANTED)


async def run(chosen: argparse.Namespace) -> int:
    """Run everything; return 1 when an invariant is broken, a part broke off or a request of a closed loop failed."""
    configure_logging("warning")
    await asyncio.to_thread(OUT.mkdir, parents=True, exist_ok=True)
    report = Report(OUT / "latest.json", ROOT)
    report.facts = {"command": f"python -m bench {shlex.join(sys.argv[1:])}".strip(), "shops": chosen.shops}
    look_around(chosen, report)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    broken: list[Finding] | None = None
    with Progress(*columns, refresh_per_second=2) as progress:
        if set(chosen.parts) - {parts.GROWTH}:
            try:
                broken = await measure(chosen, report, progress)
            except Exception as error:  # what was measured up to here is written and told
                report.break_off("the run", error)
        if parts.GROWTH in chosen.parts:
            try:
                await grow(chosen, report, progress)
            except Exception as error:  # what was measured up to here is written and told
                report.break_off(parts.GROWTH, error)
    return conclude(report, broken)


async def grow(chosen: argparse.Namespace, report: Report, progress: Progress) -> None:
    """Measure growth in the folder that was named, or in one that is thrown away."""
    folder = await asyncio.to_thread(_open_folder, chosen.ground)
    task = progress.add_task(parts.GROWTH, total=max(chosen.sizes))

    def say(what: str, done: int) -> None:
        progress.update(task, description=what, completed=done)

    try:
        await measure_growth(
            folder, report, sizes=chosen.sizes, samples=chosen.samples, seconds=chosen.seconds,
            town_size=(chosen.shops, chosen.products), say=say,
        )  # fmt: skip
    finally:
        if chosen.ground is None:
            await asyncio.to_thread(EmbeddedServer(folder / "data").destroy)
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


def _open_folder(named: Path | None = None) -> Path:
    if named is not None:
        named.mkdir(mode=0o755, parents=True, exist_ok=True)
        return named.resolve()
    folder = Path(tempfile.mkdtemp(prefix="payme-bench-", dir="/var/tmp"))
    # PostgreSQL's account must be able to enter it.
    folder.chmod(0o755)
    return folder


def conclude(report: Report, broken: Sequence[Finding] | None) -> int:
    """Print the figures, write them, and say whether the run held; `broken` is None where nobody looked."""
    report.facts["violations"] = None if broken is None else [each.model_dump(mode="json") for each in broken]
    document = report.write()
    print(*summary(report), sep="\n")
    try:
        print("pictures:", *(each.name for each in draw(document, OUT)))
    except Exception as error:  # the figures stand without them
        report.break_off("pictures", error)
        print(f"no pictures: {error}")
    for each in broken or ():
        print(f"broken: invariant {each.number} {each.code}: {each.violations}")
    held = "not checked in a town" if broken is None else "broken" if broken else "hold"
    print(f"invariants: {held}; errors: {report.errors}; figures in {OUT.relative_to(ROOT)}/latest.json")
    return 1 if broken or report.errors or report.broken_off else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(run(arguments(sys.argv[1:]))))
