"""The health check of a container: `python -m payme.entrypoints.health URL` ends with 0 when the URL answers 200, else with 1.

Images have no curl. It runs twice a minute beside the process it asks about, so it imports the standard library alone
and reads no settings. Invariant: it always ends, within the seconds it is given.
"""

import argparse
import http.client
import sys
from typing import Final
from urllib.parse import urlsplit

_OK: Final = 200
_SECONDS: Final = 4.0
_SHOWN: Final = 500


def ask(url: str, *, seconds: float = _SECONDS) -> tuple[int, str]:
    """Return status and beginning of the body of an http URL, asked directly, past any proxy. Raises: OSError, HTTPException."""
    parts = urlsplit(url)
    if parts.scheme != "http" or not parts.hostname:
        raise ValueError(f"{url!r} is no http URL")
    connection = http.client.HTTPConnection(parts.hostname, parts.port or 80, timeout=seconds)
    try:
        connection.request("GET", parts.path or "/", headers={"Connection": "close", "User-Agent": "payme-health"})
        answer = connection.getresponse()
        return answer.status, answer.read(_SHOWN).decode("utf-8", errors="replace")
    finally:
        connection.close()


def main(arguments: list[str] | None = None) -> int:
    """Ask once, print what was answered when it is not 200, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m payme.entrypoints.health", description=main.__doc__)
    parser.add_argument("url", help="for example http://127.0.0.1:3000/readyz")
    parser.add_argument("--seconds", type=float, default=_SECONDS, help="how long an answer may take")
    given = parser.parse_args(arguments)
    try:
        status, body = ask(given.url, seconds=given.seconds)
    except (OSError, http.client.HTTPException, ValueError) as error:
        print(f"{given.url}: {type(error).__name__}: {error}", file=sys.stderr)
        return 1
    if status != _OK:
        print(f"{given.url}: {status} {body}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
