"""make is the only entry, and tells so itself."""

import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROMISED = {"demo", "demo-stop", "test", "bench", "check", "fmt", "e2e", "docs"}


def make(*arguments: str) -> str:
    """Run make as a person would, with nothing inherited from a make around this test."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    done = subprocess.run(["make", *arguments], cwd=ROOT, env=inherited, text=True, capture_output=True, check=True)
    return done.stdout


def test_plain_make_prints_one_line_for_every_target():
    (declared,) = re.findall(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    listed = re.findall(r"^  make (\S+) +\S", make(), re.MULTILINE)
    assert set(listed) == set(declared.split())
    assert len(listed) == len(set(listed))
    assert set(listed) >= PROMISED


def test_help_fits_a_terminal():
    assert [line for line in make("help").splitlines() if len(line) > 120] == []


@pytest.mark.parametrize(
    ("target", "command"),
    [
        ("demo", "python -m payme.entrypoints.demo --no-wait"),
        ("test", "python -m pytest -n logical --maxprocesses 8 --no-wait"),
        ("e2e", "python -m pytest -m browser --no-wait"),
        ("bench", "python -m bench --no-wait"),
        ("check", "python -m tools.check --no-wait"),
    ],
)
def test_arguments_reach_the_command(target: str, command: str):
    assert f"{command}\n" in make("--dry-run", target, "ARGS=--no-wait")


def test_ci_runs_what_a_person_runs():
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert "for target in check test; do" in script
    assert os.access(ROOT / ".ci" / "run", os.X_OK)
