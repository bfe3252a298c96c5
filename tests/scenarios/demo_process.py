"""The demo as a person starts it, in a folder and on ports of its own, with few days of trade; ended by its own command.

Invariant: what runs afterwards is nobody's but ours to find: `alive` names the processes of this folder that are still there.
"""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Self

from tests.api_process import runs

ROOT = Path(__file__).parents[2]
DAYS = 2
SECONDS = 150


class DemoProcess:
    """One demo; a context manager that starts it with `--no-wait` and stops it with `--stop`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.pids: dict[str, int] = {}

    @property
    def demo_file(self) -> Path:
        return self.folder / "demo.json"

    def __enter__(self) -> Self:
        port, sim_port = _free_ports()
        self.printed = self.run("--no-wait", "--port", str(port), "--sim-port", str(sim_port), "--days", str(DAYS))
        rows = json.loads((self.folder / "processes.json").read_text())
        self.pids = {row["name"]: row["pid"] for row in rows}
        postmaster = next(self.folder.glob("postgres/postmaster.pid"), None)
        if postmaster is not None:
            self.pids["postgres"] = int(postmaster.read_text().split()[0])
        return self

    def __exit__(self, *_: object) -> None:
        self.run("--stop")

    def run(self, *arguments: str) -> str:
        """Run the demo's command and return what it printed; fail with it when the command fails."""
        path = os.pathsep.join(str(each) for each in (ROOT / "src", ROOT / "simulator"))
        done = subprocess.run(
            [sys.executable, "-m", "payme.entrypoints.demo", "--folder", str(self.folder), *arguments],
            env={**os.environ, "PYTHONPATH": path, "COLUMNS": "200"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def alive(self) -> list[str]:
        """Name the processes of this demo that still run."""
        return [name for name, pid in self.pids.items() if runs(pid)]


def _free_ports() -> tuple[int, int]:
    with socket.socket() as one, socket.socket() as other:
        one.bind(("127.0.0.1", 0))
        other.bind(("127.0.0.1", 0))
        return one.getsockname()[1], other.getsockname()[1]
