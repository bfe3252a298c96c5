"""The embedded server on real parts: it starts, survives kill -9, asks for passwords and leaves nothing behind."""

import asyncio
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from payme.runtime.database.embedded import EmbeddedServer, EmbeddedServerError, ServerAddress, processes
from payme.runtime.database.embedded.account import Account
from payme.runtime.database.embedded.binaries import installed_root, programs_for

pytestmark = pytest.mark.timeout(120)
AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="stepping down needs root")


def make_open_folder() -> Path:
    made = Path(tempfile.mkdtemp(prefix="payme-test-", dir="/var/tmp"))
    made.chmod(0o755)
    return made


@pytest.fixture
def place(open_folder: Path) -> Path:
    return open_folder


@pytest.fixture(scope="module")
def pristine() -> Iterator[Path]:
    """A stopped data folder with its passwords, made once: initdb takes longer than all the rest."""
    made = make_open_folder()
    EmbeddedServer(made / "postgres", durable=False).start()
    EmbeddedServer(made / "postgres", durable=False).stop()
    yield made
    shutil.rmtree(made)


@pytest.fixture
def folder(place: Path, pristine: Path) -> Path:
    """A copy of the pristine data, with the owners as they are."""
    subprocess.run(["cp", "-a", f"{pristine}/.", place], check=True)
    (place / "postgres" / "payme.conf").unlink()
    return place / "postgres"


@pytest.fixture
def server(folder: Path) -> Iterator[EmbeddedServer]:
    made = EmbeddedServer(folder, durable=False, tied=True)
    yield made
    made.stop()


@pytest.fixture
def address(server: EmbeddedServer) -> ServerAddress:
    return server.start()


@pytest.fixture(scope="module")
def shared() -> Iterator[EmbeddedServer]:
    """A running server for tests that only look."""
    made = make_open_folder()
    running = EmbeddedServer(made / "postgres", durable=False, tied=True)
    running.start()
    yield running
    running.stop()
    shutil.rmtree(made)


@pytest.fixture(scope="module")
def shared_address(shared: EmbeddedServer) -> ServerAddress:
    return shared.start()


async def ask(dsn: str, sql: str) -> str:
    connection = await asyncpg.connect(dsn)
    try:
        return str(await connection.fetchval(sql))
    finally:
        await connection.close()


def kill_postmaster(server: EmbeddedServer) -> None:
    pid = server.status().pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)


def test_a_fresh_start_serves_over_loopback_and_socket(shared_address: ServerAddress) -> None:
    for unix in (False, True):
        assert (
            asyncio.run(ask(shared_address.dsn(unix=unix), "select current_user || '@' || current_database()"))
            == "payme_owner@payme"
        )


def test_its_configuration_is_ours(shared_address: ServerAddress) -> None:
    async def read() -> dict[str, str]:
        connection = await asyncpg.connect(shared_address.dsn())
        rows = await connection.fetch("select name, setting from pg_settings")
        await connection.close()
        return {row["name"]: row["setting"] for row in rows}

    settings = asyncio.run(read())
    wanted = {
        "data_checksums": "on",
        "password_encryption": "scram-sha-256",
        "server_encoding": "UTF8",
        "max_connections": "800",
        "deadlock_timeout": "200",
        "listen_addresses": "127.0.0.1",
        "TimeZone": "UTC",
        "fsync": "off",
    }
    assert {name: settings[name] for name in wanted} == wanted
    assert settings["server_version"].split(".")[0] == "18"


def test_text_sorts_by_code_point_and_knows_letters_beyond_ascii(shared_address: ServerAddress) -> None:
    sql = "select string_agg(name, ',' order by name) || lower('É') from (values ('b'), ('B'), ('a')) t(name)"
    assert asyncio.run(ask(shared_address.dsn(), sql)) == "B,a,bé"


def test_the_owner_is_no_superuser_and_may_make_roles_and_databases(shared_address: ServerAddress) -> None:
    sql = "select rolsuper::text || rolbypassrls || rolcreaterole || rolcreatedb from pg_roles where rolname = current_user"
    assert asyncio.run(ask(shared_address.dsn(), sql)) == "falsefalsetruetrue"


@pytest.mark.parametrize("unix", [False, True])
@pytest.mark.parametrize("user", ["payme_owner", "postgres"])
def test_no_password_is_no_entry(shared_address: ServerAddress, user: str, *, unix: bool) -> None:
    right = shared_address.passwords[user]
    for wrong in ("", "guess"):
        dsn = shared_address.dsn("postgres", user, unix=unix).replace(right, wrong)
        with pytest.raises((asyncpg.InvalidPasswordError, asyncpg.InvalidAuthorizationSpecificationError)):
            asyncio.run(ask(dsn, "select 1"))


def test_the_password_file_is_ours_alone_and_the_address_does_not_show_it(
    server: EmbeddedServer, address: ServerAddress
) -> None:
    kept = server.data_dir.with_name("postgres.passwords")
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert kept.stat().st_uid == os.geteuid()
    assert not any(password in repr(address) for password in address.passwords.values())
    kept.chmod(0o644)
    with pytest.raises(EmbeddedServerError, match="read by others"):
        server.start()
    kept.chmod(0o600)


def test_a_second_start_finds_the_running_server_at_once(
    server: EmbeddedServer, folder: Path, address: ServerAddress
) -> None:
    before = server.status().pid
    began = time.monotonic()
    assert server.start() == address
    assert EmbeddedServer(folder, durable=False).start() == address
    assert time.monotonic() - began < 5
    assert server.status().pid == before


def test_kill_9_loses_no_committed_row_and_the_port_stays(server: EmbeddedServer, address: ServerAddress) -> None:
    asyncio.run(ask(address.dsn(), "create table sale (id int)"))
    asyncio.run(ask(address.dsn(), "insert into sale select generate_series(1, 1000)"))
    kill_postmaster(server)
    assert server.start().port == address.port
    assert asyncio.run(ask(address.dsn(), "select count(*) from sale")) == "1000"


def test_kill_9_with_a_busy_backend_recovers(server: EmbeddedServer, address: ServerAddress) -> None:
    async def scenario() -> str:
        busy = await asyncpg.connect(address.dsn())
        # A loop without a wait in it never notices that its postmaster is gone.
        loop = asyncio.ensure_future(busy.execute("do $$ begin loop null; end loop; end $$"))
        while (
            await ask(
                address.dsn(), "select count(*) from pg_stat_activity where query like 'do %' and state = 'active'"
            )
            == "0"
        ):
            await asyncio.sleep(0.01)
        kill_postmaster(server)
        await asyncio.to_thread(server.start)
        with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
            await loop
        return await ask(address.dsn(), "select 1")

    assert asyncio.run(scenario()) == "1"


def test_a_stale_note_with_a_strangers_pid_does_not_block(server: EmbeddedServer, address: ServerAddress) -> None:
    note = (server.data_dir / "postmaster.pid").read_text()
    server.stop()
    stranger = subprocess.Popen(["/bin/cat"], stdin=subprocess.PIPE, user=server.data_dir.stat().st_uid, cwd="/")
    with stranger:
        (server.data_dir / "postmaster.pid").write_text(
            note.replace(note.split("\n", maxsplit=1)[0], str(stranger.pid), 1)
        )
        assert server.start().port == address.port
        assert stranger.poll() is None
        stranger.kill()


def test_a_zombie_postmaster_does_not_block(server: EmbeddedServer, address: ServerAddress) -> None:
    server.stop()
    account = Account(*((s := server.data_dir.stat()).st_uid, s.st_gid) if os.geteuid() == 0 else (None, None))
    program = programs_for(account) / "postgres"
    server._make_socket_dir()
    child = subprocess.Popen(
        [program, "-D", server.data_dir], user=account.uid, group=account.gid, cwd="/", env={"LC_ALL": "C"}
    )
    assert processes.wait_for(lambda: server.status().running, seconds=20)
    os.kill(child.pid, signal.SIGKILL)
    assert server.start().port == address.port
    child.wait()


def test_stop_leaves_no_process_and_may_be_repeated(server: EmbeddedServer, address: ServerAddress) -> None:
    assert processes.living(server.data_dir)
    server.stop()
    assert processes.living(server.data_dir) == []
    assert not address.socket_dir.exists()
    server.stop()
    assert not server.status().running


def test_a_tied_server_ends_with_its_killed_starter(folder: Path) -> None:
    script = (
        "import os, sys; from payme.runtime.database.embedded import EmbeddedServer;"
        "server = EmbeddedServer(sys.argv[1], durable=False, tied=True); server.start(); os.kill(os.getpid(), 9)"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    assert (
        subprocess.run([sys.executable, "-c", script, folder], env=environment, check=False).returncode
        == -signal.SIGKILL
    )
    server = EmbeddedServer(folder, durable=False)
    assert processes.wait_for(lambda: not processes.living(server.data_dir), seconds=20)
    assert processes.wait_for(lambda: not server._socket_dir.exists(), seconds=20)


def test_it_is_a_context_manager_both_ways(server: EmbeddedServer) -> None:
    with server as address:
        assert asyncio.run(ask(address.dsn(), "select 1")) == "1"
    assert not server.status().running

    async def scenario() -> str:
        async with server as address:
            return await ask(address.dsn(), "select 2")

    assert asyncio.run(scenario()) == "2"
    assert not server.status().running


def test_databases_are_copied_from_a_template(shared: EmbeddedServer, shared_address: ServerAddress) -> None:
    shared.create_database("pattern")
    asyncio.run(ask(shared_address.dsn("pattern"), "create table marked (id int)"))
    shared.create_database("copied", template="pattern")
    assert asyncio.run(ask(shared_address.dsn("copied"), "select count(*) from marked")) == "0"
    with pytest.raises(EmbeddedServerError, match="exists"):
        shared.create_database("copied")
    with pytest.raises(EmbeddedServerError, match="no database name"):
        shared.create_database('x"; drop database payme; --')


def test_destroying_leaves_nothing(server: EmbeddedServer, address: ServerAddress, place: Path) -> None:
    server.destroy()
    assert list(place.iterdir()) == []
    assert not address.socket_dir.exists()


def test_a_taken_port_is_said_in_words(server: EmbeddedServer, address: ServerAddress, place: Path) -> None:
    other = EmbeddedServer(place / "other", port=address.port, durable=False)
    with pytest.raises(EmbeddedServerError, match="Address already in use"):
        other.start()
    assert processes.living(other.data_dir) == []


def test_a_foreign_folder_stays_untouched(place: Path) -> None:
    folder = place / "postgres"
    folder.mkdir()
    (folder / "letter.txt").write_text("mine")
    server = EmbeddedServer(folder)
    with pytest.raises(EmbeddedServerError, match="stays untouched"):
        server.start()
    assert [path.name for path in folder.iterdir()] == ["letter.txt"]


@AS_ROOT
def test_root_steps_down_and_changes_no_permission(place: Path) -> None:
    server = EmbeddedServer(place / "postgres", durable=False, tied=True)
    watched = [place, *place.parents, installed_root(), *installed_root().parents]
    before = {path: (path.stat().st_mode, path.stat().st_uid) for path in watched}
    with server:
        pid = server.status().pid
        assert pid is not None
        assert pwd.getpwuid(Path(f"/proc/{pid}").stat().st_uid).pw_name in {"postgres", "nobody"}
        assert server.relocation is None
        assert {path: (path.stat().st_mode, path.stat().st_uid) for path in watched} == before
        assert stat.S_IMODE(server.data_dir.stat().st_mode) == 0o700


@AS_ROOT
def test_data_goes_elsewhere_when_its_place_is_closed(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    server = EmbeddedServer(closed / "postgres", durable=False, tied=True)
    try:
        assert server.relocation is not None
        assert str(server.data_dir) in server.relocation
        assert asyncio.run(ask(server.start().dsn(), "select 1")) == "1"
        assert stat.S_IMODE(closed.stat().st_mode) == 0o700
        assert EmbeddedServer(closed / "postgres").data_dir == server.data_dir
    finally:
        server.destroy()
    assert not server.data_dir.parent.exists()
    assert closed.exists()


@AS_ROOT
def test_programs_are_copied_when_the_account_cannot_read_them(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nobody = Account(uid=65534, gid=65534)
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    (closed / "site").symlink_to(installed_root())
    monkeypatch.setattr("payme.runtime.database.embedded.binaries.installed_root", lambda: closed / "site")
    programs = programs_for(nobody, cache=place / "cache")
    assert programs.is_relative_to(place)
    assert nobody.run([programs / "initdb", "--version"]).returncode == 0
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700
    next((place / "cache").iterdir()).chmod(0o777)
    with pytest.raises(EmbeddedServerError, match="written by others"):
        programs_for(nobody, cache=place / "cache")
