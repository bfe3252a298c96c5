"""The picture of a month: what became of each day's money, with the dark day marked."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter

from bench.plots import FAINT, INK, OURS, STYLE

COLOURS: Final = {"applied": OURS, "unclaimed": "#f59e0b", "returned": "#7c3aed"}
DARK: Final = "#1f2937"


def draw(result: Mapping[str, Any], path: Path) -> None:
    """Draw the days of a written result, in thousands of shillings."""
    days = sorted(result["by_day"])
    library: Any = mpl
    with library.rc_context(STYLE):
        figure: Any = Figure(figsize=(11, 5.2), layout="constrained")
        axes = figure.add_subplot()
        _stack(axes, result, days)
        _dark(axes, days, result["dark_day"])
        axes.set_title(
            f"M-Pesa money of {result['sales']:,} sales in {result['shops']} shops, by the day it was paid", loc="left",
            fontsize=13, pad=26,
        )  # fmt: skip
        verdict = "every cent is somewhere" if not result["violations"] else f"{len(result['violations'])} violations"
        axes.text(
            0,
            1.03,
            f"What became of it in the end; seed {result['seed']}, {verdict}",
            transform=axes.transAxes,
            color=INK,
        )
        figure.savefig(path, dpi=150)


def _stack(axes: Any, result: Mapping[str, Any], days: list[str]) -> None:
    below = [0.0] * len(days)
    for kind, colour in COLOURS.items():
        heights = [result["by_day"][day][kind] / 100_000 for day in days]
        axes.bar(range(len(days)), heights, bottom=below, color=colour, width=0.8)
        below = [low + height for low, height in zip(below, heights, strict=True)]
    axes.set_xticks(range(len(days)), [f"{date.fromisoformat(day):%-d}" for day in days])
    axes.set_xlabel(f"{date.fromisoformat(days[0]):%B %Y}, day")
    axes.set_ylabel("thousand shillings")
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.grid(visible=False, axis="x")
    handles = [Patch(color=colour, label=kind) for kind, colour in COLOURS.items()]
    axes.legend(handles=handles, ncols=3, loc="lower right", bbox_to_anchor=(1, 1.0), borderaxespad=0.2)


def _dark(axes: Any, days: list[str], dark_day: str) -> None:
    if dark_day not in days:
        return
    place = days.index(dark_day)
    axes.axvspan(place - 0.5, place + 0.5, color=FAINT, alpha=0.35, zorder=0)
    top = axes.get_ylim()[1]
    axes.set_ylim(top=top * 1.12)
    axes.text(place, top * 1.06, "no callback\narrives", ha="center", va="center", color=DARK, fontsize=9)
