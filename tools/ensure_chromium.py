"""Finds Chromium for the browser tests, and installs Debian's where that can be done without asking anybody.

The tests ask `find_chromium()` and skip with `MISSING` where there is none. Nothing is downloaded but a package of
the system's own package manager.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MISSING = "no Chromium: set CHROMIUM_PATH, or install the package `chromium` (as root, `make test` does it with apt)"


def find_chromium() -> Path | None:
    """Return the browser that CHROMIUM_PATH names, else the first one in PATH, else None."""
    named = os.environ.get("CHROMIUM_PATH")
    candidates = [named] if named else [shutil.which(name) for name in NAMES]
    return next((Path(each) for each in candidates if each and Path(each).exists()), None)


def install() -> str | None:
    """Install Chromium with apt; return why it did not work, or None."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for arguments in (["update"], ["install", "-y", "--no-install-recommends", "chromium"]):
        command = ["apt-get", *arguments]
        done = subprocess.run(command, env=environment, text=True, capture_output=True, check=False)
        if done.returncode != 0:
            return f"`{' '.join(command)}` failed (exit {done.returncode}):\n{done.stdout}{done.stderr}"
    return None


def main() -> int:
    """Leave a Chromium behind or say why not; a machine without one still runs every other test."""
    if find_chromium():
        return 0
    if os.geteuid() == 0 and shutil.which("apt-get"):
        print("Installing Chromium for the browser tests ...", file=sys.stderr, flush=True)
        failure = install()
        if failure:
            print(failure, file=sys.stderr)
    if not find_chromium():
        print(f"The browser tests will be skipped: {MISSING}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
