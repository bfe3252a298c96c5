"""Every mutant still applies, names tests that exist, and every row of the fault matrix that is tested has one."""

import ast
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tools import mutants
from tools.mutants import Change, Mutant, judge
from tools.scratch import UNFINISHED, Trial

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted((ROOT / "tests" / "mutants").glob("[0-9]*.toml"))
MATRIX = tomllib.loads((ROOT / "tests" / "faults" / "matrix.toml").read_text(encoding="utf-8"))
MARK = re.compile(r"fault_row\((\d+)\)")
TESTED = sorted(
    {int(row) for file in (ROOT / "tests").rglob("test_*.py") for row in MARK.findall(file.read_text(encoding="utf-8"))}
)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_mutant_applies_and_names_tests_that_exist(path: Path):
    mutant = mutants.load(path)
    assert mutant.row == 0 or str(mutant.row) in MATRIX
    assert len(mutant.breaks.split()) >= 5
    assert mutant.texts(ROOT)
    for test in mutant.tests:
        place, *qualified = test.split("[")[0].split("::")
        assert (ROOT / place).exists(), test
        if qualified:
            tree = ast.parse((ROOT / place).read_text(encoding="utf-8"))
            defined = {getattr(node, "name", None) for node in ast.walk(tree)}
            assert set(qualified) <= defined, test


@pytest.mark.parametrize("row", TESTED)
def test_a_tested_row_has_a_mutant_or_a_reason(row: int):
    named = [path.name for path in FILES if path.name.startswith(f"{row:02d}_")]
    reason = MATRIX[str(row)].get("no_mutant", "")
    assert bool(named) != (len(reason.split()) >= 3), (
        "a mutant in tests/mutants, or else no_mutant = why not, in the matrix"
    )


MUTANT = Mutant("02_x", "breaks something that somebody wants", ("tests/a.py::test_b",), (Change("f.py", "1", "2"),))
GREEN: dict[str, dict[str, Any]] = {"tests/a.py::test_b[1]": {"outcome": "passed"}}


def ended(outcome: str, phase: str, kind: str = "") -> dict[str, dict[str, Any]]:
    return {"tests/a.py::test_b[1]": {"outcome": outcome, "phase": phase, "type": kind, "message": "m"}}


@pytest.mark.parametrize(
    ("verdicts", "code", "outcome"),
    [
        (ended("failed", "call", "AssertionError"), 1, "caught"),
        (ended("failed", "teardown", "AssertionError"), 1, "caught"),
        (ended("failed", "setup", "AssertionError"), 1, "broken"),
        (ended("failed", "call", "NameError"), 1, "broken"),
        (ended("passed", "call"), 0, "survived"),
        ({}, 5, "broken"),
        (ended("passed", "call"), UNFINISHED, "broken"),
    ],
)
def test_only_a_failing_test_catches(verdicts: dict[str, dict[str, Any]], code: int, outcome: str):
    assert judge(MUTANT, Trial(code, 1.0, "", verdicts), GREEN).outcome == outcome


def test_a_mutant_whose_tests_cannot_run_is_skipped():
    skipped = ended("skipped", "setup", "Skipped")
    assert judge(MUTANT, Trial(0, 1.0, "", skipped), skipped).outcome == "skipped"


@pytest.mark.parametrize("text", ["a = 3", "a = 1 + 1", "a = (1"])
def test_a_change_that_does_not_apply_is_refused(tmp_path: Path, text: str):
    (tmp_path / "f.py").write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=r"f\.py"):
        MUTANT.texts(tmp_path)
