"""A dump as a stream out of a server, and an archive as a stream into one. Everything here blocks; callers run it in a thread."""

import contextlib
import subprocess
import tempfile
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import IO, Final
from urllib.parse import unquote, urlsplit

from payme.runtime.database.dumps.errors import DumpError
from payme.runtime.database.dumps.programs import Tools
from payme.runtime.database.embedded.account import clean_environment

_CHUNK: Final = 1 << 16
_END_SECONDS: Final = 3600
_LOCK_MILLISECONDS: Final = 60_000
_LONGEST: Final = 600
_DUMP: Final = ("--format=custom", "--no-password", f"--lock-wait-timeout={_LOCK_MILLISECONDS}")
_RESTORE: Final = ("--no-owner", "--no-password", "--exit-on-error", "--single-transaction")


@dataclass(slots=True)
class _Out:
    """What a program prints; its end is an error unless the program ended well."""

    process: subprocess.Popen[bytes]
    errors: IO[bytes]

    def read(self, size: int = -1, /) -> bytes:
        assert self.process.stdout is not None, "the program prints into a pipe"
        data = self.process.stdout.read(_CHUNK if size < 0 else size)
        if not data and self.process.wait(_END_SECONDS):
            raise DumpError(f"pg_dump failed: {_said(self.errors)}")
        return data


@dataclass(slots=True)
class _In:
    """What a program reads; `deaf` where it may stop listening before the end."""

    process: subprocess.Popen[bytes]
    errors: IO[bytes]
    deaf: bool = False

    def write(self, data: bytes, /) -> int:
        assert self.process.stdin is not None, "the program reads from a pipe"
        try:
            self.process.stdin.write(data)
        except BrokenPipeError:
            if not self.deaf:
                self.process.wait(_END_SECONDS)
                raise DumpError(f"pg_restore failed: {_said(self.errors)}") from None
        return len(data)

    def finish(self) -> None:
        assert self.process.stdin is not None, "the program reads from a pipe"
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        if self.process.wait(_END_SECONDS):
            raise DumpError(f"pg_restore failed: {_said(self.errors)}")


@contextlib.contextmanager
def dumping(url: str, tools: Tools, *, snapshot: str, role: str | None) -> Generator[_Out]:
    """Give an archive of the database as of a snapshot, read in a role that policies show everything. Raises: DumpError."""
    arguments = [*_DUMP, f"--snapshot={snapshot}"]
    if role is not None:
        arguments += [f"--role={role}", "--enable-row-security"]
    with _running([tools.program("pg_dump"), *arguments], url, out=True) as (process, errors):
        yield _Out(process, errors)


@contextlib.contextmanager
def restoring(url: str, tools: Tools) -> Generator[_In]:
    """Take an archive into a database, in one transaction: it is committed when the block ends well. Raises: DumpError."""
    with _running([tools.program("pg_restore"), *_RESTORE], url, out=False) as (process, errors):
        target = _In(process, errors)
        yield target
        target.finish()


@contextlib.contextmanager
def listing(tools: Tools) -> Generator[_In]:
    """Take an archive and look only whether it lists what is in it. Raises: DumpError."""
    with _running([tools.program("pg_restore"), "--list"], None, out=False) as (process, errors):
        target = _In(process, errors, deaf=True)
        yield target
        target.finish()


@contextlib.contextmanager
def _running(
    command: Sequence[str], url: str | None, *, out: bool
) -> Generator[tuple[subprocess.Popen[bytes], IO[bytes]]]:
    where, secret = _address(url) if url else ([], {})
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            [*command, *where],
            env={**clean_environment(), "PGCONNECT_TIMEOUT": "10", "PGAPPNAME": "payme backup", **secret},
            stdin=subprocess.DEVNULL if out else subprocess.PIPE,
            stdout=subprocess.PIPE if out else subprocess.DEVNULL,
            stderr=errors,
        )
        try:
            yield process, errors
        finally:
            # Killed before its input ends, so that a transaction that is not whole is never committed.
            if process.poll() is None:
                process.kill()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    with contextlib.suppress(BrokenPipeError):
                        pipe.close()
            process.wait()


def _address(url: str) -> tuple[list[str], dict[str, str]]:
    """Return the arguments that name a database, and its password apart from them, because arguments can be seen by all."""
    parts = urlsplit(url)
    credentials, _, host = parts.netloc.rpartition("@")
    user, _, password = credentials.partition(":")
    shown = parts._replace(netloc=f"{user}@{host}" if user else host).geturl()
    return [f"--dbname={shown}"], {"PGPASSWORD": unquote(password)} if password else {}


def _said(errors: IO[bytes]) -> str:
    """Return the first line of what a program complained of; later ones repeat statements, and with them rows."""
    errors.seek(0)
    text = errors.read(_LONGEST * 4).decode("utf-8", errors="replace").strip()
    return (text.splitlines() or ["it said nothing"])[0][:_LONGEST]
