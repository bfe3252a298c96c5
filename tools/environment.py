"""Makes `.venv` from the locked requirements: nothing but Python and its standard library is needed to start.

pip fetches one wheel, uv, pinned by hash; uv installs the rest, every file checked against its hash, and the
project itself in editable form. Run by the Makefile with any Python from 3.11 on, so this file imports no package.

Invariant: the stamp exists only after every step succeeded, so a run that was cut short is repeated.
"""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
UV = VENV / "bin" / "uv"


class StepFailedError(Exception):
    """A step of the preparation failed; the message says which, and what it printed."""


def run(step: str, *command: str | Path) -> None:
    """Run one quiet step.

    Raises:
        StepFailedError: with everything the command printed.
    """
    environment = {**os.environ, "VIRTUAL_ENV": str(VENV)}
    words = [str(part) for part in command]
    done = subprocess.run(words, cwd=ROOT, env=environment, text=True, capture_output=True, check=False)
    if done.returncode != 0:
        raise StepFailedError(f"{step} failed (exit {done.returncode}):\n{done.stdout}{done.stderr}")


def usable_venv() -> bool:
    """Say whether `.venv` holds a Python that starts, is new enough and has pip."""
    probe = "import sys, pip; sys.exit(sys.version_info < (3, 11))"
    if not PYTHON.exists():
        return False
    return subprocess.run([str(PYTHON), "-c", probe], capture_output=True, check=False).returncode == 0


def prepare() -> None:
    """Bring `.venv` to exactly what the locks say."""
    if not usable_venv():
        run("creating .venv (Debian: apt install python3-venv)", sys.executable, "-m", "venv", "--clear", VENV)
    run("fetching uv", PYTHON, "-m", "pip", "install", "--quiet", "--require-hashes", "-r", "requirements/uv.txt")
    sync = ("pip", "sync", "--require-hashes", "--compile-bytecode")
    run("installing requirements/dev.txt", UV, *sync, "requirements/dev.txt")
    editable = ("pip", "install", "--no-deps", "--no-build-isolation", "--reinstall", "--editable")
    run("installing the project", UV, *editable, ".")


def main() -> int:
    """Prepare the environment and leave the stamp; print the full story only when something failed."""
    parser = argparse.ArgumentParser(description="Prepare .venv from the locked requirements.")
    parser.add_argument("--stamp", type=Path, required=True, help="file to leave when everything is in place")
    stamp: Path = ROOT / parser.parse_args().stamp
    started = time.monotonic()
    print("Preparing .venv from requirements/ ...", file=sys.stderr, flush=True)
    try:
        prepare()
    except StepFailedError as failure:
        print(failure, file=sys.stderr)
        return 1
    for old in VENV.glob(".ready-*"):
        old.unlink()
    stamp.touch()
    print(f".venv is ready ({time.monotonic() - started:.0f} s).", file=sys.stderr, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
