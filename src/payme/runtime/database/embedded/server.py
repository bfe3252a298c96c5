"""Start, stop and recover one embedded PostgreSQL server on one data folder.

`start` may be called again at any time: on a running server it only returns the address, after a crash it recovers.
Invariant: after `stop` no process works in the data folder; with `tied` the same holds when we ourselves are killed.
"""

import asyncio
import contextlib
import fcntl
import functools
import hashlib
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path

from payme.runtime.database.embedded import cluster, processes
from payme.runtime.database.embedded.account import choose_account, clean_environment
from payme.runtime.database.embedded.binaries import programs_for
from payme.runtime.database.embedded.cluster import OWNER, SUPERUSER, ServerAddress
from payme.runtime.database.embedded.errors import EmbeddedServerError

START_SECONDS = 60
STOP_SECONDS = 30
GRACE_SECONDS = 3
START_TRIES = 3
ADDRESS_TAKEN = "Address already in use"
NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}")
SYSTEM_DATA = Path("/var/lib")
# Ends the server when our end of its standard input closes, which the kernel does whatever kills us.
GUARD = 'read -r _; "$0" -D "$1" -m immediate -w stop; rmdir "$2"'


@dataclass(frozen=True)
class ServerStatus:
    """What is known about the server from outside."""

    running: bool
    data_dir: Path
    pid: int | None = None
    port: int | None = None


class EmbeddedServer:
    """One PostgreSQL server with its data folder; a context manager, sync and async, or call start and stop."""

    def __init__(
        self, data_dir: Path | str, *, port: int | None = None, durable: bool = True, tied: bool = False
    ) -> None:
        """Remember what is wanted and create the folder around the data; nothing else is touched before `start`.

        `port` None takes the last one again when it is free, else any. `durable` False is for tests.
        `tied` ends the server with this process, even when it is killed.
        """
        self.requested_dir = Path(data_dir).resolve()
        self._port = port
        self._durable = durable
        self._tied = tied
        self._account = choose_account(self.requested_dir)
        self._guard: subprocess.Popen[bytes] | None = None
        self.data_dir = self._place_data()

    @property
    def relocation(self) -> str | None:
        """Say in words why the data lies elsewhere than requested; None when it does not."""
        if self.data_dir == self.requested_dir:
            return None
        return (
            f"PostgreSQL runs as account {self._account.uid}, which cannot enter {self.requested_dir.parent}; "
            f"its data lies in {self.data_dir} instead."
        )

    def start(self) -> ServerAddress:
        """Make the server run and return where it listens.

        Raises: EmbeddedServerError with the end of the server's log when it does not come up.
        """
        with self._locked():
            if not self._settle():
                passwords = self._initialise()
                self._launch()
            else:
                passwords = cluster.load_passwords(self._password_file)
            running = processes.serving(self.data_dir)
            if running is None:
                raise EmbeddedServerError(f"PostgreSQL ended right after its start.\n{self._log_tail()}")
            address = ServerAddress(cluster.HOST, running.port, self._socket_dir, passwords)
            self._ensure_owner(address)
            self._tie()
            return address

    def stop(self) -> None:
        """End the server and everything that belongs to it; does nothing when it does not run."""
        with self._locked():
            for mode in ("fast", "immediate"):
                if processes.serving(self.data_dir) is None:
                    break
                pg_ctl = self._programs / "pg_ctl"
                command = [pg_ctl, "-D", self.data_dir, "-m", mode, "-w", "-t", str(STOP_SECONDS), "stop"]
                self._account.run(command, seconds=STOP_SECONDS + 10)
            if not processes.wait_for(lambda: not processes.living(self.data_dir), seconds=GRACE_SECONDS):
                processes.end(processes.living(self.data_dir), signal.SIGKILL)
            processes.clear_remains(self.data_dir)
            shutil.rmtree(self._socket_dir, ignore_errors=True)
            self._release_guard()

    def destroy(self) -> None:
        """End the server and delete its data and passwords for good."""
        self.stop()
        shutil.rmtree(self.data_dir, ignore_errors=True)
        self._password_file.unlink(missing_ok=True)
        self.data_dir.with_name(f"{self.data_dir.name}.lock").unlink(missing_ok=True)
        if self.data_dir != self.requested_dir:
            self.data_dir.parent.rmdir()

    def status(self) -> ServerStatus:
        """Tell whether the server runs, with its pid and port."""
        running = processes.serving(self.data_dir)
        if running is None:
            return ServerStatus(running=False, data_dir=self.data_dir)
        return ServerStatus(running=running.is_ready, data_dir=self.data_dir, pid=running.pid, port=running.port)

    def create_database(self, name: str, template: str | None = None) -> None:
        """Create a database owned by the owner account, as a copy of `template` when one is named.

        Raises: EmbeddedServerError when the name is not a plain identifier, exists already, or the template is in use.
        """
        for identifier in (name, template or "template0"):
            if not NAME.fullmatch(identifier):
                raise EmbeddedServerError(f"{identifier!r} is no database name: lower-case letters, digits and _ only.")
        running = processes.serving(self.data_dir)
        if running is None:
            raise EmbeddedServerError("The server does not run; call start first.")
        passwords = cluster.load_passwords(self._password_file)
        address = ServerAddress(cluster.HOST, running.port, self._socket_dir, passwords)
        copied = f' template "{template}"' if template else ""
        self._sql(address, f'create database "{name}" owner {OWNER}{copied};')

    def __enter__(self) -> ServerAddress:
        """Start the server."""
        return self.start()

    def __exit__(self, *_: object) -> None:
        """Stop the server."""
        self.stop()

    async def __aenter__(self) -> ServerAddress:
        """Start the server without holding up the event loop."""
        return await asyncio.to_thread(self.start)

    async def __aexit__(self, *_: object) -> None:
        """Stop the server without holding up the event loop."""
        await asyncio.to_thread(self.stop)

    @functools.cached_property
    def _programs(self) -> Path:
        return programs_for(self._account)

    @property
    def _password_file(self) -> Path:
        return self.data_dir.with_name(f"{self.data_dir.name}.passwords")

    @property
    def _socket_dir(self) -> Path:
        # A socket's path may have 107 bytes; a data folder may lie deeper than that.
        digest = hashlib.sha256(str(self.data_dir).encode()).hexdigest()[:12]
        return Path("/tmp") / f"payme-{digest}"  # noqa: S108 -- the folder is made 0700 and its owner is checked

    def _place_data(self) -> Path:
        self.requested_dir.parent.mkdir(parents=True, exist_ok=True)
        if self._account.uid is None or self._account.can_enter(self.requested_dir.parent):
            return self.requested_dir
        digest = hashlib.sha256(str(self.requested_dir).encode()).hexdigest()[:12]
        elsewhere = SYSTEM_DATA / f"payme-{digest}" / "postgres"
        elsewhere.parent.mkdir(parents=True, exist_ok=True)
        elsewhere.parent.chmod(0o755)
        self._account = choose_account(elsewhere)
        return elsewhere

    @contextlib.contextmanager
    def _locked(self) -> Generator[None]:
        """Let one process at a time start or stop this server."""
        with self.data_dir.with_name(f"{self.data_dir.name}.lock").open("w") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX)
            yield

    def _settle(self) -> bool:
        """Return True when the server takes connections; when it does not, leave nothing that would block a start."""
        if processes.serving(self.data_dir) is None:
            if self.data_dir.exists():
                processes.clear_remains(self.data_dir)
            return False

        def settled() -> bool:
            running = processes.serving(self.data_dir)
            return running is None or running.is_ready

        if not processes.wait_for(settled, seconds=START_SECONDS):
            raise EmbeddedServerError(f"PostgreSQL has been starting or stopping for too long.\n{self._log_tail()}")
        return processes.serving(self.data_dir) is not None or self._settle()

    def _initialise(self) -> dict[str, str]:
        """Run initdb when there is no data yet; return the passwords."""
        if (self.data_dir / "PG_VERSION").exists():
            return cluster.load_passwords(self._password_file)
        if self.data_dir.exists() and any(self.data_dir.iterdir()):
            raise EmbeddedServerError(f"{self.data_dir} holds something that is not PostgreSQL's; it stays untouched.")
        # initdb works beside the final place and is renamed at the end: a half-made folder never looks like data.
        unfinished = self.data_dir.with_name(f"{self.data_dir.name}.unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        self._account.own(unfinished)
        passwords = cluster.create_passwords(self._password_file)
        with tempfile.NamedTemporaryFile("w", prefix="payme-initdb-") as once:
            once.write(passwords[SUPERUSER] + "\n")
            once.flush()
            self._account.own(Path(once.name))
            arguments = cluster.initdb_arguments(unfinished, Path(once.name), durable=self._durable)
            done = self._account.run([self._programs / "initdb", *arguments], seconds=START_SECONDS)
        if done.returncode != 0:
            raise EmbeddedServerError(f"initdb failed: {done.stderr.strip()}")
        unfinished.rename(self.data_dir)
        return passwords

    def _launch(self) -> None:
        self._make_socket_dir()
        log = self.data_dir / "start.log"
        command = [self._programs / "pg_ctl", "-D", self.data_dir, "-l", log, "-w", "-t", str(START_SECONDS), "start"]
        for port in self._ports():
            log.unlink(missing_ok=True)
            cluster.write_configuration(
                self.data_dir, self._account, port=port, socket_dir=self._socket_dir, durable=self._durable
            )
            if self._account.run(command, seconds=START_SECONDS + 10).returncode == 0:
                return
            processes.clear_remains(self.data_dir)
            if ADDRESS_TAKEN not in self._log_tail():
                break
        raise EmbeddedServerError(f"PostgreSQL did not start.\n{self._log_tail()}")

    def _ports(self) -> Iterator[int]:
        """Yield ports to try: the wanted one; or the last one and then free ones, as another program may be quicker."""
        if self._port is not None:
            yield self._port
            return
        last = cluster.last_port(self.data_dir)
        if last is not None and _bindable(last):
            yield last
        for _ in range(START_TRIES):
            with socket.socket() as probe:
                probe.bind((cluster.HOST, 0))
                port = probe.getsockname()[1]
            yield port

    def _make_socket_dir(self) -> None:
        folder = self._socket_dir
        wanted = os.geteuid() if self._account.uid is None else self._account.uid
        with contextlib.suppress(FileExistsError):
            folder.mkdir(mode=0o700)
            self._account.own(folder)
        facts = folder.lstat()
        if folder.is_symlink() or facts.st_uid not in {wanted, os.geteuid()}:
            raise EmbeddedServerError(f"{folder} belongs to somebody else; remove it and start again.")
        folder.chmod(0o700)
        self._account.own(folder)
        for left in folder.iterdir():  # a socket's lock file names a pid as well, and that may be a zombie's
            left.unlink()

    def _ensure_owner(self, address: ServerAddress) -> None:
        """Create the owner account and the database `payme` when missing; a killed first start is finished here."""
        password = address.passwords[OWNER]
        self._sql(
            address,
            f"select 'create role {OWNER} login createdb createrole password ''{password}'''"  # noqa: S608 -- a value of our own making
            f" where not exists (select from pg_roles where rolname = '{OWNER}') \\gexec\n"
            f"select 'create database payme owner {OWNER}'"
            " where not exists (select from pg_database where datname = 'payme') \\gexec\n"
            # `drop database … with (force)` also has to end a vacuum that works there.
            f"grant pg_signal_backend to {OWNER};\n",
        )

    def _sql(self, address: ServerAddress, script: str) -> None:
        where = ("-h", address.host, "-p", str(address.port), "-U", SUPERUSER, "-d", "postgres")
        done = subprocess.run(
            [str(self._programs / "psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1", *where],
            env={**clean_environment(), "PGPASSWORD": address.passwords[SUPERUSER]},
            input=script,
            capture_output=True,
            text=True,
            timeout=START_SECONDS,
            check=False,
        )
        if done.returncode != 0:
            raise EmbeddedServerError(done.stderr.strip())

    def _tie(self) -> None:
        if not self._tied or (self._guard and self._guard.poll() is None):
            return
        self._guard = subprocess.Popen(
            ["/bin/sh", "-c", GUARD, str(self._programs / "pg_ctl"), str(self.data_dir), str(self._socket_dir)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env=clean_environment(),
            user=self._account.uid,
            group=self._account.gid,
            extra_groups=None if self._account.uid is None else [],
            start_new_session=True,
        )

    def _release_guard(self) -> None:
        if self._guard:
            self._guard.kill()
            self._guard.communicate()
            self._guard = None

    def _log_tail(self) -> str:
        logs = [self.data_dir / "start.log", *sorted((self.data_dir / "log").glob("*.log"))[-1:]]
        ends = [log.read_text(errors="replace").splitlines()[-12:] for log in logs if log.exists()]
        return "\n".join(line for end in ends for line in end)


def _bindable(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((cluster.HOST, port))
        except OSError:
            return False
    return True
