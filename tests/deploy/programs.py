"""Programs that look at a deployment's files: found beside the interpreter or in PATH, else the test is skipped and says so."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def program(name: str) -> str:
    """Return where a program is; skip the test when it is nowhere."""
    places = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", ""), "/usr/sbin"])
    found = shutil.which(name, path=places)
    if found is None:
        pytest.skip(f"{name} is not installed here")
    return found


def said_by(name: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a program and return what it said; skip the test when it is nowhere."""
    return subprocess.run([program(name), *words], text=True, capture_output=True, timeout=60, check=False)
