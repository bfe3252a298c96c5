"""The API or the worker in a child of a warm parent, started again whenever it is killed: `python tests/respawned.py api|worker`.

A fork spares what importing takes, so that a process can be killed dozens of times in a minute. The file that RESPAWN_SETTINGS
names, when it is there, has the settings of the next child as `NAME=value` lines. SIGTERM ends both in order.
"""

import os
import signal
import sys
from pathlib import Path
from types import FrameType

from payme.entrypoints import api
from tests import stack_worker

SERVES = {"api": api.main, "worker": stack_worker.main}


def keep_alive(name: str) -> None:
    """Run the process until told to stop."""
    child, stopping = 0, False

    def stop(_number: int, _frame: FrameType | None) -> None:
        nonlocal stopping
        stopping = True
        if child:
            os.kill(child, signal.SIGTERM)

    signal.signal(signal.SIGTERM, stop)
    api.all_features()  # imports what a child would import
    while not stopping:
        child = os.fork()
        if child == 0:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            os.environ.update(told())
            SERVES[name]()
            os._exit(0)
        os.waitpid(child, 0)


def told() -> dict[str, str]:
    """Read the settings that a test has left for the next child."""
    place = Path(os.environ.get("RESPAWN_SETTINGS", "/nowhere"))
    lines = place.read_text().splitlines() if place.exists() else []
    return dict(line.split("=", 1) for line in lines)


if __name__ == "__main__":
    keep_alive(sys.argv[1])
