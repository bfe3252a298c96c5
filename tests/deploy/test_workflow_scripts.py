"""The steps of deploy.yml that decide something, run as GitHub would run them: with its shell, on a repository of the test's own.

docker and gh are stand-ins that write down what they were asked; what a release is called and what is gone back to is ours.
"""

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
JOBS: dict[str, Any] = yaml.safe_load((ROOT / ".github" / "workflows" / "deploy.yml").read_text(encoding="utf-8"))[
    "jobs"
]
DIGEST = "sha256:" + "ab" * 32
DOCKER = f"""#!/bin/sh
echo "docker $*" >> "$CALLS"
case "$*" in *imagetools*) echo {DIGEST} ;; login*) cat > /dev/null ;; esac
"""
GH = """#!/bin/sh
echo "gh $*" >> "$CALLS"
case "$1" in api) printf '%s\\n' $TAGS ;; esac
"""


def script_of(job: str, name: str) -> str:
    (script,) = [step["run"] for step in JOBS[job]["steps"] if step.get("name") == name]
    return script


def run_step(script: str, folder: Path, **variables: str) -> str:
    """Run a step in a folder, with stand-ins first in PATH; return what they were asked."""
    for name, text in {"docker": DOCKER, "gh": GH}.items():
        (folder / "bin").mkdir(exist_ok=True)
        (folder / "bin" / name).write_text(text)
        (folder / "bin" / name).chmod(0o755)
    written = {name: str(folder / name.lower()) for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY", "CALLS")}
    path = f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
    environment = {"PATH": path, "HOME": str(folder), **written, **variables}
    command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script]
    done = subprocess.run(command, cwd=folder, env=environment, text=True, capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    calls = folder / "calls"
    return calls.read_text() if calls.exists() else ""


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    git(tmp_path, "init", "--quiet")
    return tmp_path


def git(folder: Path, *words: str) -> str:
    who = ["-c", "user.name=a test", "-c", "user.email=test@example.co.ke", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", *who, *words], cwd=folder, text=True, capture_output=True, check=True)
    return done.stdout.strip()


def commit(folder: Path, *tags: str) -> str:
    git(folder, "commit", "--quiet", "--allow-empty", "--message", "something")
    for tag in tags:
        git(folder, "tag", tag)
    return git(folder, "rev-parse", "HEAD")


def find_before(repository: Path) -> str:
    script = script_of("production", "Find the release to go back to")
    run_step(script, repository, GITHUB_REPOSITORY="Duka/PayMe", GITHUB_ACTOR="somebody", GITHUB_TOKEN="of-the-job")
    output = repository / "github_output"
    return output.read_text() if output.exists() else ""


def test_the_newest_release_is_gone_back_to_and_numbers_are_no_words(repository: Path):
    commit(repository, "v9")
    newest = commit(repository, "v10", "v11-rc1", "v2.5", "very-new")
    commit(repository)
    assert find_before(repository) == f"revision={newest}\nimage=ghcr.io/duka/payme@{DIGEST}\n"
    calls = (repository / "calls").read_text()
    assert f"imagetools inspect ghcr.io/duka/payme:{newest} " in calls
    assert "of-the-job" not in calls


def test_before_the_first_release_there_is_nothing_to_go_back_to(repository: Path):
    commit(repository, "v11-rc1")
    assert find_before(repository) == ""
    assert "none" in (repository / "github_step_summary").read_text()


@pytest.mark.parametrize(
    ("tags", "named"), [("", "v1"), ("v1 v2", "v3"), ("v9 v10 v2.5 v11-rc1 other", "v11"), ("v10 v9", "v11")]
)
def test_what_runs_in_production_is_named_by_the_next_number(tmp_path: Path, tags: str, named: str):
    script = script_of("release", "Name what runs in production")
    calls = run_step(
        script, tmp_path, GH_TOKEN="x", GH_REPO="duka/payme", IMAGE="i@sha256:1", REVISION="abc", TAGS=tags
    )
    assert calls.splitlines()[-1].startswith(f"gh release create {named} --target abc ")
