"""What runs on a data folder: the postmaster's own note, zombies and orphans.

After `kill -9` the postmaster may stay as a zombie, and its backends live on until they notice; PostgreSQL refuses to
start beside either.
Invariant: only processes named `postgres` that work in exactly this data folder are ever signalled.
"""

import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ORPHAN_GRACE_SECONDS = 3.0
POLL_SECONDS = 0.02
PROC = Path("/proc")


@dataclass(frozen=True)
class Postmaster:
    """The lines of `postmaster.pid` that we use."""

    pid: int
    port: int
    state: str

    @property
    def is_ready(self) -> bool:
        """Tell whether it said that it takes connections."""
        return self.state == "ready"


def read_postmaster(data_dir: Path) -> Postmaster | None:
    """Read `postmaster.pid`; None when it is absent or was cut off in the middle of being written."""
    try:
        lines = (data_dir / "postmaster.pid").read_text().splitlines()
        return Postmaster(pid=int(lines[0]), port=int(lines[3]), state=lines[7].strip() if len(lines) > 7 else "")
    except (FileNotFoundError, NotADirectoryError, IndexError, ValueError):
        return None


def living(data_dir: Path) -> list[int]:
    """List the pids of PostgreSQL processes that work in this folder, zombies left out."""
    if not PROC.is_dir():
        noted = read_postmaster(data_dir)
        return [noted.pid] if noted and _exists(noted.pid) else []
    folder = str(data_dir.resolve())
    return [int(entry.name) for entry in PROC.iterdir() if entry.name.isdigit() and _works_in(entry, folder)]


def serving(data_dir: Path) -> Postmaster | None:
    """Return the postmaster when it is alive on this folder, whatever its state."""
    noted = read_postmaster(data_dir)
    return noted if noted and noted.pid in living(data_dir) else None


def wait_for(condition: Callable[[], bool], *, seconds: float) -> bool:
    """Poll a condition until it holds or the time is over; return whether it held."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True


def clear_remains(data_dir: Path) -> None:
    """Wait for the orphans of a dead postmaster, end those that do not notice, and drop a note without a writer.

    Call it only when `serving` is None. It is safe at any moment: what an orphan still commits is in the write-ahead log.
    """
    for force in (None, signal.SIGQUIT, signal.SIGKILL):
        if force is not None:
            end(living(data_dir), force)
        if wait_for(lambda: not living(data_dir), seconds=ORPHAN_GRACE_SECONDS):
            break
    noted = read_postmaster(data_dir)
    if noted is not None and not living(data_dir):
        _reap(noted.pid)
        # PostgreSQL believes a pid that exists, be it a zombie that nobody has collected or a stranger who got the number.
        (data_dir / "postmaster.pid").unlink(missing_ok=True)


def end(pids: list[int], how: signal.Signals) -> None:
    """Signal the given processes; those that are gone already are left out."""
    for pid in pids:
        try:
            os.kill(pid, how)
        except ProcessLookupError:
            continue


def _works_in(entry: Path, folder: str) -> bool:
    try:
        state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
        named = (entry / "comm").read_text().strip() == "postgres"
        return named and state not in {"Z", "X"} and str((entry / "cwd").readlink()) == folder
    except (OSError, IndexError):
        return False


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _reap(pid: int) -> None:
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return
