"""The API process as it is deployed, on any database; it can be killed as a power cut would kill it, and started again.

What is started here is ended here, by its own process group.
"""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Self

import httpx2

from payme.runtime.fault_points import KILLED
from tests.operators import certificate

ROOT = Path(__file__).parent.parent
READY_SECONDS = 60.0
GENEROUS = {
    "APP_ENV": "test",
    "LOG_LEVEL": "warning",
    "PASSWORD_MEMORY_KIB": "19456",
    "PASSWORD_ITERATIONS": "2",
    "RATE_LIMIT_PRINCIPAL": "1000000/minute",
    "RATE_LIMIT_ANONYMOUS": "1000000/minute",
    "MPESA_CERTIFICATE": certificate().decode(),
}


class ApiProcess:
    """One API on a port that stays its own over restarts; a context manager. `root` has the sources of another release."""

    def __init__(self, dsn: str, log: Path, *, respawned: bool = False, root: Path = ROOT, **settings: str) -> None:
        self._port = free_port()
        self._root = root
        self._log = log
        self._program = ["tests/respawned.py", "api"] if respawned else ["-m", "payme.entrypoints.api"]
        self._environment = {**GENEROUS, "DATABASE_URL": dsn, "PORT": str(self._port), **settings}
        self._process: subprocess.Popen[bytes] | None = None
        self.base_url = f"http://127.0.0.1:{self._port}"

    def serve(self, dsn: str) -> None:
        """Serve another database from the next start on, at the same address."""
        self._environment["DATABASE_URL"] = dsn

    def start(self) -> None:
        """Start the process and return at once."""
        path = os.pathsep.join(str(self._root / each) for each in ("src", "simulator", "."))
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, *self._program],
                cwd=self._root,
                env={**os.environ, **self._environment, "PYTHONPATH": path},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def wait_until_ready(self) -> None:
        """Return when it takes traffic; fail with the end of its log when it does not."""
        deadline = time.monotonic() + READY_SECONDS
        with httpx2.Client(base_url=self.base_url, trust_env=False, timeout=5) as client:
            while time.monotonic() < deadline and self.is_alive:
                try:
                    if client.get("/readyz").status_code == 200:
                        return
                except httpx2.TransportError:
                    time.sleep(0.05)
        raise AssertionError(f"the API did not come up:\n{self.log_tail()}")

    @property
    def is_alive(self) -> bool:
        """Tell whether the process still runs."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """The main process."""
        assert self._process is not None, "the API runs"
        return self._process.pid

    def workers(self) -> list[int]:
        """List the processes that the main process has started."""
        found = subprocess.run(
            ["ps", "-o", "pid=", "--ppid", str(self.pid)], capture_output=True, text=True, check=False
        )
        return [int(each) for each in found.stdout.split()]

    def wait(self) -> None:
        """Return when the main process has ended."""
        assert self._process is not None, "the API ran"
        self._process.wait(timeout=READY_SECONDS)

    def kill(self) -> None:
        """Kill it with everything it started."""
        assert self._process is not None, "the API runs"
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def stop(self) -> None:
        """End it in order, or by force where it does not listen."""
        if self._process is None or self._process.poll() is not None:
            return
        self._process.terminate()
        try:
            self._process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.kill()

    def log_tail(self, lines: int = 25) -> str:
        """Return the end of its log."""
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-lines:])

    def kills_at(self, point: str) -> int:
        """Count how often it has killed itself at a named point."""
        return self._log.read_text(errors="replace").count(f"{KILLED} {point}")

    def __enter__(self) -> Self:
        self.start()
        try:
            self.wait_until_ready()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def free_port() -> int:
    """Return a port of the loopback that nobody has at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def runs(pid: int) -> bool:
    """Tell whether a process is there and not merely waiting to be collected."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in {"Z", "X"}
    except OSError:
        return False
