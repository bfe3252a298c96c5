"""`make month`: a month of a town on the virtual clock, proved to the cent; `make soak` is the same with five times the sales.

Writes tests/out/month.json and a picture beside it. Ends with 1 on any violation. `--seed` repeats a run's draws.
"""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from secrets import randbelow
from typing import Any, Final

from tests.month.month import Month
from tests.month.picture import draw
from tests.month.quarters import live
from tests.month.scale import Scale
from tests.postgres import SessionServer

OUT: Final = Path(__file__).resolve().parents[1] / "out"
_SHOWN: Final = 40


def main(arguments: Sequence[str]) -> int:
    """Live through the month that was asked for, and tell what came of it."""
    chosen = parsed(arguments)
    scale = Scale(chosen.sales, chosen.shops, chosen.days, chosen.days // 2, seed=chosen.seed)
    sys.stdout.write(f"seed {scale.seed}\n")
    server = SessionServer()
    try:
        month = live(server.start(), scale, quarters=chosen.quarters)
    finally:
        server.stop()
    result = as_json(month)
    OUT.mkdir(parents=True, exist_ok=True)
    path = OUT / f"{chosen.name}.json"
    path.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    draw(result, path.with_suffix(".png"))
    sys.stdout.write("\n".join(told(result)) + f"\n{path}\n")
    return int(bool(month.violations))


def parsed(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.month")
    parser.add_argument("--sales", type=int, default=20_000)
    parser.add_argument("--shops", type=int, default=50)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--quarters", type=int, default=2, help="of the town, each in a process of its own")
    parser.add_argument("--name", default="month", help="of the files in tests/out")
    given = os.environ.get("PAYME_SEED")
    parser.add_argument("--seed", type=int, default=int(given) if given else randbelow(1_000_000))
    return parser.parse_args(arguments)


def as_json(month: Month) -> dict[str, Any]:
    """Return what is written of a month."""
    scale, done = month.scale, month.notes.done
    return {
        "seed": scale.seed, "seconds": round(month.seconds), "sales": done["sales"], "shops": scale.shops, "days": scale.days,
        "dark_day": scale.dark[0].date().isoformat(), "violations": list(month.violations),
        "done": dict(sorted(done.items())), "refused": dict(sorted(month.notes.refused.items())),
        "found": dict(sorted(month.proof.counts.items())), "jobs": dict(sorted(month.ran.items())),
        "by_day": {day: asdict(fate) for day, fate in sorted(month.proof.by_day.items())},
        "by_shortcode": month.proof.by_shortcode,
    }  # fmt: skip


def told(result: dict[str, Any]) -> list[str]:
    """Return what a person reads at the end."""
    sums = {
        name: sum(each[name] for each in result["by_shortcode"].values())
        for name in ("paid", "applied", "unclaimed", "returned")
    }
    lines = [
        f"{name:<26}{count:>10,}" for group in ("done", "found", "refused") for name, count in result[group].items()
    ]
    lines += [f"{name:<26}{cents / 100:>13,.2f} KES" for name, cents in sums.items()]
    lines += [f"violation: {each}" for each in result["violations"][:_SHOWN]]
    return [
        *lines,
        f"{result['sales']:,} sales in {result['seconds']} s, {len(result['violations'])} violations, seed {result['seed']}",
    ]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
