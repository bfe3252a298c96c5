"""What the Dockerfile promises. Building it takes a container engine; the workflow does that, and runs the result hardened."""

import re
import subprocess
import sys
from pathlib import Path

from tests.deploy.programs import program

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "Dockerfile").read_text(encoding="utf-8")
COMMANDS = re.sub(r"\\\n\s*", "", re.sub(r"^#.*\n", "", TEXT, flags=re.MULTILINE))
BUILD, FINAL = COMMANDS.split("FROM ${BASE_IMAGE}\n")


def test_hadolint_has_nothing_to_say():
    done = subprocess.run([program("hadolint"), str(ROOT / "Dockerfile")], text=True, capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_final_stage_runs_as_a_numbered_user_without_a_shell():
    assert re.findall(r"^USER (.*)$", FINAL, re.MULTILINE) == ["10001:10001"]
    for word in ("ENTRYPOINT", "CMD", "HEALTHCHECK"):
        assert all("[" in line for line in FINAL.splitlines() if line.startswith(word)), word
    assert 'CMD ["payme", "api"]' in FINAL


def test_the_base_is_one_argument_with_a_version_so_that_the_workflow_can_pin_it():
    assert re.findall(r"^ARG BASE_IMAGE=(\S+)$", COMMANDS, re.MULTILINE) == ["python:3.11-slim-bookworm"]
    assert set(re.findall(r"^FROM (\S+)", COMMANDS, re.MULTILINE)) == {"${BASE_IMAGE}"}
    assert "@sha256:" not in COMMANDS


def test_everything_installed_is_checked_by_hash():
    installs = re.findall(r"(?:pip install|uv build)[^&\n]*", BUILD)
    assert len(installs) == 5
    assert [each for each in installs if "--require-hashes" not in each and "--no-deps" not in each] == []


def test_the_context_holds_what_is_copied_and_nothing_else():
    allowed = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]
    assert allowed[0] == "*"
    opened = {line.removeprefix("!").split("/")[0] for line in allowed if line.startswith("!")}
    copied = {
        word.split("/")[0]
        for line in re.findall(r"^COPY (?!--from)(.*)$", BUILD, re.MULTILINE)
        for word in line.split()[:-1]
    }
    assert opened == copied


def test_the_health_check_module_exists():
    (module,) = re.findall(r'HEALTHCHECK .*"-m", "([a-z.]+)"', FINAL)
    done = subprocess.run(
        [sys.executable, "-m", module, "--help"],
        env={"PYTHONPATH": str(ROOT / "src")},
        text=True,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
