"""The demo's processes: started once, found again, ended together. Each writes its own log under `.demo/logs`."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_ENDING_SECONDS: Final = 15.0
_STEP_SECONDS: Final = 0.1


@dataclass(frozen=True, slots=True)
class Process:
    """A process of the demo. `started_at` tells it from a later one that got its number."""

    name: str
    pid: int
    started_at: str

    def is_alive(self) -> bool:
        """Say whether this very process still runs."""
        return _start_of(self.pid) == self.started_at


class Processes:
    """The processes of one demo folder, remembered in a file so that another command can end them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._file = folder / "processes.json"
        self._children: list[subprocess.Popen[bytes]] = []

    def start(self, name: str, module: str, *arguments: str, environment: dict[str, str]) -> Process:
        """Start `python -m module` in a session of its own, so that Ctrl-C reaches it only through us."""
        logs = self.folder / "logs"
        logs.mkdir(parents=True, exist_ok=True)
        with (logs / f"{name}.log").open("ab") as log:
            child = subprocess.Popen(
                [sys.executable, "-m", module, *arguments],
                env={**os.environ, **environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._children.append(child)
        process = Process(name, child.pid, _start_of(child.pid))
        self._remember([*self.known(), process])
        return process

    def known(self) -> list[Process]:
        """Return the processes that were started and not yet ended, by this command or an earlier one."""
        if not self._file.exists():
            return []
        return [Process(**row) for row in json.loads(self._file.read_text(encoding="utf-8"))]

    def stop(self) -> None:
        """End them all, newest first, with SIGTERM and at last SIGKILL; only processes that are ours."""
        for process in reversed(self.known()):
            self._end(process)
        self._file.unlink(missing_ok=True)

    def dead(self) -> list[str]:
        """Return the names of processes that ended by themselves."""
        self._reap()
        return [process.name for process in self.known() if not process.is_alive()]

    def log_tail(self, name: str, lines: int = 15) -> str:
        """Return the last lines of a process's log."""
        log = self.folder / "logs" / f"{name}.log"
        return (
            "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:]) if log.exists() else ""
        )

    def _end(self, process: Process) -> None:
        deadline = time.monotonic() + _ENDING_SECONDS
        number = signal.SIGTERM
        while process.is_alive():
            os.kill(process.pid, number)
            while process.is_alive() and time.monotonic() < deadline:
                self._reap()
                time.sleep(_STEP_SECONDS)
            number, deadline = signal.SIGKILL, time.monotonic() + _ENDING_SECONDS

    def _reap(self) -> None:
        for child in self._children:
            child.poll()

    def _remember(self, processes: list[Process]) -> None:
        rows = [{"name": each.name, "pid": each.pid, "started_at": each.started_at} for each in processes]
        self._file.write_text(json.dumps(rows), encoding="utf-8")


def _start_of(pid: int) -> str:
    """Return when a process started, as its system tells it, or an empty text where there is none (or a dead one)."""
    listed = subprocess.run(
        ["ps", "-o", "stat=,lstart=", "-p", str(pid)],  # noqa: S607 -- wherever the system keeps it
        capture_output=True,
        text=True,
        check=False,
    ).stdout.strip()
    state, _, started = listed.partition(" ")
    return "" if not state or state.startswith("Z") else started.strip()
