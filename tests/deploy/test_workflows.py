"""The workflows: pinned, with the least permissions, and in step with make and CONTRIBUTING. GitHub itself is not asked."""

import re
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.programs import said_by
from tools.check import Outcome
from tools.check import steps as check_steps
from tools.security import examine, verdict

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / ".github" / "workflows"
WORKFLOWS = sorted(FOLDER.glob("*.yml"))
TEXTS = {path.name: path.read_text(encoding="utf-8") for path in WORKFLOWS}
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module", params=sorted(TEXTS))
def workflow(request: pytest.FixtureRequest) -> dict[Any, Any]:
    yaml = pytest.importorskip("yaml", reason="PyYAML is not installed here")
    return yaml.safe_load(TEXTS[request.param])


@pytest.mark.parametrize("name", sorted(TEXTS))
def test_every_action_is_pinned_by_commit_with_its_version(name: str):
    used = re.findall(r"uses: (.*)$", TEXTS[name], re.MULTILINE)
    assert used
    assert [each for each in used if not re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", each)] == []


def test_permissions_are_given_job_by_job(workflow: dict[Any, Any]):
    assert workflow["permissions"] == {}
    for name, job in workflow["jobs"].items():
        writes = {what for what, may in job["permissions"].items() if may != "read"}
        assert writes <= {"image": {"packages"}, "release": {"contents"}}.get(name, set()), name
        assert job["timeout-minutes"] <= 60, name


def test_no_checkout_leaves_a_token_behind(workflow: dict[Any, Any]):
    for job in workflow["jobs"].values():
        for step in job["steps"]:
            if step.get("uses", "").startswith("actions/checkout@"):
                assert step["with"]["persist-credentials"] is False


def test_no_expression_reaches_a_shell_except_through_a_variable(workflow: dict[Any, Any]):
    scripts = [step.get("run", "") for job in workflow["jobs"].values() for step in job["steps"]]
    assert [script for script in scripts if "${{" in script] == []


def test_pull_requests_run_without_the_rights_of_main():
    assert [name for name, text in TEXTS.items() if re.search(r"pull_request_target|workflow_run", text)] == []


def test_ci_runs_every_step_of_make_check_once():
    (include,) = re.findall(r"include:\n((?: +- \{.*\}\n)+)", TEXTS["ci.yml"])
    steps = [step for found in re.findall(r"steps: ([a-z -]+) \}", include) for step in found.split()]
    assert sorted(steps) == sorted(check_steps())


def test_the_required_checks_are_the_jobs_that_run():
    (listed,) = re.findall(r"required checks (.*?), on a branch", CONTRIBUTING)
    names = set(re.findall(r"\{ name: (\w+),", TEXTS["ci.yml"])) | {"security", "image and Compose"}
    names |= {f"tests on PostgreSQL {version}" for version in ("18", "15")}
    assert set(re.findall(r"`([^`]+)`", listed)) == names


def test_contributing_lists_every_variable_and_secret():
    asked = set(re.findall(r"\$\{\{ (?:vars|secrets)\.([A-Z_]+) \}\}", "".join(TEXTS.values())))
    tables = CONTRIBUTING.split("## Deployments")[1]
    listed = {
        name for row in re.findall(r"^\| (`[A-Z].*?) \|", tables, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)
    }
    assert asked == listed


def test_what_failed_in_production_is_answered_by_the_release_before():
    yaml = pytest.importorskip("yaml", reason="PyYAML is not installed here")
    jobs = yaml.safe_load(TEXTS["deploy.yml"])["jobs"]
    steps = {step.get("id") or step.get("name"): step for step in jobs["production"]["steps"]}
    back = steps["Go back to the release before, and wait for it to be healthy"]
    assert back["env"]["REVISION"] == "${{ steps.before.outputs.revision }}"
    assert back["env"]["IMAGE"] == "${{ steps.before.outputs.image }}"
    assert back["if"].startswith("failure() && ")
    same = {name: value for name, value in back["env"].items() if name not in {"IMAGE", "REVISION"}}
    assert same.items() <= steps["deploy"]["env"].items()
    assert jobs["release"]["needs"] == ["image", "production"]


def test_zizmor_has_nothing_to_say():
    done = said_by("zizmor", "--offline", "--no-progress", str(FOLDER))
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_actionlint_has_nothing_to_say(path: Path):
    done = said_by("actionlint", str(path))
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize(
    ("name", "code", "output", "said"),
    [
        ("audit-runtime", 0, "No known vulnerabilities found", "passed"),
        ("audit-runtime", 1, "Found 1 known vulnerability in 1 package", "failed"),
        ("audit-runtime", 0, "Dependency not found and could not be audited: x", "skipped"),
        ("audit-dev", 1, "ConnectionError: no route", "skipped"),
        ("audit-dev", 1, "Found 2 known vulnerabilities in 1 package\nx could not be audited", "failed"),
        ("bandit", 1, "ConnectionError", "failed"),
        ("bandit", 0, "", "passed"),
        ("bandit", 127, "bandit is not installed", "failed"),
        ("audit-bench/peer", 1, "npm error audit endpoint returned an error", "skipped"),
        ("audit-bench/peer", 1, "1 high severity vulnerability", "failed"),
    ],
)
def test_an_audit_that_learned_nothing_has_not_passed(name: str, code: int, output: str, said: str):
    assert verdict(Outcome(name, code, 0.0, output)) == said


def test_a_program_that_is_missing_has_failed():
    outcome = examine("x", ["no-program-of-this-name"])
    assert (verdict(outcome), outcome.output) == ("failed", "no-program-of-this-name is not installed")
