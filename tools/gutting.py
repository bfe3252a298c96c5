"""`make gut`: take the body out of every rule and service, one at a time, and see whether any test notices.

First the tests run once and tell which of them reach which line. Then each variant meets the tests that reach it, the smallest
first, until one is red; what a first handful leaves green meets all of them. `--flips` changes single comparisons, signs,
connectives and constants of the rules instead; words narrow to functions whose path and name contain one; `--remember` takes
the reach of the last run. Survivors that were judged stand in `tests/mutants/survivors.toml` with their reason. Written to
`tests/out/gutted.json` (`flipped.json`); ends with 1 when less than the goal is red, or a gutted survivor was not judged.
"""

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from coverage import CoverageData

from payme.runtime.database.embedded import EmbeddedServer
from tools.gut_variants import Variant, flipped, gutted

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "tests" / "out"
JUDGED = ROOT / "tests" / "mutants" / "survivors.toml"
RULES = ("*/rules.py", "*/rules/*.py")
SERVICES = ("*/services.py", "*/services/**/*.py")
TESTS = ("unit", "features", "api", "properties", "concurrency", "contracts/test_daraja_client.py")
"""In the order in which they are asked; processes are not here, because a fork breaks only itself."""
AT_ONCE = 2
FIRST, FIRST_SECONDS, TEST_SECONDS = 25, 60, 40
CASES = 3  # of one test, before the next has its turn
ALL, ALL_SECONDS = 400, 240
GOAL_PERCENT = 95
SAY_SECONDS = 20


@dataclass(slots=True)
class Reach:
    """Which tests run which lines."""

    data: CoverageData
    breadth: dict[str, int] = field(default_factory=dict[str, int])

    def tests(self, variant: Variant) -> list[str]:
        """Return the tests that run a variant's lines: a few cases of each, by folder, then those that run the least else."""
        first, last = variant.lines
        by_line = self.data.contexts_by_lineno(variant.file)  # recorded relative to the checkout
        found = {
            context.rpartition("|")[0]
            for line, contexts in by_line.items()
            if first <= line <= last
            for context in contexts
            if context
        }
        ordered = sorted(found, key=lambda test: (_rank(test), self.breadth.get(test, 0), test))
        seen: Counter[str] = Counter()
        rounds: dict[str, int] = {}
        for test in ordered:
            name = test.partition("[")[0]
            rounds[test] = seen[name] // CASES
            seen[name] += 1
        return sorted(ordered, key=rounds.__getitem__)


def _rank(test: str) -> int:
    return next((rank for rank, place in enumerate(TESTS) if test.startswith(f"tests/{place}")), len(TESTS))


def record() -> None:
    """Run the tests once, in parallel, and keep which lines each of them runs."""
    command = ["-n", str(AT_ONCE), "--cov=payme.features", "--cov-context=test", "--cov-report="]
    places = [f"tests/{place}" for place in TESTS]
    environment = {**os.environ, "COVERAGE_FILE": str(OUT / "reach.coverage")}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *command, *places],
        cwd=ROOT, env=environment, text=True, capture_output=True, check=False,
    )  # fmt: skip
    if done.returncode not in {0, 1}:
        sys.exit(f"the tests did not run:\n{done.stdout[-3000:]}")
    # What is red before anything is broken proves nothing later: the probe leaves it out.
    print(*(line for line in done.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))), sep="\n", flush=True)


def reach() -> Reach:
    """Read what was recorded."""
    data = CoverageData(str(OUT / "reach.coverage"))
    data.read()
    breadth: dict[str, int] = {}
    for file in data.measured_files():
        for contexts in data.contexts_by_lineno(file).values():
            for context in contexts:
                test = context.rpartition("|")[0]
                breadth[test] = breadth.get(test, 0) + 1
    return Reach(data, breadth)


def variants(patterns: Iterable[str], words: list[str], *, flips: bool) -> Iterator[Variant]:
    """Yield what is to be tried."""
    features = ROOT / "src" / "payme" / "features"
    for path in sorted({path for pattern in patterns for path in features.glob(pattern)}):
        file = path.relative_to(ROOT).as_posix()
        for each in (flipped if flips else gutted)(file, path.read_text(encoding="utf-8")):
            if not words or any(word in each.name for word in words):
                yield each


def examine(plan: list[dict[str, Any]], *, seconds: int) -> list[dict[str, Any]]:
    """Give the plan to warm processes of pytest, each with a server of its own, and return what they found."""
    with tempfile.TemporaryDirectory(prefix="payme-gutting-", dir="/var/tmp") as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        folder.chmod(0o755)
        running: list[subprocess.Popen[bytes]] = []
        for number in range(min(AT_ONCE, len(plan))):
            share = plan[number::AT_ONCE]
            (folder / f"plan{number}.json").write_text(json.dumps(share), encoding="utf-8")
            server = stack.enter_context(EmbeddedServer(folder / f"data{number}", durable=False, tied=True))
            files = sorted({test.partition("::")[0] for each in share for test in each["tests"]})
            environment = {
                **os.environ,
                "PAYME_TEST_DATABASE_URL": server.dsn("payme"),
                "GUT_PLAN": str(folder / f"plan{number}.json"),
                "GUT_RESULTS": str(folder / f"results{number}"),
                "GUT_SECONDS": str(seconds),
            }
            plugins = [
                "-p",
                "tools.gut_probe",
                "-p",
                "no:randomly",
                "-p",
                "no:cacheprovider",
                f"--timeout={TEST_SECONDS}",
            ]
            command = [sys.executable, "-m", "pytest", *plugins, *files]
            with (folder / f"log{number}").open("wb") as log:
                process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT)
                running.append(process)
        _watch(running, folder, len(plan))
        found = list(_results(folder))
        if len(found) != len(plan):
            logs = "\n".join(path.read_text(encoding="utf-8")[-2000:] for path in sorted(folder.glob("log*")))
            sys.exit(f"{len(plan) - len(found)} variants were not tried:\n{logs}")
        return found


def _results(folder: Path) -> Iterator[dict[str, Any]]:
    for path in sorted(folder.glob("results*")):
        yield from (json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.endswith("}"))


def _watch(running: list[subprocess.Popen[bytes]], folder: Path, total: int) -> None:
    """Wait for the processes, and print how far they are."""
    started = said = time.monotonic()
    while any(process.poll() is None for process in running):
        time.sleep(1)
        if time.monotonic() - said > SAY_SECONDS:
            said = time.monotonic()
            done = list(_results(folder))
            green = sum(each["outcome"] == "green" for each in done)
            print(f"  {len(done)}/{total}, {green} green, {said - started:.0f} s", flush=True)


def planned(each: Variant, tests: list[str]) -> dict[str, Any]:
    """Return a variant as the probe reads it."""
    return {
        "name": each.name, "file": each.file, "function": each.function, "change": each.change,
        "line": each.line, "lines": each.lines, "tests": tests,
    }  # fmt: skip


def tried(chosen: list[Variant], known: Reach) -> list[dict[str, Any]]:
    """Try each variant with a handful of its tests, then what stayed green with all of them."""
    tests = {each.name: known.tests(each) for each in chosen}
    by_name = {each.name: each for each in chosen}
    found: dict[str, dict[str, Any]] = {name: {"name": name, "outcome": "unreached"} for name in tests}
    first = [planned(each, tests[each.name][:FIRST]) for each in chosen if tests[each.name]]
    if chosen and not first:
        sys.exit(
            "no chosen function is in the recording; was it made of this checkout, and do their tests belong to it?"
        )
    print(f"{len(chosen)} variants, {len(chosen) - len(first)} reached by no test", flush=True)
    if first:
        found |= {each["name"]: each for each in examine(first, seconds=FIRST_SECONDS)}
    more = {name: tests[name][FIRST:ALL] for name, each in found.items() if each["outcome"] == "green"}
    more |= {name: tests[name][:ALL] for name, each in found.items() if each["outcome"] == "hung"}
    second = [planned(by_name[name], asked) for name, asked in more.items() if asked]
    if second:
        print(f"{len(second)} were not red with {FIRST} tests; now with up to {ALL}", flush=True)
        found |= {each["name"]: each for each in examine(second, seconds=ALL_SECONDS)}
    return [found[each.name] for each in chosen]


def main(arguments: list[str]) -> int:
    """Try the variants, print the survivors and the percentage, and write them down."""
    parser = argparse.ArgumentParser(prog="make gut ARGS=…")
    parser.add_argument("--flips", action="store_true", help="change single signs of the rules instead of whole bodies")
    parser.add_argument("--remember", action="store_true", help="take which test reaches what from the last run")
    parser.add_argument("words", nargs="*", help="parts of names, such as sales/rules or apply_message")
    told = parser.parse_args(arguments)
    OUT.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    if not told.remember or not (OUT / "reach.coverage").exists():
        print("running the tests once, to see which reach what ...", flush=True)
        record()
    chosen = list(variants(RULES if told.flips else (*RULES, *SERVICES), told.words, flips=told.flips))
    results = tried(chosen, reach())
    judged: dict[str, str] = tomllib.loads(JUDGED.read_text(encoding="utf-8")) if JUDGED.exists() else {}
    alive = [each for each in results if each["outcome"] != "red"]
    for each in alive:
        print(f"{each['outcome']:<10}{each['name']}  {each.get('why', '')}  {judged.get(each['name'], '')}")
    percent = 100 * (len(results) - len(alive)) / max(1, len(results))
    seconds = round(time.monotonic() - started)
    summary = {"seconds": seconds, "variants": len(results), "red_percent": round(percent, 1)}
    written = OUT / ("flipped.json" if told.flips else "gutted.json")
    written.write_text(
        json.dumps({**summary, "survivors": alive, "results": results}, indent=1) + "\n", encoding="utf-8"
    )
    unjudged = [each["name"] for each in alive if each["name"] not in judged]
    print(
        f"{percent:.1f} % of {len(results)} red in {seconds} s; {len(alive)} alive, {len(unjudged)} of them not judged"
    )
    return int(percent < GOAL_PERCENT or bool(unjudged and not told.flips))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
