"""Two network namespaces of our own with a cable between them that loses, doubles or throttles packets; nothing else is touched.

    proxy in the test → Unix socket → relay in namespace a ═ veth ═ relay in namespace b → Unix socket → proxy in the test

A Unix socket's path leads from one namespace into the other, so that no process under test has to move into one.
"""

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.stack import until

TOOLS: Final = ("ip", "nft", "tc")
LOSS_PERCENT, DOUBLED_PERCENT, RATE = 30, 20, "256kbit"
_NET: Final = "10.213.77"
_PROXY: Final = str(Path(__file__).with_name("proxy.py"))


def why_not() -> str | None:
    """Say why there can be no such line here; None where there can."""
    missing = [each for each in TOOLS if shutil.which(each, path=_path()) is None]
    if missing:
        return f"{', '.join(missing)} not installed"
    if os.geteuid() != 0:
        return "network namespaces need root"
    name = f"payme-{os.getpid()}-try"
    done = subprocess.run(["ip", "netns", "add", name], capture_output=True, text=True, check=False, env=_environment())
    if done.returncode != 0:
        return f"no network namespace can be made: {done.stderr.strip()}"
    _run("ip", "netns", "del", name)
    return None


@dataclass
class BadLine:
    """The line; `entry` and `exit` are its Unix sockets, by number."""

    a: str
    b: str
    folder: Path

    def entry(self, number: int) -> str:
        """Return where the line begins."""
        return str(self.folder / f"in-{number}.sock")

    def exit(self, number: int) -> str:
        """Return where somebody must listen for what comes out."""
        return str(self.folder / f"out-{number}.sock")

    def lose(self) -> None:
        """Drop some packets in both directions."""
        self._rule(f"ip protocol tcp numgen random mod 100 < {LOSS_PERCENT} drop")

    def double(self) -> None:
        """Send some packets twice."""
        for name, here, there in ((self.a, "va", 2), (self.b, "vb", 1)):
            _nft(
                name, f'ip protocol tcp numgen random mod 100 < {DOUBLED_PERCENT} dup to {_NET}.{there} device "{here}"'
            )

    def narrow(self) -> None:
        """Let no more than a slow phone's share through."""
        for name, device in ((self.a, "va"), (self.b, "vb")):
            _inside(
                name,
                "tc",
                "qdisc",
                "add",
                "dev",
                device,
                "root",
                "tbf",
                "rate",
                RATE,
                "burst",
                "4kb",
                "latency",
                "400ms",
            )

    def heal(self) -> None:
        """Be a good line again."""
        for name, device in ((self.a, "va"), (self.b, "vb")):
            _inside(name, "nft", "flush", "ruleset")
            _try("ip", "netns", "exec", name, "tc", "qdisc", "del", "dev", device, "root")

    def packets(self) -> int:
        """Count the packets that met a rule."""
        listed = _inside(self.a, "nft", "list", "ruleset").split()
        return sum(int(listed[place + 1]) for place, word in enumerate(listed) if word == "packets")

    def _rule(self, rule: str) -> None:
        for name in (self.a, self.b):
            _nft(name, rule)


@asynccontextmanager
async def bad_line(folder: Path, *, lines: int) -> AsyncGenerator[BadLine]:
    """Lay a line with so many strands; whoever enters the block listens at every exit before using an entry."""
    line = BadLine(f"payme-{os.getpid()}-a", f"payme-{os.getpid()}-b", folder)
    relays: list[subprocess.Popen[bytes]] = []
    try:
        for name in (line.a, line.b):
            _run("ip", "netns", "add", name)
        _run("ip", "-n", line.a, "link", "add", "va", "type", "veth", "peer", "name", "vb", "netns", line.b)
        for name, device, number in ((line.a, "va", 1), (line.b, "vb", 2)):
            _run("ip", "-n", name, "addr", "add", f"{_NET}.{number}/24", "dev", device)
            _run("ip", "-n", name, "link", "set", device, "up")
        into = [part for each in range(lines) for part in (line.entry(each), f"{_NET}.2:{5000 + each}")]
        out_of = [part for each in range(lines) for part in (f"{_NET}.2:{5000 + each}", line.exit(each))]
        for name, pairs in ((line.b, out_of), (line.a, into)):
            command = ["ip", "netns", "exec", name, sys.executable, _PROXY, *pairs]
            relays.append(_start(*command))
        await until(lambda: asyncio.to_thread(lambda: all(Path(line.entry(each)).exists() for each in range(lines))))
        yield line
    finally:
        for each in relays:
            each.kill()
            each.wait()
        for name in (line.a, line.b):
            _try("ip", "netns", "del", name)


def _start(*command: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, env=_environment())


def _try(*command: str) -> None:
    subprocess.run(command, capture_output=True, check=False, env=_environment())


def _nft(name: str, rule: str) -> None:
    counted = rule.replace(" drop", " counter drop").replace(" dup ", " counter dup ")
    table = f"table ip payme {{\n chain out {{\n type filter hook output priority 0;\n {counted}\n }}\n}}\n"
    command = ["ip", "netns", "exec", name, "nft", "-f", "-"]
    subprocess.run(command, input=table, text=True, capture_output=True, check=True, env=_environment())


def _inside(name: str, *command: str) -> str:
    return _run("ip", "netns", "exec", name, *command)


def _run(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True, env=_environment()).stdout


def _path() -> str:
    return f"{os.environ['PATH']}:/usr/sbin:/sbin"


def _environment() -> dict[str, str]:
    return {**os.environ, "PATH": _path()}
