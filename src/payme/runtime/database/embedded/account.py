"""Which operating-system account runs PostgreSQL, and how a program is run as it.

PostgreSQL refuses to run as root, so root steps down to an account that exists already; anybody else stays himself.
Invariant: a program started here sees no `PG*` variable of the caller, so nothing outside decides what it connects to.
"""

import os
import pwd
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

NOBODY_UID = 65534
PREFERRED_ACCOUNTS = ("postgres", "nobody")


@dataclass(frozen=True)
class Account:
    """An unprivileged account; `uid` None means the account that we already are."""

    uid: int | None = None
    gid: int | None = None

    def own(self, path: Path) -> None:
        """Give one path to this account; its parents stay as they are."""
        if self.uid is not None and self.gid is not None:
            os.chown(path, self.uid, self.gid)

    def run(self, command: Sequence[str | Path], *, seconds: float = 60) -> subprocess.CompletedProcess[str]:
        """Run a program as this account and return its exit code with what it said; never raises for the exit code."""
        return subprocess.run(
            [str(part) for part in command],
            user=self.uid,
            group=self.gid,
            extra_groups=None if self.uid is None else [],
            cwd="/",
            env=clean_environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )

    def can_enter(self, folder: Path) -> bool:
        """Tell whether this account may walk into a folder; asked of the kernel, because mode bits are not all of it."""
        return self.run(["/bin/sh", "-c", 'cd -- "$1"', "sh", folder]).returncode == 0


def clean_environment() -> dict[str, str]:
    """Return our environment without `PG*` and loader variables and with a fixed locale."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LD_", "LC_", "LANG"))}
    return {**kept, "LC_ALL": "C", "TZ": "UTC"}


def choose_account(data_dir: Path) -> Account:
    """Return who shall run the server: the owner of existing data, else an unprivileged account when we are root."""
    if os.geteuid() != 0:
        return Account()
    if data_dir.exists() and data_dir.stat().st_uid != 0:
        owner = data_dir.stat()
        return Account(uid=owner.st_uid, gid=owner.st_gid)
    for name in PREFERRED_ACCOUNTS:
        try:
            found = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(uid=found.pw_uid, gid=found.pw_gid)
    return Account(uid=NOBODY_UID, gid=NOBODY_UID)
