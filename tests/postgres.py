"""One embedded PostgreSQL for a whole test session, a migrated template in it, and a database of its own for each worker.

A plugin (`pytest_plugins = ["tests.postgres"]`). The session's first process starts the server and tells the workers where
it is; a killed session takes its server along. The data folder is kept between sessions, because initdb takes longer than
most tests; two sessions at once take two folders. With PAYME_TEST_DATABASE_URL a server of another version is used instead: the
URL of an existing database as a role with CREATEDB, CREATEROLE and pg_signal_backend, on a server that nobody else tests on.
Fixtures: `owner_dsn` (this worker's database), `make_database`
(a function that makes an extra copy and returns its URL), `open_folder` (for a server of one's own).
"""

import asyncio
import contextlib
import fcntl
import hashlib
import itertools
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

import asyncpg
import pytest

from payme.runtime.database import roles
from payme.runtime.database.embedded import EmbeddedServer
from payme.runtime.database.migrations import Migrator

ROOT = Path(__file__).parent.parent
VERSIONS = ROOT / "migrations" / "versions"
FOLDER = ROOT / ".cache" / "postgres"
WORKER_KEY = "payme_postgres"
GIVEN = "PAYME_TEST_DATABASE_URL"


@dataclass
class SessionServer:
    """The server of this session; made in the first process only, and started when somebody asks."""

    stack: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)
    base_dsn: str | None = None

    def start(self) -> str:
        """Return the owner's URL of the maintenance database, with the migrated template beside it."""
        if self.base_dsn is None and (given := os.environ.get(GIVEN)):
            asyncio.run(_make_template(given, template_name()))
            self.base_dsn = given
        elif self.base_dsn is None:
            place = self.stack.enter_context(_free_place())
            clean = place / "clean"
            if not clean.exists():
                # Without fsync a data folder survives nothing but a clean stop.
                _remove(place)
            clean.unlink(missing_ok=True)
            server = EmbeddedServer(place / "data", durable=False, tied=True)
            self.stack.callback(clean.touch)
            address = self.stack.enter_context(server)
            asyncio.run(_make_template(address.dsn("payme"), template_name()))
            self.base_dsn = address.dsn("payme")
        return self.base_dsn

    def stop(self) -> None:
        """End the server, if it was started."""
        self.stack.close()
        self.base_dsn = None


_session = SessionServer()


def template_name() -> str:
    """Name the template after everything that decides its contents."""
    digest = hashlib.sha256()
    for path in (Path(roles.__file__), *sorted(VERSIONS.glob("*.sql"))):
        digest.update(path.name.encode() + path.read_bytes())
    return f"template_{digest.hexdigest()[:16]}"


def with_database(dsn: str, name: str) -> str:
    """Return the same URL for another database."""
    return urlsplit(dsn)._replace(path=f"/{name}").geturl()


async def copy_database(base_dsn: str, name: str, *, template: str | None = None) -> str:
    """Make a fresh database from the migrated template (or another), dropping one of that name; return its URL."""
    connection = await asyncpg.connect(base_dsn)
    try:
        await connection.execute(f'drop database if exists "{name}" with (force)')
        await connection.execute(f'create database "{name}" template "{template or template_name()}"')
    finally:
        await connection.close()
    return with_database(base_dsn, name)


async def drop_database(base_dsn: str, name: str) -> None:
    """Drop a database together with its connections."""
    connection = await asyncpg.connect(base_dsn)
    try:
        await connection.execute(f'drop database if exists "{name}" with (force)')
    finally:
        await connection.close()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker of pytest-xdist where the server is."""
    node.workerinput[WORKER_KEY] = _session.start()


def pytest_unconfigure() -> None:
    """Stop the server of the session's first process."""
    _session.stop()


@pytest.fixture(scope="session")
def base_dsn(request: pytest.FixtureRequest) -> str:
    """The owner's URL of the maintenance database of the session's server."""
    told: dict[str, Any] = getattr(request.config, "workerinput", {})
    return told.get(WORKER_KEY) or _session.start()


@pytest.fixture(scope="session")
def worker_name(request: pytest.FixtureRequest) -> str:
    """`gw0`, `gw1`, … under pytest-xdist, else `main`."""
    told: dict[str, Any] = getattr(request.config, "workerinput", {})
    return str(told.get("workerid", "main"))


@pytest.fixture(scope="session")
def owner_dsn(base_dsn: str, worker_name: str) -> str:
    """The owner's URL of this worker's own migrated database."""
    return asyncio.run(copy_database(base_dsn, f"test_{worker_name}"))


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A temporary folder that every account can enter; pytest's own are closed, and data in them would be placed elsewhere."""
    made = Path(tempfile.mkdtemp(prefix="payme-test-", dir="/var/tmp"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made)


@pytest.fixture
def make_database(base_dsn: str, worker_name: str) -> Iterator[Callable[..., Any]]:
    """Give a coroutine function that makes a migrated database for one test (`template="template0"`: an empty one)."""
    made: list[str] = []
    numbers = itertools.count()

    async def make(*, template: str | None = None) -> str:
        made.append(f"extra_{worker_name}_{next(numbers)}")
        return await copy_database(base_dsn, made[-1], template=template)

    yield make

    async def drop() -> None:
        for name in made:
            await drop_database(base_dsn, name)

    asyncio.run(drop())


async def _make_template(base_dsn: str, name: str) -> None:
    connection = await asyncpg.connect(base_dsn)
    try:
        if await connection.fetchval("select datistemplate from pg_database where datname = $1", name):
            return
        stale = "select datname from pg_database where datname ~ '^(template_[0-9a-f]{16}|test_|extra_)'"
        for row in await connection.fetch(stale):
            await connection.execute(f'alter database "{row["datname"]}" is_template false')
            await connection.execute(f'drop database "{row["datname"]}" with (force)')
        await connection.execute(f'create database "{name}" template template0')
        if VERSIONS.is_dir():
            await Migrator(with_database(base_dsn, name), VERSIONS, say=lambda _: None).up()
        # Only a finished template is marked: a killed session leaves one without the mark.
        await connection.execute(f'alter database "{name}" is_template true')
    finally:
        await connection.close()


@contextlib.contextmanager
def _free_place() -> Iterator[Path]:
    """Take the first folder that no other session uses, for the length of this one."""
    for number in itertools.count():
        place = FOLDER / str(number)
        place.mkdir(parents=True, exist_ok=True)
        lock = place.with_suffix(".lock").open("w")
        with lock:
            if _try_lock(lock):
                yield place
                return


def _try_lock(stream: IO[str]) -> bool:
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _remove(place: Path) -> None:
    EmbeddedServer(place / "data", durable=False).destroy()
