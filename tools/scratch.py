"""A copy of this checkout in which something may be broken: made, changed, tested and put right again.

The copy holds what git tracks and what it would track, uses this environment's packages, and keeps its databases and results
to itself. Invariant: nothing outside the copy is ever written.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
FULL_SIZE = ("PAYME_FAULTS", "PAYME_FAULT_ROWS", "PAYME_TEST_DATABASE_URL")
UNFINISHED = 124  # the code that timeout(1) gives


@dataclass(slots=True)
class Trial:
    """How a run of pytest ended: its code, each test's verdict and what it printed."""

    code: int
    seconds: float
    output: str
    verdicts: dict[str, dict[str, Any]]

    @property
    def last_words(self) -> str:
        """The end of what pytest printed, on one line."""
        lines = [line.strip() for line in self.output.splitlines() if line.strip()]
        return " / ".join(lines[-3:])[:300]


@dataclass(slots=True)
class Scratch:
    """One copy of the checkout; not for two runs at a time."""

    root: Path
    running: subprocess.Popen[str] | None = None
    _ticks: Iterator[int] = field(default_factory=lambda: count(int(time.time()) - 10_000_000))

    @contextmanager
    def changed(self, texts: dict[str, str]) -> Generator[None]:
        """Give files other contents for the length of a block."""
        before = {name: (self.root / name).read_text(encoding="utf-8") for name in texts}
        try:
            for name, text in texts.items():
                self._write(name, text)
            yield
        finally:
            for name, text in before.items():
                self._write(name, text)

    def _write(self, name: str, text: str) -> None:
        """Write with an age of its own: compiled modules are told apart by second and size."""
        path = self.root / name
        path.write_text(text, encoding="utf-8")
        tick = next(self._ticks)
        os.utime(path, (tick, tick))

    def pytest(self, tests: Sequence[str], *, seconds: float) -> Trial:
        """Run tests at their small size and return their verdicts; a run that takes too long is ended with its children."""
        report = self.root / "tests" / "out" / "probe.json"
        report.unlink(missing_ok=True)
        report.parent.mkdir(parents=True, exist_ok=True)
        kept = {name: value for name, value in os.environ.items() if name not in FULL_SIZE}
        paths = os.pathsep.join(str(each) for each in (self.root / "src", self.root / "simulator", self.root))
        command = [sys.executable, "-m", "pytest", "-p", "tools.mutant_probe", "-p", "no:randomly", "--tb=line", *tests]
        started = time.monotonic()
        self.running = process = subprocess.Popen(
            command,
            cwd=self.root,
            env={**kept, "PYTHONPATH": paths, "MUTANT_PROBE": str(report), "PAYME_HISTORY": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        try:
            output, code = process.communicate(timeout=seconds)[0], process.returncode
        except subprocess.TimeoutExpired:
            self.end()
            output, code = process.communicate()[0], UNFINISHED
        verdicts: dict[str, dict[str, Any]] = json.loads(report.read_text(encoding="utf-8")) if report.exists() else {}
        return Trial(code, round(time.monotonic() - started, 1), output, verdicts)

    def end(self) -> None:
        """End what runs in this copy, with its children."""
        if self.running is not None:
            with suppress(ProcessLookupError):
                os.killpg(self.running.pid, signal.SIGKILL)


@contextmanager
def scratches(number: int) -> Generator[list[Scratch]]:
    """Copy the checkout a few times into a folder that every account may enter, and remove the copies afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="payme-mutants-", dir="/var/tmp"))
    folder.chmod(0o755)
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    names = subprocess.run(listed, cwd=ROOT, text=True, capture_output=True, check=True).stdout.split("\0")
    try:
        copies = [folder / str(each) for each in range(number)]
        for copy in copies:
            for name in filter(None, names):
                if (ROOT / name).is_file():
                    (copy / name).parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy2(ROOT / name, copy / name)
            (copy / ".venv").symlink_to(ROOT / ".venv")
        yield [Scratch(copy) for copy in copies]
    finally:
        shutil.rmtree(folder, ignore_errors=True)
