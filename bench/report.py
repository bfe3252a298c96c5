"""The figures of a run in the documented shape of `bench/out/latest.json`.

Invariant: every figure of the shape is there; one that was not measured is null and named in `skipped` with its reason.
"""

import json
import statistics
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from bench import parts
from bench.load import Sample
from bench.open_loop import Outcome
from bench.open_parts import knee_of

UNMEASURED: Final = "not measured in this run"
UNWANTED: Final = "not among the parts of this run"
_LONGEST_REASON: Final = 400


@dataclass(slots=True)
class Report:
    """Samples by part, one list for each; parts measured side by side have lists of one length.

    `missing` are servers that cannot run here, `skipped` parts that were not run, `broken_off` parts that failed; each with why.
    """

    path: Path
    root: Path
    samples: dict[str, list[Sample]] = field(default_factory=dict[str, list[Sample]])
    open_loops: dict[str, list[Outcome]] = field(default_factory=dict[str, list[Outcome]])
    growth: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    first_pulls: list[dict[str, float]] = field(default_factory=list[dict[str, float]])
    missing: dict[str, str] = field(default_factory=dict[str, str])
    skipped: dict[str, str] = field(default_factory=dict[str, str])
    broken_off: dict[str, str] = field(default_factory=dict[str, str])
    facts: dict[str, Any] = field(default_factory=dict[str, Any])

    def miss(self, server: str, reason: str) -> None:
        """Note that a server cannot run here."""
        self.missing.setdefault(server, reason)

    def skip(self, part: str, reason: str) -> None:
        """Note that a part is not run; the first reason counts."""
        self.skipped.setdefault(part, reason)

    def break_off(self, part: str, error: Exception) -> None:
        """Note that a part has failed; what it measured before stays."""
        self.broken_off.setdefault(part, f"{type(error).__name__}: {error}"[:_LONGEST_REASON])

    def add(self, part: str, sample: Sample) -> None:
        """Keep a sample of a part."""
        self.samples.setdefault(part, []).append(sample)

    def add_open(self, part: str, outcome: Outcome) -> None:
        """Keep what came of one rate."""
        self.open_loops.setdefault(part, []).append(outcome)

    @property
    def errors(self) -> int:
        """Requests of closed loops that were not answered as they should be."""
        return sum(each.errors for found in self.samples.values() for each in found)

    def per_second(self, part: str) -> float | None:
        """Return the median rate of a part, or None where it was not measured."""
        found = self.samples.get(part)
        return round(statistics.median(each.per_second for each in found), 1) if found else None

    def cpu_us(self, part: str) -> dict[str, int] | None:
        """Return the median CPU of one request by process, in microseconds."""
        found = self.samples.get(part)
        if not found:
            return None
        return {name: round(statistics.median(each.cpu_us[name] for each in found)) for name in found[0].cpu_us}

    def ratio(self, part: str, over: str) -> float | None:
        """Return the median of the ratios of adjacent samples."""
        ratios = self.ratios(part, over)
        return round(statistics.median(ratios), 3) if ratios else None

    def ratios(self, part: str, over: str) -> list[float]:
        """Return the ratio of each sample to the one taken beside it."""
        pairs = zip(self.samples.get(part, ()), self.samples.get(over, ()), strict=False)
        return [each.per_second / other.per_second for each, other in pairs if other.per_second]

    def p99_ratios(self, part: str, over: str) -> list[float]:
        """Return the 99th percentile of each sample divided by that of the one taken beside it."""
        pairs = zip(self.samples.get(part, ()), self.samples.get(over, ()), strict=False)
        return [each.p99_ms / other.p99_ms for each, other in pairs if each.p99_ms is not None and other.p99_ms]

    def p99_ratio(self, part: str, over: str) -> float | None:
        """Return the median of the ratios of 99th percentiles of adjacent samples."""
        ratios = self.p99_ratios(part, over)
        return round(statistics.median(ratios), 3) if ratios else None

    def of_server(self, part: str, server: str) -> list[Outcome]:
        """Return what came of an open loop's rates with one server."""
        return [each for each in self.open_loops.get(part, ()) if each.server == server]

    def figures(self) -> dict[str, Any]:
        """Return the documented shape."""
        knee = knee_of(self.of_server(parts.KNEE, parts.API))
        return {
            "cash_sale": {
                "vs_pgbench": self.ratio("sale", "limit"),
                "vs_express": self.ratio("sale", "express"),
                "vs_express_with_our_sql": self.ratio("sale", "express with our SQL"),
                "hot_vs_spread": self.ratio("hot", "sale"),
                "per_second": self.per_second("sale"),
                "cpu_us": self.cpu_us("sale"),
            },
            "receiver": {
                "callback_vs_sale": self.ratio("callback", "sale"),
                "callback_p99_vs_sale": self.p99_ratio("callback", "sale"),
                "confirmation_vs_sale": self.ratio("confirmation", "sale"),
                "confirmation_p99_vs_sale": self.p99_ratio("confirmation", "sale"),
                "per_second": self.per_second("callback"),
            },
            "sync": {
                "push_vs_sale": self.ratio("push", "sale"),
                "sales_per_second": self.per_second("push"),
                "first_pull_vs_copy": self.first_pull_ratio(),
            },
            "open_loop": [
                {name: asdict(each)[name] for name in ("connections", "rate_per_minute", "p50_ms", "p99_ms", "errors")}
                for each in self.of_server(parts.OPEN_LOOP, parts.API)
            ]
            or None,
            "list": {
                "vs_express": self.ratio("list", "express list"),
                "not_modified_vs_express": self.ratio("unchanged", "express list"),
            },
            "mixed": {
                "vs_express": self.ratio("mix", "express mix"),
                "requests_per_minute": knee.rate_per_minute if knee else None,
                "p99_ms": knee.p99_ms if knee else None,
            },
            "growth": {"cost_ratio_1e7_to_1e3": self.growth_ratio()},
        }

    def growth_ratio(self, sales: int = parts.LARGEST) -> float | None:
        """Return PostgreSQL's CPU of a sale among so many, divided by that among the fewest."""
        costs = {each["sales"]: each["cpu_us"] for each in self.growth}
        if sales not in costs or parts.SMALLEST not in costs:
            return None
        return round(costs[sales] / costs[parts.SMALLEST], 3)

    def first_pull_ratio(self) -> float | None:
        """Return the median of how many times as long as COPY of the same rows a first pull took."""
        ratios = [each["pull_seconds"] / each["copy_seconds"] for each in self.first_pulls]
        return round(statistics.median(ratios), 1) if ratios else None

    def document(self) -> dict[str, Any]:
        """Return everything that is written."""
        figures = self.figures()
        return {
            "commit": _commit(self.root),
            **figures,
            "skipped": [{"field": name, "reason": self._reason(name)} for name in _nulls(figures)],
            "broken_off": self.broken_off,
            "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
            **self.facts,
            "samples": {part: [asdict(each) for each in found] for part, found in self.samples.items()},
            "open_loop_details": {part: [asdict(each) for each in found] for part, found in self.open_loops.items()},
            "first_pull_details": self.first_pulls,
            "growth_details": self.growth,
        }

    def write(self) -> dict[str, Any]:
        """Write the document and return it; a reader sees the one before or this one."""
        document = self.document()
        unfinished = self.path.with_suffix(".unfinished")
        unfinished.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
        unfinished.replace(self.path)
        return document

    def _reason(self, name: str) -> str:
        """Return why a figure is null: what the parts that it is made of have to say."""
        wanted = parts.SOURCES[name]
        for reasons in (self.broken_off, self.skipped):
            for part in wanted:
                if part in reasons:
                    return reasons[part]
        return self.broken_off.get("the run", UNMEASURED)


def _nulls(figures: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    for name, value in figures.items():
        path = f"{prefix}{name}"
        if value is None:
            yield path
        elif isinstance(value, dict):
            yield from _nulls(value, f"{path}.")  # pyright: ignore[reportUnknownArgumentType] -- a document of our own


def _commit(root: Path) -> str:
    def git(arguments: Sequence[str]) -> str:
        done = subprocess.run(["git", *arguments], cwd=root, text=True, capture_output=True, check=False)  # noqa: S607 -- found in PATH
        return done.stdout.strip()

    return git(["rev-parse", "--short=12", "HEAD"]) + ("+changes" if git(["status", "--porcelain"]) else "")
