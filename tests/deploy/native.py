"""Runs a deployment's own commands as processes of this machine: with its settings, on ports of our own, ended with the test.

`payme` becomes the installed command's entry point, `python` this interpreter, PostgreSQL and Valkey the servers that the locks
bring along. What is started here is ended here, by its own id.
"""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from payme.runtime.database.embedded.account import Account
from payme.runtime.database.embedded.binaries import programs_for

ROOT = Path(__file__).resolve().parents[2]
READY_SECONDS = 60.0
END_SECONDS = 40.0
BESIDE = Path(sys.executable).parent
PROGRAMS = {
    "payme": [sys.executable, "-m", "tests.deploy.payme_command"],
    "python": [sys.executable],
    "valkey-server": [str(BESIDE / "redis-server")],
    "valkey-cli": [str(BESIDE / "redis-cli")],
}
POSTGRES = {"postgres", "pg_isready"}
MYSELF = Account()


def free_port() -> int:
    """Return a port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def command_of(words: Sequence[str], account: Account = MYSELF) -> list[str]:
    """Return a deployment's command as this machine can run it; PostgreSQL's programs lie where the account can reach them."""
    if words[0] in POSTGRES:
        return [str(programs_for(account) / words[0]), *words[1:]]
    return [*PROGRAMS[words[0]], *words[1:]]


def environment_of(settings: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of a process: the settings, and where the sources are; nothing else is inherited."""
    paths = os.pathsep.join(str(ROOT / part) for part in ("src", "simulator", "."))
    return {"PATH": os.environ["PATH"], "PYTHONPATH": paths, "PYTHONUNBUFFERED": "1", **settings}


def run(words: Sequence[str], settings: Mapping[str, str], *, seconds: float = READY_SECONDS) -> str:
    """Run a command to its end and return what it printed; it must succeed."""
    done = subprocess.run(
        command_of(words),
        cwd="/",
        env=environment_of(settings),
        text=True,
        capture_output=True,
        timeout=seconds,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@contextlib.contextmanager
def started(
    words: Sequence[str],
    settings: Mapping[str, str],
    log: Path,
    *,
    account: Account = MYSELF,
    stop_signal: signal.Signals = signal.SIGTERM,
) -> Iterator[subprocess.Popen[bytes]]:
    """Start a command, and end it by its signal, after which it has to go by itself with exit code 0."""
    with log.open("wb") as stream:
        process = subprocess.Popen(
            command_of(words, account),
            cwd="/",
            env=environment_of(settings),
            user=account.uid,
            group=account.gid,
            extra_groups=None if account.uid is None else [],
            stdout=stream,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield process
        process.send_signal(stop_signal)
        assert process.wait(END_SECONDS) == 0, log.read_text()
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def until_healthy(check: Sequence[str], process: subprocess.Popen[bytes], log: Path) -> None:
    """Run a container's health check until it succeeds, as the engine would."""
    deadline = time.monotonic() + READY_SECONDS
    while True:
        done = subprocess.run(
            command_of(check), cwd="/", env=environment_of({}), text=True, capture_output=True, timeout=30, check=False
        )
        if done.returncode == 0:
            return
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, done.stderr + log.read_text()
        time.sleep(0.2)
