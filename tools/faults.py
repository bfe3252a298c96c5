"""`make faults`: every row of the fault matrix at its whole count, recorded in `tests/out/faults.json`.

`python -m tools.faults 21 22` runs those rows alone. Ends with 1 when a row is violated or has no test; a row that could not
run is printed as skipped with its reason, never as held. The seed is PAYME_SEED. Ends with 2 for a row that there is not.
"""

import json
import os
import shutil
import subprocess
import sys
import time
import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
RECORDS = ROOT / "tests" / "out" / "faults"
RESULT = ROOT / "tests" / "out" / "faults.json"
BROKEN = {"violated", "not run"}


def main(arguments: list[str]) -> int:
    """Run the rows, print a line for each, and write what they counted."""
    matrix = tomllib.loads((ROOT / "tests" / "faults" / "matrix.toml").read_text(encoding="utf-8"))
    wanted = [str(int(each)) for each in arguments if each.isdigit()] or list(matrix)
    if unknown := [each for each in wanted if each not in matrix]:
        print(f"no such row: {', '.join(unknown)}; there are {', '.join(matrix)}", file=sys.stderr)
        return 2
    shutil.rmtree(RECORDS, ignore_errors=True)
    environment = {**os.environ, "PAYME_FAULTS": "full", "PAYME_FAULT_ROWS": " ".join(wanted)}
    command = [sys.executable, "-m", "pytest", "-m", "fault_row", "-n", "2", "--dist", "worksteal", "-p", "no:randomly"]
    begun = time.monotonic()
    code = subprocess.run(
        [*command, *(each for each in arguments if not each.isdigit())], cwd=ROOT, env=environment, check=False
    ).returncode
    runs = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(RECORDS.glob("*.json"))]
    rows = [summed(number, matrix[number], [run for run in runs if run["number"] == int(number)]) for number in wanted]
    RESULT.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    for each in rows:
        counts = " ".join(f"{name} {count:,}" for name, count in sorted(each["counts"].items()))
        print(f"{each['status']:<8} {each['row']:>3}  {each['title']}  [{each['seconds']} s]  {counts}")
        for reason in each.get("reason", "").splitlines():
            print(f"               {reason}")
    print(f"{time.monotonic() - begun:.0f} s, written to {RESULT.relative_to(ROOT)}")
    return int(code != 0 or any(each["status"] == "failed" for each in rows))


def summed(number: str, described: dict[str, Any], runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Return a row in the shape that API.md gives it: held when a test of it ran and none broke; counts are added up."""
    counts: Counter[str] = Counter()
    for run in runs:
        counts.update(run["counts"])
    broken = [run for run in runs if run["outcome"] in BROKEN]
    status = "failed" if broken or not runs else "held" if any(run["outcome"] == "held" for run in runs) else "skipped"
    reasons = [f"{run['test']}: {run['outcome']}: {run['reason']}" for run in runs if run["reason"]]
    return {
        "row": int(number),
        "title": described["title"],
        "wanted": described["count"],
        "status": status,
        "count": counts.get("sent", len(runs)),
        "violations": len(broken),
        "seed": min((run["seed"] for run in runs), default=None),
        "seconds": round(sum(run["seconds"] for run in runs), 1),
        "tests": len(runs),
        "counts": counts,
        **({"reason": "\n".join(reasons or ["no test holds this row"])} if reasons or not runs else {}),
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
