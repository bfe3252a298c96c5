"""Named places at which a test has the process kill itself, as a power cut would: `FAULT_POINT=reply_before_commit:7`.

What is killed is the process, so the choice is the process's own: made once at its start, by the seventh arrival in this example.
Settings refuse it outside tests. Invariant: where none is chosen, a place costs one comparison and does nothing.
"""

import os
import signal
import sys
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class FaultPoint(StrEnum):
    """The places, each between two things of which a power cut may leave only the first."""

    REPLY_BEFORE_COMMIT = "reply_before_commit"
    """All of a request is written, its reply as well, and nothing is committed."""
    REPLY_AFTER_COMMIT = "reply_after_commit"
    """A request is committed, and nobody was told."""
    PUSH_BEFORE_CALL = "push_before_call"
    """A payment is committed as sending, and M-Pesa was not called."""
    PUSH_AFTER_CALL = "push_after_call"
    """M-Pesa has answered a push, and its answer is not stored."""
    SEAL_BEFORE_COMMIT = "seal_before_commit"
    """Links are added to the audit chain, and not committed."""
    JOB_BEFORE_COMMIT = "job_before_commit"
    """A job's effect and its end are written in one transaction, which is not committed."""
    JOB_BEFORE_END = "job_before_end"
    """A job's effect is committed, and its end is not written."""


KILLED: Final = "FAULT_POINT: killed at"


@dataclass(slots=True)
class _Trap:
    point: FaultPoint | None = None
    arrivals_left: int = 0

    def spring(self) -> None:
        self.arrivals_left -= 1
        if self.arrivals_left <= 0:
            os.write(sys.stderr.fileno(), f"{KILLED} {self.point}\n".encode())
            os.kill(os.getpid(), signal.SIGKILL)


PATTERN: Final = rf"^({'|'.join(FaultPoint)})(:[1-9]\d{{0,5}})?$"
_trap: Final = _Trap()


def choose(setting: str | None) -> None:
    """Have this process kill itself at a place, at its first arrival or the one named after the colon; None: nowhere."""
    name, _, arrival = (setting or "").partition(":")
    _trap.point = FaultPoint(name) if name else None
    _trap.arrivals_left = int(arrival or 1)


def reach(point: FaultPoint) -> None:
    """Arrive at a place."""
    if point is _trap.point:
        _trap.spring()
