"""The pictures of a run, drawn from its written figures: `python -m bench.plots` draws those of the last one again.

Invariant: nothing is drawn that was not measured; a picture without figures is not there, and an old one is removed.
"""

import json
import statistics
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullFormatter, NullLocator

from bench import parts

OURS: Final = "#0f766e"
PEER: Final = "#c2410c"
INK: Final = "#1f2937"
FAINT: Final = "#9ca3af"
COLOURS: Final = {parts.API: OURS, parts.PEER: PEER}
NAMES: Final = {parts.API: "PayMe", parts.PEER: "Express + Drizzle"}
STYLE: Final = {
    "font.family": "sans-serif", "font.size": 10.5, "text.color": INK, "axes.labelcolor": INK, "axes.edgecolor": FAINT,
    "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True, "grid.color": "#e5e7eb", "grid.linewidth": 0.8,
    "axes.axisbelow": True, "xtick.color": INK, "ytick.color": INK, "lines.linewidth": 2.0, "legend.frameon": False,
}  # fmt: skip
PROCESS_COLOURS: Final = {"postgres": "#334e68", parts.API: OURS, parts.PEER: PEER, "generator": "#d1d5db"}
PROCESS_NAMES: Final = {
    "postgres": "PostgreSQL",
    parts.API: "PayMe's API",
    parts.PEER: "Node",
    "generator": "load generator",
}

Row = Mapping[str, Any]
# The library's own types are partly untyped, which a strict check takes for unknown.
Axes = Any
Picture = Any


def draw(document: Mapping[str, Any], folder: Path) -> list[Path]:
    """Draw what the document has figures for; return the pictures."""
    loops = document["open_loop_details"]
    pictures: dict[str, Callable[[], Picture | None]] = {
        "latency.png": lambda: _latency(loops.get(parts.OPEN_LOOP, []), document),
        "knee.png": lambda: _knee(loops.get(parts.KNEE, []), document),
        "cpu.png": lambda: _cpu(document["samples"], document),
        "growth.png": lambda: _growth(document["growth_details"], document),
    }
    drawn: list[Path] = []
    library: Any = mpl
    with library.rc_context(STYLE):
        for name, make in pictures.items():
            path = folder / name
            path.unlink(missing_ok=True)
            figure = make()
            if figure is not None:
                figure.savefig(path, dpi=150)
                drawn.append(path)
    return drawn


def _latency(rows: Sequence[Row], document: Mapping[str, Any]) -> Picture | None:
    if not rows:
        return None
    figure, axes = _page(
        "Cash sales at a fixed rate",
        "Latency from the scheduled moment, 50th and 99th percentile; ▼ what it should be, ✕ with errors",
    )
    for server in (parts.API, parts.PEER):
        found = [each for each in rows if each["server"] == server]
        _curve(axes, found, server)
    _targets(axes)
    rates = [each["rate_per_minute"] for each in rows]
    _scales(axes, rates, "sales a minute")
    return _signed(figure, document, rows)


def _knee(rows: Sequence[Row], document: Mapping[str, Any]) -> Picture | None:
    if not rows:
        return None
    figure, axes = _page(
        "Eight lists, one stock valuation, one sale",
        "Latency from the scheduled moment, 50th and 99th percentile; ✕ with errors",
    )
    axes.axhline(parts.KNEE_P99_MS, color=INK, linewidth=1, linestyle=(0, (4, 3)))
    for server in (parts.API, parts.PEER):
        found = [each for each in rows if each["server"] == server]
        _curve(axes, found, server)
        held = [each for each in found if each["errors"] == 0 and each["p99_ms"] <= parts.KNEE_P99_MS]
        if held:
            best = max(held, key=lambda each: each["rate_per_minute"])
            axes.plot(best["rate_per_minute"], best["p99_ms"], "o", ms=13, mfc="none", mec=COLOURS[server], mew=1.6)
            axes.annotate(
                f"{best['rate_per_minute']:,} held", (best["rate_per_minute"], best["p99_ms"]), (14, -14),
                textcoords="offset points", color=COLOURS[server], fontweight="bold",
            )  # fmt: skip
    _scales(axes, [each["rate_per_minute"] for each in rows], "requests a minute")
    axes.annotate(
        f"{parts.KNEE_P99_MS:.0f} ms", (1, parts.KNEE_P99_MS), (0, 4), xycoords=("axes fraction", "data"),
        textcoords="offset points", ha="right", fontsize=9,
    )  # fmt: skip
    return _signed(figure, document, rows)


def _curve(axes: Axes, rows: Sequence[Row], server: str) -> None:
    if not rows:
        return
    rates = [each["rate_per_minute"] for each in rows]
    colour = COLOURS[server]
    axes.fill_between(
        rates,
        [_drawn(each, "p50_ms") for each in rows],
        [_drawn(each, "p99_ms") for each in rows],
        color=colour,
        alpha=0.08,
    )
    axes.plot(rates, [_drawn(each, "p50_ms") for each in rows], color=colour, linewidth=1.2, alpha=0.7)
    axes.plot(rates, [_drawn(each, "p99_ms") for each in rows], color=colour, marker="o", ms=5)
    for each in rows:
        if each["errors"]:
            axes.plot(each["rate_per_minute"], _drawn(each, "p99_ms"), "x", color=colour, ms=10, mew=2.2)
    last = rows[-1]
    for name, label in (("p99_ms", f"{NAMES[server]}, p99"), ("p50_ms", "p50")):
        axes.annotate(
            label, (last["rate_per_minute"], _drawn(last, name)), (9, -3), textcoords="offset points", color=colour,
            fontweight="bold" if name == "p99_ms" else "normal",
        )  # fmt: skip


def _drawn(row: Row, name: str) -> float:
    return max(0.5, float(row[name]))


def _targets(axes: Axes) -> None:
    for rate, most in parts.OPEN_LOOP_TARGETS_MS.items():
        axes.plot(rate, most, marker="v", color=INK, ms=7, linestyle="none")
        axes.annotate(
            f"p99 ≤ {most} ms", (rate, most), (0, 9), textcoords="offset points", ha="center", fontsize=9, color=INK
        )


def _scales(axes: Axes, rates: Sequence[int], label: str) -> None:
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.yaxis.set_major_formatter(FuncFormatter(_milliseconds))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.xaxis.set_major_formatter(FuncFormatter(_thousands))
    axes.set_xlim(0, max(rates) * 1.22)
    axes.set_xlabel(label)
    axes.grid(visible=False, axis="x")


def _thousands(value: float, _: int) -> str:
    return f"{value:,.0f}"


def _milliseconds(value: float, _: int) -> str:
    return f"{value / 1000:g} s" if value >= 1000 else f"{value:g} ms"


def _cpu(samples: Mapping[str, Sequence[Row]], document: Mapping[str, Any]) -> Picture | None:
    names = [name for name in parts.CLOSED if samples.get(name)]
    if not names:
        return None
    figure, axes = _page("What one request costs", "CPU by process, medians, in microseconds", rows=len(names))
    longest = 0.0
    for place, name in enumerate(names):
        left = 0.0
        for process, colour in PROCESS_COLOURS.items():
            cost = statistics.median([each["cpu_us"].get(process, 0.0) for each in samples[name]])
            axes.barh(place, cost, left=left, color=colour, height=0.62)
            left += cost
        per_second = statistics.median([each["per_second"] for each in samples[name]])
        axes.annotate(
            f"{left:,.0f} µs   {per_second:,.0f} /s", (left, place), (6, -4), textcoords="offset points", fontsize=9.5
        )
        longest = max(longest, left)
    axes.set_yticks(range(len(names)), [_part_name(each) for each in names])
    axes.tick_params(axis="y", length=0)
    axes.invert_yaxis()
    axes.set_xlim(0, longest * 1.25)
    axes.grid(visible=False, axis="y")
    axes.spines["left"].set_visible(False)
    axes.xaxis.set_major_formatter(FuncFormatter(_thousands))
    shown = {process for name in names for each in samples[name] for process in each["cpu_us"]}
    handles = [
        Patch(color=PROCESS_COLOURS[each], label=PROCESS_NAMES[each]) for each in PROCESS_COLOURS if each in shown
    ]
    axes.legend(handles=handles, loc="lower right", fontsize=9.5)
    return _signed(figure, document, [each for name in names for each in samples[name]])


def _part_name(part: str) -> str:
    return {"limit": "pgbench", "hot limit": "pgbench, one shop", "hot": "sale, one shop"}.get(part, part)


def _growth(rows: Sequence[Row], document: Mapping[str, Any]) -> Picture | None:
    if not rows:
        return None
    figure, axes = _page("A sale among many", "PostgreSQL's CPU for one cash sale, in microseconds; dots are samples")
    sales = [each["sales"] for each in rows]
    costs = [each["cpu_us"] for each in rows]
    axes.axhline(costs[0] * parts.GROWTH_TARGET, color=INK, linewidth=1, linestyle=(0, (4, 3)))
    axes.annotate(
        f"{parts.GROWTH_TARGET} × the smallest", (1, costs[0] * parts.GROWTH_TARGET), (0, 4),
        xycoords=("axes fraction", "data"), textcoords="offset points", ha="right", fontsize=9,
    )  # fmt: skip
    for each in rows:
        found = [one["cpu_us"]["postgres"] for one in each["samples"]]
        axes.plot([each["sales"]] * len(found), found, "o", color=OURS, alpha=0.25, ms=6, mew=0)
        axes.annotate(
            f"{each['cpu_us']:,} µs\n{each['gigabytes']:g} GB", (each["sales"], each["cpu_us"]), (0, -42), ha="center",
            textcoords="offset points", fontsize=9.5, color=OURS,
        )  # fmt: skip
    axes.plot(sales, costs, color=OURS, marker="o", ms=7)
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(FixedLocator(sales))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(_thousands))
    axes.set_xlim(min(sales) / 2, max(sales) * 4)
    found = [one["cpu_us"]["postgres"] for each in rows for one in each["samples"]]
    highest = max([*found, costs[0] * parts.GROWTH_TARGET])
    axes.set_ylim(0, highest * 1.2)
    axes.yaxis.set_major_formatter(FuncFormatter(_thousands))
    axes.set_xlabel("sales in the tables")
    axes.grid(visible=False, axis="x")
    return _signed(figure, document, [one for each in rows for one in each["samples"]])


def _page(title: str, subtitle: str, *, rows: int = 0) -> tuple[Picture, Axes]:
    height = 5.2 if not rows else 1.9 + 0.42 * rows
    figure: Picture = Figure(figsize=(9, height), facecolor="white")
    axes = figure.add_axes((0.1 if not rows else 0.2, 1.05 / height, 0.85 if not rows else 0.77, 1 - 2.0 / height))
    figure.text(0.03, 1 - 0.36 / height, title, fontsize=14, fontweight="bold")
    figure.text(0.03, 1 - 0.64 / height, subtitle, fontsize=10, color="#6b7280")
    return figure, axes


def _signed(figure: Picture, document: Mapping[str, Any], rows: Sequence[Row]) -> Picture:
    foreign = statistics.median([each["foreign_cores"] for each in rows])
    words = f"{document['commit']} · {document['measured_at'][:10]} · {document['shops']} shops · others used {foreign:.2f} cores"
    figure.text(0.03, 0.02, words, fontsize=8.5, color="#6b7280")
    return figure


if __name__ == "__main__":
    written = Path(__file__).with_name("out") / "latest.json"
    print(*draw(json.loads(written.read_text()), written.parent), sep="\n")
    sys.exit()
