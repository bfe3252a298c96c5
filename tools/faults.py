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
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
RECORDS = ROOT / "tests" / "out" / "faults"
RESULT = ROOT / "tests" / "out" / "faults.json"
WORST_FIRST = ("violated", "not run", "skipped", "held")


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
    result = {"seconds": round(time.monotonic() - begun), "rows": rows}
    RESULT.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    for each in rows:
        counts = " ".join(f"{name} {count:,}" for name, count in sorted(each["counts"].items()))
        print(f"{each['outcome']:<9} {each['number']:>3}  {each['title']}  [{each['seconds']} s]  {counts}")
        for reason in each["reasons"]:
            print(f"               {reason}")
    print(f"{result['seconds']} s, written to {RESULT.relative_to(ROOT)}")
    failed = code != 0 or any(each["outcome"] in {"violated", "missing", "not run"} for each in rows)
    return int(failed)


def summed(number: str, described: dict[str, Any], runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Return a row's outcome: the worst of its tests', with their counts added up."""
    counts: dict[str, int] = {}
    for run in runs:
        for name, count in run["counts"].items():
            counts[name] = counts.get(name, 0) + count
    outcomes = {run["outcome"] for run in runs}
    worst = next((each for each in WORST_FIRST if each in outcomes), "missing")
    if worst == "skipped" and "held" in outcomes:
        worst = "held"  # the skipped tests of the row are named beside it
    return {
        "number": int(number),
        **described,
        "outcome": worst,
        "seeds": sorted({run["seed"] for run in runs}),
        "tests": len(runs),
        "seconds": round(sum(run["seconds"] for run in runs), 1),
        "counts": counts,
        "reasons": [f"{run['test']}: {run['outcome']}: {run['reason']}" for run in runs if run["reason"]],
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
