"""`make security`: what independent examiners say about the code, the locks, the workflows and the deployment's files.

`python -m tools.security bandit zizmor` runs those alone. A program that is not installed has failed, never passed; what could
not be looked at is *skipped* and says so: an audit whose source of advisories cannot be reached, and actionlint, whose package
fetches the program while it is installed and so cannot be locked (ci.yml runs it from its image). Invariant: nothing is fetched
but advisories.
"""

import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from tools.check import BIN, ROOT, Outcome, run

LOCKS = ("requirements/runtime.txt", "requirements/dev.txt", "requirements/uv.txt")
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
)
NOT_INSTALLED = 127
NOT_LOCKED = {"actionlint"}
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
        "actionlint": lambda: ["actionlint", *workflows],
        "hadolint": lambda: ["hadolint", "Dockerfile"],
        "shellcheck": lambda: ["shellcheck", *scripts, ".ci/run"],
        "secrets": lambda: ["detect-secrets-hook", *_disabled(), *_committed()],
    }
    for lock in LOCKS:
        known[f"audit-{Path(lock).stem}"] = lambda lock=lock: [
            "pip-audit",
            "--require-hashes",
            "--disable-pip",
            "-r",
            lock,
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
    """Return passed, failed or skipped; an audit that heard of no advisories has said nothing."""
    if outcome.name in NOT_LOCKED and outcome.code == NOT_INSTALLED:
        return "skipped"
    if outcome.name.startswith("audit-") and any(words in outcome.output for words in UNREACHABLE):
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
            why = outcome.output if outcome.name in NOT_LOCKED else "the source of advisories could not be reached"
            print(f"         {why}, so nothing is known", flush=True)
    return failed


def _committed() -> list[str]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S607 -- found in PATH
    return [path for path in listed.stdout.split("\0") if path and (ROOT / path).is_file()]


def _disabled() -> list[str]:
    return [word for plugin in GUESSING for word in ("--disable-plugin", plugin)]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
