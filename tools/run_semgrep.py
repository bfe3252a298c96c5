"""Semgrep with the rules of `tools/semgrep`, from an environment of its own: `python -m tools.run_semgrep test|scan`.

Semgrep pins versions that the developers' environment has no reason to follow, so its lock, `requirements/semgrep.txt`, is
installed under `.cache` at the first run and again when the lock changes. `test` tries every rule on its planted examples, `scan`
reads the code. Invariant: it speaks to nobody, and an environment that was not finished is made again.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements" / "semgrep.txt"
RULES = "tools/semgrep"
EXAMPLES = "tests/architecture/fixtures/semgrep"
READ = ("src", "simulator", "tools", "bench")
ALONE = ("--metrics=off", "--disable-version-check")
COMMANDS = {
    "test": ("scan", "--test", *ALONE, "--config", RULES, EXAMPLES),
    "scan": ("scan", "--error", "--strict", "--quiet", *ALONE, "--config", RULES, *READ),
}


def prepare() -> Path:
    """Return the semgrep program, after installing it where this lock has not been installed yet.

    Raises: CalledProcessError, with what uv printed.
    """
    home = ROOT / ".cache" / f"semgrep-{hashlib.sha256(LOCK.read_bytes()).hexdigest()[:16]}"
    finished = home / ".finished"
    if not finished.exists():
        for old in home.parent.glob("semgrep-*"):
            shutil.rmtree(old)
        uv = str(Path(sys.executable).with_name("uv"))
        install = ["pip", "install", "--require-hashes", "--python", str(home / "bin" / "python"), "-r", str(LOCK)]
        for words in (["venv", "--python", sys.executable, str(home)], install):
            subprocess.run([uv, "--quiet", *words], check=True)
        finished.touch()
    return home / "bin" / "semgrep"


def main(names: list[str]) -> int:
    """Run one of the two commands and return its exit code, 2 when there is none of that name."""
    if len(names) != 1 or names[0] not in COMMANDS:
        print("usage: python -m tools.run_semgrep test|scan", file=sys.stderr)
        return 2
    try:
        program = prepare()
    except subprocess.CalledProcessError as error:
        print(f"semgrep could not be installed: {error}", file=sys.stderr)
        return 1
    kept = {f"SEMGREP_{name}_FILE": str(program.parent / f"semgrep.{name.lower()}") for name in ("SETTINGS", "LOG")}
    return subprocess.run([program, *COMMANDS[names[0]]], cwd=ROOT, env={**os.environ, **kept}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
