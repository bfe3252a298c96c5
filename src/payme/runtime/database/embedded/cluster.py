"""What is written into a data folder: initdb's choices, the configuration, who may connect, and the passwords.

Not here: starting and stopping. Invariant: `pg_hba.conf` knows scram-sha-256 only, and the password file is 0600.
"""

import json
import os
import re
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from payme.runtime.database.embedded.account import Account
from payme.runtime.database.embedded.errors import EmbeddedServerError

SUPERUSER = "postgres"
OWNER = "payme_owner"
HOST = "127.0.0.1"
CONFIGURATION = "payme.conf"

ACCESS = """\
# Written by payme at every start. Passwords always, also on the socket.
local all all scram-sha-256
host all all 127.0.0.1/32 scram-sha-256
host all all ::1/128 scram-sha-256
"""

COMMON = {
    "listen_addresses": HOST,
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "deadlock_timeout": "200ms",
    "password_encryption": "scram-sha-256",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_destination": "stderr",
    "logging_collector": "on",
    "log_directory": "log",
    "log_filename": "postgresql-%a.log",
    "log_truncate_on_rotation": "on",
    "log_rotation_age": "1d",
    "log_lock_waits": "on",
    "jit": "off",
}
DURABLE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}
# For tests: a crash of the machine may lose everything, a crash of the server nothing (so commits stay synchronous).
# Each test worker holds pools of several processes at once, so there are more connections than a shop would have.
NOT_DURABLE = {
    "max_connections": "800",
    "fsync": "off",
    "synchronous_commit": "on",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "1h",
    "io_method": "sync",
}


@dataclass(frozen=True)
class ServerAddress:
    """Where the server listens and the passwords of its two accounts."""

    host: str
    port: int
    socket_dir: Path
    passwords: dict[str, str] = field(repr=False)

    def dsn(self, database: str = "payme", user: str = OWNER, *, unix: bool = False) -> str:
        """Return a connection URL over loopback, or over the unix socket when asked."""
        credentials = f"{quote(user)}:{quote(self.passwords[user])}"
        if unix:
            return f"postgresql://{credentials}@/{quote(database)}?host={quote(str(self.socket_dir))}&port={self.port}"
        return f"postgresql://{credentials}@{self.host}:{self.port}/{quote(database)}"


def initdb_arguments(data_dir: Path, password_file: Path, *, durable: bool) -> list[str]:
    """Return the arguments of initdb: UTF-8 in code-point order, checksums, scram."""
    return [
        f"--pgdata={data_dir}",
        f"--username={SUPERUSER}",
        f"--pwfile={password_file}",
        "--auth=scram-sha-256",
        "--encoding=UTF8",
        # Code-point order as in C, while upper() and lower() still know every letter.
        "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8",
        "--locale=C",
        "--data-checksums",
        "--no-instructions",
        *([] if durable else ["--no-sync"]),
    ]


def write_configuration(data_dir: Path, account: Account, *, port: int, socket_dir: Path, durable: bool) -> None:
    """Write our settings and the access rules; called before every start, so they never drift."""
    settings = {
        "port": str(port),
        "unix_socket_directories": str(socket_dir),
        **COMMON,
        **(DURABLE if durable else NOT_DURABLE),
    }
    lines = "".join(f"{name} = '{value}'\n" for name, value in settings.items())
    _write(data_dir / CONFIGURATION, lines, account=account)
    _write(data_dir / "pg_hba.conf", ACCESS, account=account)
    main = data_dir / "postgresql.conf"
    include = f"include '{CONFIGURATION}'\n"
    if include not in main.read_text():
        with main.open("a") as stream:
            stream.write(f"\n# Settings of payme win over those above.\n{include}")


def last_port(data_dir: Path) -> int | None:
    """Return the port that the server was last started on."""
    try:
        found = re.search(r"^port = '(\d+)'$", (data_dir / CONFIGURATION).read_text(), re.MULTILINE)
    except FileNotFoundError:
        return None
    return int(found[1]) if found else None


def load_passwords(path: Path) -> dict[str, str]:
    """Read the passwords of the two accounts.

    Raises: EmbeddedServerError when the file is missing beside existing data, or readable by others.
    """
    try:
        if path.stat().st_mode & 0o077:
            message = f"{path} can be read by others; set its permissions to 0600 and change the passwords."
            raise EmbeddedServerError(message)
        return json.loads(path.read_text())
    except FileNotFoundError:
        message = f"{path} is missing, and without it nobody can log in to the data beside it; restore it."
        raise EmbeddedServerError(message) from None


def create_passwords(path: Path) -> dict[str, str]:
    """Make random passwords and write them to a file that only we can read."""
    passwords = {user: secrets.token_urlsafe(32) for user in (SUPERUSER, OWNER)}
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as stream:
        stream.write(json.dumps(passwords))
        stream.flush()
        os.fsync(stream.fileno())
    return passwords


def _write(path: Path, text: str, *, account: Account) -> None:
    path.write_text(text)
    path.chmod(0o600)
    account.own(path)
