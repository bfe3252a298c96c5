"""What processes cost: CPU seconds by process tree, and how busy the rest of the machine is meanwhile.

Read from /proc. Invariant: a tree's figure never falls, because a process that has ended lives on in its parent's.
"""

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

PROC: Final = Path("/proc")
TICKS: Final = os.sysconf("SC_CLK_TCK")
_MOST_LOOKS: Final = 20
_BUSY: Final = (0, 1, 2, 5, 6, 7)
"""Fields of /proc/stat: user, nice, system, irq, softirq, steal."""


@dataclass(frozen=True, slots=True)
class Reading:
    """CPU seconds so far: by name, of the whole machine, and the clock beside them."""

    at: float
    machine: float
    trees: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Spent:
    """What was spent between two readings. `foreign_cores` is the load of everybody who is not measured, in cores."""

    seconds: float
    cpu_seconds: Mapping[str, float]
    foreign_cores: float


@dataclass(frozen=True, slots=True)
class _Process:
    parent: int
    seconds: float


class Meter:
    """Reads named process trees, each given by its root's process id; this process is always one of them."""

    def __init__(self, roots: Mapping[str, int]) -> None:
        self.roots = {**roots, "harness": os.getpid()}

    def read(self) -> Reading:
        """Return what everything has cost up to now; a tree inside another one counts for itself alone."""
        trees = dict.fromkeys(self.roots, 0.0)
        for name, seconds in self._settled().values():
            trees[name] += seconds
        return Reading(time.monotonic(), _machine_seconds(), trees)

    def _settled(self) -> dict[int, tuple[str, float]]:
        """Read until nobody of ours comes or goes: a process that ends between two files would be in neither."""
        before = self._measured()
        for _ in range(_MOST_LOOKS):
            after = self._measured()
            if after.keys() == before.keys():
                return after
            before = after
        return before

    def _measured(self) -> dict[int, tuple[str, float]]:
        processes = _processes()
        owner = {pid: name for name, pid in self.roots.items()}
        named = ((pid, _owner_of(pid, processes, owner), process.seconds) for pid, process in processes.items())
        return {pid: (name, seconds) for pid, name, seconds in named if name is not None}


def between(before: Reading, after: Reading) -> Spent:
    """Return what was spent between two readings of one meter."""
    seconds = after.at - before.at
    cpu = {name: after.trees[name] - before.trees[name] for name in before.trees}
    foreign = (after.machine - before.machine - sum(cpu.values())) / seconds
    return Spent(seconds, cpu, max(0.0, foreign))


def _owner_of(pid: int, processes: Mapping[int, _Process], owner: Mapping[int, str]) -> str | None:
    while pid in processes:
        if pid in owner:
            return owner[pid]
        pid = processes[pid].parent
    return None


def _processes() -> dict[int, _Process]:
    found: dict[int, _Process] = {}
    for folder in PROC.iterdir():
        if not folder.name.isdigit():
            continue
        try:
            text = (folder / "stat").read_text()
        except OSError:
            continue
        # The name in parentheses may hold anything, so fields are counted from its end; the first is the state.
        fields = text[text.rindex(")") + 2 :].split()
        found[int(folder.name)] = _Process(int(fields[1]), sum(map(int, fields[11:15])) / TICKS)
    return found


def _machine_seconds() -> float:
    fields = (PROC / "stat").read_text().splitlines()[0].split()[1:]
    return sum(int(fields[place]) for place in _BUSY) / TICKS
