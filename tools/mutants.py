"""`make mutants`: break PayMe in one named place after another, and see the tests that are there for it go red.

A mutant is a file `tests/mutants/NN_what_is_broken.toml`: NN the row of the fault matrix (00: of none), `breaks` a sentence,
`tests` what must turn red, and `[[change]]` with `file`, `find` (occurring once) and `replace`. Each runs in a copy of the
checkout, two at a time, after the same tests were seen green. `make mutants ARGS="02 21"` narrows by the beginning or a part
of the name. Verdicts: caught, survived, broken (the change keeps anything from running, which proves nothing), skipped (so are
its tests). Written to `tests/out/mutants.json`; ends with 1 unless all were caught or skipped.
"""

import ast
import json
import queue
import signal
import sys
import time
import tomllib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from operator import attrgetter
from pathlib import Path
from typing import Any

from tools.mutant_probe import names
from tools.scratch import ROOT, UNFINISHED, Scratch, Trial, scratches

FOLDER = ROOT / "tests" / "mutants"
RESULT = ROOT / "tests" / "out" / "mutants.json"
AT_ONCE = 2
SECONDS = 600.0
NO_PROOF = frozenset(
    {
        *("ImportError", "ModuleNotFoundError", "SyntaxError", "IndentationError", "NameError", "UnboundLocalError"),
        *("AttributeError", "TypeError", "PostgresSyntaxError", "UndefinedColumnError", "UndefinedFunctionError"),
        *("UndefinedTableError", "FixtureLookupError"),
    }
)
"""Raised by a change that is no program any more. A test that expects one of them fails by an assertion."""


@dataclass(frozen=True, slots=True)
class Change:
    """A text that is replaced in one file."""

    file: str
    find: str
    replace: str


@dataclass(frozen=True, slots=True)
class Mutant:
    """One way to break PayMe, and the tests that know."""

    name: str
    breaks: str
    tests: tuple[str, ...]
    changes: tuple[Change, ...]

    @property
    def row(self) -> int:
        """The row of the fault matrix, or 0."""
        return int(self.name[:2])

    def texts(self, root: Path) -> dict[str, str]:
        """Return the broken files. Raises: ValueError where a text does not occur exactly once, or the result is not Python."""
        texts: dict[str, str] = {}
        for change in self.changes:
            path = root / change.file
            text = texts.get(change.file) or (path.read_text(encoding="utf-8") if path.is_file() else "")
            if text.count(change.find) != 1:
                raise ValueError(f"{change.file}: `find` occurs {text.count(change.find)} times, not once")
            texts[change.file] = text.replace(change.find, change.replace)
        for name, text in texts.items():
            if name.endswith(".py"):
                try:
                    ast.parse(text, name)
                except SyntaxError as error:
                    raise ValueError(f"{name}: after the change it is not Python: {error}") from error
        return texts


@dataclass(frozen=True, slots=True)
class Verdict:
    """How one mutant ended: `test` is the first that went red, `why` what it said."""

    name: str
    outcome: str
    seconds: float
    test: str = ""
    why: str = ""


def load(path: Path) -> Mutant:
    """Read one file. Raises: KeyError, ValueError, TypeError where it has another form."""
    told: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    if set(told) != {"breaks", "tests", "change"} or not told["tests"] or not told["change"]:
        raise ValueError("a mutant has breaks, tests and [[change]], nothing else")
    return Mutant(path.stem, told["breaks"], tuple(told["tests"]), tuple(Change(**each) for each in told["change"]))


def judge(mutant: Mutant, trial: Trial, clean: dict[str, dict[str, Any]]) -> Verdict:
    """Say how a mutant ended: caught when each argument has a test that went red by failing, not by not running."""
    outcome, test, why = "caught", "", ""
    for asked in mutant.tests:
        expected = {each: clean[each]["outcome"] for each in clean if names(asked, each)}
        found = {each: told for each, told in trial.verdicts.items() if names(asked, each)}
        failed = {each: told for each, told in found.items() if told["outcome"] == "failed"}
        proofs = [each for each, told in failed.items() if told["phase"] != "setup" and told["type"] not in NO_PROOF]
        if proofs:
            test, why = test or proofs[0], why or f"{failed[proofs[0]]['type']}: {failed[proofs[0]]['message']}"
        elif trial.code == UNFINISHED:
            return Verdict(mutant.name, "broken", trial.seconds, asked, "did not end in time")
        elif failed:
            first, told = next(iter(failed.items()))
            return Verdict(mutant.name, "broken", trial.seconds, first, f"{told['type']}: {told['message']}")
        elif not found:
            return Verdict(mutant.name, "broken", trial.seconds, asked, f"nothing ran: {trial.last_words}")
        elif set(expected.values()) <= {"skipped"}:
            outcome, test = "skipped", test or asked
        else:
            return Verdict(mutant.name, "survived", trial.seconds, asked, "stayed green")
    return Verdict(mutant.name, outcome, trial.seconds, test, why)


def chosen(arguments: Sequence[str]) -> list[Mutant]:
    """Return the mutants whose name begins with, or contains, one of the arguments; without any, all."""
    loaded = [load(path) for path in sorted(FOLDER.glob("[0-9]*.toml"))]
    return [each for each in loaded if not arguments or any(_fits(part, each) for part in arguments)]


def _fits(part: str, mutant: Mutant) -> bool:
    return mutant.name.startswith(part) if part.isdigit() else part in mutant.name


def first_green(copies: list[Scratch], mutants: list[Mutant]) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """Run the tests of all mutants as they are; return their verdicts, and a sentence for each that is not green."""
    wanted = sorted({test for mutant in mutants for test in mutant.tests})
    shares = [wanted[number :: len(copies)] for number in range(len(copies))]
    with ThreadPoolExecutor(len(copies)) as pool:
        running = [
            pool.submit(copy.pytest, share, seconds=3 * SECONDS)
            for copy, share in zip(copies, shares, strict=True)
            if share
        ]
        trials = [each.result() for each in running]
    verdicts = {name: told for trial in trials for name, told in trial.verdicts.items()}
    red = [
        f"{name}: {told['type']}: {told['message']}" for name, told in verdicts.items() if told["outcome"] == "failed"
    ]
    absent = [test for test in wanted if not any(names(test, each) for each in verdicts)]
    return verdicts, [*red, *(f"{test}: did not run" for test in absent)] + [
        trial.last_words for trial in trials if trial.code and not red and not absent
    ]


def run(copies: list[Scratch], mutants: list[Mutant], clean: dict[str, dict[str, Any]]) -> Iterator[Verdict]:
    """Yield a verdict for each mutant as it comes in."""
    free: queue.SimpleQueue[Scratch] = queue.SimpleQueue()
    for copy in copies:
        free.put(copy)

    def one(mutant: Mutant) -> Verdict:
        copy = free.get()
        try:
            with copy.changed(mutant.texts(copy.root)):
                return judge(mutant, copy.pytest(mutant.tests, seconds=SECONDS), clean)
        except ValueError as error:
            return Verdict(mutant.name, "broken", 0.0, why=str(error))
        finally:
            free.put(copy)

    with ThreadPoolExecutor(len(copies)) as pool:
        try:
            for future in as_completed(pool.submit(one, mutant) for mutant in mutants):
                yield future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for copy in copies:
                copy.end()
            raise


def main(arguments: list[str]) -> int:
    """Run the chosen mutants and print a line for each; return 1 unless each was caught or skipped, 2 when there is none."""
    mutants = chosen(arguments)
    if not mutants:
        print(f"no such mutant: {' '.join(arguments)}", file=sys.stderr)
        return 2
    started = time.monotonic()
    with scratches(min(AT_ONCE, len(mutants))) as copies:
        print(f"{len(mutants)} mutants; first their tests as they are ...", flush=True)
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that the copies are removed
        clean, complaints = first_green(copies, mutants)
        if complaints:
            print("not green without a mutant:", *complaints, sep="\n  ")
            return 1
        print(f"{len(clean)} tests are green ({time.monotonic() - started:.0f} s)", flush=True)
        verdicts: list[Verdict] = []
        for verdict in run(copies, mutants, clean):
            verdicts.append(verdict)
            place = f"{len(verdicts):>3}/{len(mutants)}"
            print(f"{place} {verdict.outcome:<9}{verdict.seconds:6.1f} s  {verdict.name}  {verdict.test}", flush=True)
            if verdict.outcome != "caught":
                print(f"{'':8}{verdict.why}", flush=True)
    total = {
        outcome: sum(each.outcome == outcome for each in verdicts)
        for outcome in ("caught", "survived", "broken", "skipped")
    }
    seconds = round(time.monotonic() - started)
    RESULT.parent.mkdir(parents=True, exist_ok=True)
    told = {
        "seconds": seconds,
        **total,
        "mutants": [asdict(each) for each in sorted(verdicts, key=attrgetter("name"))],
    }
    RESULT.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    print(", ".join(f"{number} {outcome}" for outcome, number in total.items()), f"in {seconds} s")
    return int(total["survived"] + total["broken"] > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
