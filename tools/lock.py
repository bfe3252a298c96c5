"""Resolves `pyproject.toml` into the hashed lock files under `requirements/`.

Invariant: a lock names versions and hashes, never where they were fetched from, so any mirror can serve it.
"""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
UV = Path(sys.executable).with_name("uv")
LOCKS: dict[str, tuple[str, ...]] = {
    "uv.txt": ("requirements/uv.in",),
    "runtime.txt": ("pyproject.toml",),
    "dev.txt": ("pyproject.toml", "--group", "dev"),
    "node.txt": ("requirements/node.in",),
    "semgrep.txt": ("requirements/semgrep.in",),
    "helm.txt": ("requirements/helm.in", "--no-deps"),
    "kubernetes.txt": ("requirements/kubernetes.in",),
}
RESOLUTION = ("--universal", "--python-version", "3.11")
CONTENTS = ("--generate-hashes", "--no-header", "--no-annotate", "--no-emit-index-url")


def main(extra: list[str]) -> int:
    """Write every lock file; `extra` goes to uv as it is, such as `--upgrade` or `--upgrade-package fastapi`."""
    for name, sources in LOCKS.items():
        target = f"requirements/{name}"
        done = subprocess.run(
            [str(UV), "pip", "compile", *sources, *RESOLUTION, *CONTENTS, *extra, "--output-file", target],
            cwd=ROOT,
            text=True,
            capture_output=True,
            check=False,
        )
        if done.returncode != 0:
            print(f"{target} could not be resolved:\n{done.stdout}{done.stderr}", file=sys.stderr)
            return 1
        pins = sum("==" in line for line in (ROOT / target).read_text(encoding="utf-8").splitlines())
        print(f"{target}: {pins} packages")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
