"""The figures of a run in the documented shape of `bench/out/latest.json`, and how they are read aloud.

Invariant: every figure of the shape is there; one that was not measured is null and named in `skipped` with its reason.
"""

import json
import statistics
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.load import Sample
from bench.open_loop import Outcome

NOT_BUILT = "not built yet"


@dataclass(slots=True)
class Report:
    """Samples by part, one list for each; parts measured side by side have lists of one length."""

    samples: dict[str, list[Sample]] = field(default_factory=dict[str, list[Sample]])
    open_loop: list[Outcome] = field(default_factory=list[Outcome])
    skipped: dict[str, str] = field(default_factory=dict[str, str])
    broken_off: list[str] = field(default_factory=list[str])
    facts: dict[str, Any] = field(default_factory=dict[str, Any])

    def add(self, part: str, sample: Sample) -> None:
        """Keep a sample of a part."""
        self.samples.setdefault(part, []).append(sample)

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
        return [each.per_second / other.per_second for each, other in pairs]

    def figures(self) -> dict[str, Any]:
        """Return the documented shape."""
        return {
            "cash_sale": {
                "vs_pgbench": self.ratio("sale", "limit"),
                "vs_express": None,
                "hot_vs_spread": self.ratio("hot", "sale"),
                "per_second": self.per_second("sale"),
                "cpu_us": self.cpu_us("sale"),
            },
            "open_loop": [
                {name: asdict(each)[name] for name in ("connections", "rate_per_minute", "p50_ms", "p99_ms", "errors")}
                for each in self.open_loop
            ]
            or None,
            "list": {"vs_express": None, "not_modified_vs_express": None},
            "mixed": {"vs_express": None, "requests_per_minute": None, "p99_ms": None},
            "growth": {"cost_ratio_1e7_to_1e3": None},
        }

    def document(self, root: Path) -> dict[str, Any]:
        """Return everything that is written."""
        figures = self.figures()
        reasons = [
            {
                "field": name,
                "reason": next((why for part, why in self.skipped.items() if name.startswith(part)), NOT_BUILT),
            }
            for name in _nulls(figures)
        ]
        return {
            "commit": _commit(root),
            **figures,
            "skipped": reasons,
            "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
            **self.facts,
            "samples": {part: [asdict(each) for each in found] for part, found in self.samples.items()},
            "open_loop_details": [asdict(each) for each in self.open_loop],
        }

    def write(self, path: Path, root: Path) -> dict[str, Any]:
        """Write the document and return it."""
        document = self.document(root)
        path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
        return document


def summary(report: Report) -> Iterator[str]:
    """Yield a line for each part: rate, latency, CPU by process, the load of others."""
    for part, found in report.samples.items():
        cpu = ", ".join(f"{name} {each}" for name, each in (report.cpu_us(part) or {}).items())
        foreign = statistics.median(each.foreign_cores for each in found)
        errors = sum(each.errors for each in found)
        latencies = [each.p50_ms for each in found if each.p50_ms is not None]
        latency = f"p50 {statistics.median(latencies):.1f} ms" if latencies else "no latency"
        yield (
            f"{part:<10} {report.per_second(part):>8} /s   {latency}   "
            f"{errors} errors   CPU µs: {cpu}   foreign load {foreign:.2f} cores"
        )
    for part, over in (("sale", "limit"), ("hot", "sale"), ("hot limit", "limit"), ("unchanged", "list")):
        ratios = report.ratios(part, over)
        if ratios:
            yield f"{part} ÷ {over}: {statistics.median(ratios):.3f}   ({', '.join(f'{each:.2f}' for each in ratios)})"
    for each in report.open_loop:
        yield (
            f"open loop {each.rate_per_minute} a minute over {each.connections} connections: p50 {each.p50_ms} ms, "
            f"p99 {each.p99_ms} ms, {each.errors} errors; the client used {each.generator_cores:.2f} cores and was "
            f"{each.lag_ms} ms late at its own p99"
        )


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
