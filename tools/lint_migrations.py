"""Lints the migrations with squawk, by the rules in `.squawk.toml`, and their file names by ours.

Invariant: a migration's name says when it was written, in which phase it runs, and what it does; one that removes something
says since which release nobody needs that.
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VERSIONS = ROOT / "migrations" / "versions"
UNUSED_SINCE = re.compile(r"^-- payme: unused-since \d+\.\d+\.\d+$", re.MULTILINE)
NAME = re.compile(r"[0-9]{12}_(expand|contract)_[a-z0-9_]+\.sql")


def main() -> int:
    """Print what is wrong with any migration; return 1 when something is."""
    files = sorted(VERSIONS.glob("*.sql"))
    misnamed = [file.name for file in files if not NAME.fullmatch(file.name)]
    for name in misnamed:
        print(f"migrations/versions/{name}: name it {{YYYYMMDDHHMM}}_{{expand|contract}}_{{what}}.sql")
    bold = [file.name for file in files if "_contract_" in file.name and not UNUSED_SINCE.search(file.read_text())]
    for name in bold:
        print(
            f"migrations/versions/{name}: say `-- payme: unused-since RELEASE`, the first that does not need what it removes"
        )
    if not files:
        return 0
    squawk = Path(sys.executable).with_name("squawk")
    arguments = [str(file.relative_to(ROOT)) for file in files]
    done = subprocess.run(
        [str(squawk), "--reporter", "gcc", *arguments], cwd=ROOT, text=True, capture_output=True, check=False
    )
    if done.returncode:
        print(done.stdout, done.stderr, sep="")
    return 1 if misnamed or bold or done.returncode else 0


if __name__ == "__main__":
    sys.exit(main())
