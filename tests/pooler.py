"""A real PgBouncer in transaction mode in front of a database, with one connection behind it that all clients share.

Not a plugin; a test module enters `pooled(dsn)`. Skipped with its reason where no pgbouncer is installed; what is started here
is ended here, by its own process id.
"""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.api_process import free_port

START_SECONDS = 20
SETTINGS = """
[databases]
* = host={host} port={port} user={user} password={password}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {listen}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 1
server_reset_query =
logfile = {log}
{account}
"""


@contextmanager
def pooled(dsn: str) -> Iterator[str]:
    """Yield the URL of the same database through a pooler whose clients take turns on one connection."""
    program = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if program is None:
        pytest.skip("pgbouncer is not installed here")
    behind = urlsplit(dsn)
    folder = Path(tempfile.mkdtemp(prefix="payme-test-", dir="/var/tmp"))
    folder.chmod(0o777)  # PgBouncer refuses to run as root and takes another account, which writes its log here
    listen = free_port()
    account = "user = nobody" if os.geteuid() == 0 else ""
    text = SETTINGS.format(
        host=behind.hostname, port=behind.port, user=behind.username, password=behind.password, listen=listen,
        log=folder / "pgbouncer.log", account=account,
    )  # fmt: skip
    (folder / "pgbouncer.ini").write_text(text, encoding="utf-8")
    with (folder / "started.log").open("wb") as log:
        process = subprocess.Popen(
            [program, str(folder / "pgbouncer.ini")], stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
    try:
        _wait_until_it_listens(listen, process, folder)
        yield behind._replace(netloc=f"{behind.username}:x@127.0.0.1:{listen}").geturl()
    finally:
        process.terminate()
        process.wait(10)
        shutil.rmtree(folder, ignore_errors=True)


def _wait_until_it_listens(port: int, process: "subprocess.Popen[bytes]", folder: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    said = "".join(each.read_text(encoding="utf-8", errors="replace") for each in folder.glob("*.log"))
    raise AssertionError(f"pgbouncer does not listen:\n{said}")
