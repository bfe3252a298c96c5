"""`make check`: everything about the code that can be said without running it.

The steps are independent programs, run a few at a time; each prints one line, and its whole output when it fails.
`python -m tools.check lint types` runs those alone. Invariant: a step that could not start has failed.
"""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
PYTHON = sys.executable


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one step ended, with everything it printed."""

    name: str
    code: int
    seconds: float
    output: str


def steps() -> dict[str, list[str]]:
    """Return each step's command by name, the longest first."""
    return {
        "types": [str(BIN / "pyright"), "--project", str(ROOT), "--pythonpath", PYTHON],
        "imports": [str(BIN / "lint-imports")],
        "lint": [str(BIN / "ruff"), "check", "--output-format", "concise", "."],
        "format": [str(BIN / "ruff"), "format", "--check", "--output-format", "concise", "."],
        "rules": [PYTHON, "-m", "tools.ast_rules"],
        "sizes": [PYTHON, "-m", "tools.size_ratchet"],
        "migrations": [PYTHON, "-m", "tools.lint_migrations"],
        "dependencies": [str(BIN / "deptry"), "--no-ansi", "src", "simulator"],
        "documents": [PYTHON, "-m", "tools.generate_docs", "--check"],
        "web-types": [PYTHON, "-m", "tools.web", "types"],
        "web-lint": [PYTHON, "-m", "tools.web", "lint"],
        "web-tests": [PYTHON, "-m", "tools.web", "test"],
        "web-size": [PYTHON, "-m", "tools.web", "size"],
    }


def run(name: str, command: Sequence[str]) -> Outcome:
    """Run one step to its end."""
    started = time.monotonic()
    try:
        done = subprocess.run(command, cwd=ROOT, text=True, capture_output=True, check=False)
        code, output = done.returncode, done.stdout + done.stderr
    except OSError as error:
        code, output = 127, str(error)
    return Outcome(name, code, time.monotonic() - started, output)


def main(names: list[str]) -> int:
    """Run the named steps, or all of them; return 1 when one failed, 2 when there is none of that name."""
    known = steps()
    unknown = [name for name in names if name not in known]
    if unknown:
        print(f"no such step: {', '.join(unknown)}; there are {', '.join(known)}", file=sys.stderr)
        return 2
    chosen = {name: command for name, command in known.items() if name in names or not names}
    started, failed = time.monotonic(), 0
    with ThreadPoolExecutor(max_workers=max(2, os.cpu_count() or 1)) as pool:
        for future in as_completed(pool.submit(run, name, command) for name, command in chosen.items()):
            outcome = future.result()
            failed += outcome.code != 0
            print(f"{'failed' if outcome.code else 'ok':7}{outcome.name:14}{outcome.seconds:5.1f} s", flush=True)
            if outcome.code:
                print(outcome.output.strip(), flush=True)
    print(f"{len(chosen) - failed} passed, {failed} failed, in {time.monotonic() - started:.1f} s")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
