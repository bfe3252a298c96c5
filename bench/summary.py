"""How the figures of a run are read aloud: a line for each part, the ratios beside their targets, the open loops, the growth.

Invariant: a figure that has a target is printed with it, met or not.
"""

import statistics
from collections.abc import Iterator, Mapping

from bench import parts
from bench.open_loop import Outcome
from bench.open_parts import knee_of
from bench.parts import Ratio
from bench.report import UNWANTED, Report


def summary(report: Report) -> Iterator[str]:
    """Yield the lines."""
    for part in report.samples:
        yield _part(report, part)
    yield from _ratios(report)
    for part, outcomes in report.open_loops.items():
        for each in outcomes:
            yield _outcome(part, each)
    for server in (parts.API, parts.PEER):
        if tried := report.of_server(parts.KNEE, server):
            yield _knee(server, knee_of(tried))
    yield from _first_pull(report)
    yield from _growth(report)
    unsaid = {name: reason for name, reason in report.skipped.items() if reason != UNWANTED}
    for name, reason in {**unsaid, **report.missing, **report.broken_off}.items():
        yield f"{name}: {reason}"


def _ratios(report: Report) -> Iterator[str]:
    for ratio in parts.RATIOS:
        if report.ratios(ratio.part, ratio.over):
            yield _ratio(report, ratio)
    for part, over in parts.FASTER:
        if found := report.p99_ratios(part, over):
            yield _faster(part, over, found)


def _part(report: Report, part: str) -> str:
    found = report.samples[part]
    foreign = statistics.median(each.foreign_cores for each in found)
    errors = sum(each.errors for each in found)
    p50 = [each.p50_ms for each in found if each.p50_ms is not None]
    p99 = [each.p99_ms for each in found if each.p99_ms is not None]
    latency = f"p50 {statistics.median(p50):6.1f}  p99 {statistics.median(p99):6.1f} ms" if p50 and p99 else " " * 25
    return (
        f"{part:<20} {report.per_second(part):>8} /s   {latency}   {errors} errors   "
        f"CPU µs: {_cpu(report.cpu_us(part) or {})}   foreign load {foreign:.2f} cores"
    )


def _ratio(report: Report, ratio: Ratio) -> str:
    ratios = report.ratios(ratio.part, ratio.over)
    median = statistics.median(ratios)
    line = f"{ratio.part} ÷ {ratio.over}: {median:.3f}   ({', '.join(f'{each:.2f}' for each in ratios)})"
    if ratio.target is None:
        return line
    met = median >= ratio.target and (ratio.floor is None or min(ratios) >= ratio.floor)
    floor = "" if ratio.floor is None else f", no sample under {ratio.floor}"
    return f"{line}   target ≥ {ratio.target}{floor}: {_verdict(met)}"


def _faster(part: str, over: str, ratios: list[float]) -> str:
    median = statistics.median(ratios)
    line = f"p99 of {part} ÷ of {over}: {median:.3f}   ({', '.join(f'{each:.2f}' for each in ratios)})"
    return f"{line}   target < 1: {_verdict(median < 1)}"


def _outcome(part: str, each: Outcome) -> str:
    target = parts.OPEN_LOOP_TARGETS_MS.get(each.rate_per_minute)
    beside = ""
    if target is not None and part == parts.OPEN_LOOP and each.server == parts.API:
        beside = f"   target p99 ≤ {target} ms, 0 errors: {_verdict(each.p99_ms <= target and each.errors == 0)}"
    return (
        f"{part} of {each.server}: {each.rate_per_minute} a minute over {each.connections} connections: p50 {each.p50_ms} ms, "
        f"p99 {each.p99_ms} ms, {each.errors} errors   CPU µs: {_cpu(each.cpu_us)}   client {each.generator_cores:.2f} cores, "
        f"{each.lag_ms} ms late at its own p99   foreign load {each.foreign_cores:.2f} cores{beside}"
    )


def _knee(server: str, knee: Outcome | None) -> str:
    if knee is None:
        return f"knee of {server}: below the lowest rate that was tried"
    line = f"knee of {server}: {knee.rate_per_minute} requests a minute at p99 {knee.p99_ms} ms"
    if server != parts.API:
        return line
    met = knee.rate_per_minute >= parts.KNEE_TARGET
    return f"{line}   target ≥ {parts.KNEE_TARGET} at p99 ≤ {parts.KNEE_P99_MS:.0f} ms: {_verdict(met)}"


def _first_pull(report: Report) -> Iterator[str]:
    ratio = report.first_pull_ratio()
    if ratio is not None:
        pulled, copied = (
            statistics.median(each[name] for each in report.first_pulls) for name in ("pull_seconds", "copy_seconds")
        )
        target = parts.FIRST_PULL_TARGET
        yield (
            f"first pull: {report.first_pulls[0]['documents']:,} documents in {pulled:.2f} s, COPY in {copied:.3f} s: ÷ {ratio}   "
            f"target ≤ {target}: {_verdict(ratio <= target)}"
        )


def _growth(report: Report) -> Iterator[str]:
    for each in report.growth:
        yield (
            f"growth: among {each['sales']:,} sales: PostgreSQL {each['cpu_us']} µs a sale, {each['per_second']} /s, "
            f"{each['gigabytes']} GB, foreign load {each['foreign_cores']:.2f} cores"
        )
    for each in report.growth[1:]:
        ratio = report.growth_ratio(each["sales"])
        if ratio is not None:
            target = parts.GROWTH_TARGET
            yield f"growth: cost among {each['sales']:,} ÷ among 1,000: {ratio}   target ≤ {target}: {_verdict(ratio <= target)}"


def _cpu(cpu_us: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {each:.0f}" for name, each in cpu_us.items())


def _verdict(met: bool) -> str:  # noqa: FBT001 -- it is what it is asked
    return "met" if met else "missed"
