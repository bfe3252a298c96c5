"""The fault matrix as tests see it: a row's seed and size, what was counted in it, and the record of how it ended.

`@pytest.mark.fault_row(21)` says which row of `tests/faults/matrix.toml` a test holds; the fixture `row` gives its size and
takes its counts. `make test` runs rows small with one seed, `make faults` at their whole count (PAYME_FAULTS=full) and writes
`tests/out/faults.json` from the records. Invariant: a row is held only by tests that ran and passed.
"""

import json
import os
import random
import time
from collections import Counter
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

FULL = os.environ.get("PAYME_FAULTS") == "full"
SEED = int(os.environ.get("PAYME_SEED", "20261122"))
SEEDS = tuple(SEED + step for step in range(3)) if FULL else (SEED,)
RECORDS = Path(__file__).parent / "out" / "faults"
_RUN = pytest.StashKey["FaultRow"]()


@dataclass
class FaultRow:
    """One test of one row: `counts` has sent, applied, duplicates, refused, unknown and whatever else tells how it went."""

    number: int
    test: str
    seed: int
    counts: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    outcome: str = "not run"
    reason: str = ""

    @property
    def rng(self) -> random.Random:
        """A generator that gives the same numbers in every run of this test with this seed."""
        return random.Random(f"{self.seed}/{self.test}")

    @staticmethod
    def size(short: int, full: int) -> int:
        """Return how much of the row to run: `full` is the count of the matrix."""
        return full if FULL else short

    def save(self) -> None:
        RECORDS.mkdir(parents=True, exist_ok=True)
        name = f"{self.number:02d}-{sha256(self.test.encode()).hexdigest()[:12]}.json"
        (RECORDS / name).write_text(json.dumps({**vars(self), "counts": dict(self.counts)}), encoding="utf-8")


def number_of(item: pytest.Item) -> int | None:
    """Return the row that a test holds."""
    mark = item.get_closest_marker("fault_row")
    return int(mark.args[0]) if mark else None


@pytest.fixture
def row(request: pytest.FixtureRequest) -> Iterator[FaultRow]:
    """The row under test, to size it and to count in."""
    run: FaultRow = request.node.stash[_RUN]
    yield run
    print(f"row {run.number} seed {run.seed}: {dict(sorted(run.counts.items()))}")  # noqa: T201 - what a failed run says of itself


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> Generator[None, object, object]:
    """Keep how long a row's test took and how it ended."""
    number = number_of(item)
    if number is None:
        return (yield)
    callspec: Any = getattr(item, "callspec", None)
    seed = callspec.params.get("seed", SEED) if callspec else SEED
    run = item.stash[_RUN] = FaultRow(number, item.nodeid, int(seed))
    begun = time.monotonic()
    done = yield
    run.seconds = round(time.monotonic() - begun, 2)
    run.save()
    return done


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Note the worst of set-up, call and tear-down."""
    report = yield
    run = item.stash.get(_RUN, None)
    if run is not None and run.outcome not in {"violated", "skipped"}:
        if report.failed:
            run.outcome, run.reason = "violated", report.longreprtext.strip().splitlines()[-1][:300]
        elif report.skipped:
            run.outcome, run.reason = (
                "skipped",
                str(report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr),
            )
        elif report.when == "call":
            run.outcome = "held"
    return report


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the rows that PAYME_FAULT_ROWS names, such as "21 22"."""
    wanted = {int(each) for each in os.environ.get("PAYME_FAULT_ROWS", "").split()}
    if wanted:
        dropped = [item for item in items if number_of(item) not in wanted]
        items[:] = [item for item in items if number_of(item) in wanted]
        config.hook.pytest_deselected(items=dropped)
