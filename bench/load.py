"""The closed-loop load generators, wrk and pgbench: one sample each, with what it cost everybody.

Invariant: a missing program is said by name before anything runs, never found out half-way.
"""

import asyncio
import json
import os
import re
import resource
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.request import ProxyHandler, Request, build_opener

from bench.ground import Api, Ground, programs
from bench.meter import Meter, Reading, between
from bench.town import Town
from payme.runtime.database.database import SERVER_SETTINGS
from payme.runtime.database.embedded.cluster import OWNER
from payme.runtime.database.roles import APP_ROLE

WARM_SECONDS: Final = 2
LINGER_SECONDS: Final = 2
"""How much longer pgbench lives than is counted, so that what it cost can still be read."""
_LUA: Final = Path(__file__).with_name("load.lua")
_PROGRESS: Final = re.compile(r"progress: ([\d.]+) s, ([\d.]+) tps, lat [\d.]+ ms.*?, (\d+) failed")
_RESULT: Final = re.compile(r"^RESULT (\{.*\})$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Sample:
    """One sample: finished requests and failed ones, and CPU in microseconds a request by process.

    Latencies are None for pgbench, which tells only a mean.
    """

    per_second: float
    errors: int
    p50_ms: float | None
    p99_ms: float | None
    cpu_us: Mapping[str, float]
    foreign_cores: float


def missing_programs() -> dict[str, str]:
    """Return what is not there, with how to get it."""
    found: dict[str, str] = {}
    if shutil.which("wrk") is None:
        found["wrk"] = "wrk is not installed (apt install wrk)"
    if not (programs() / "pgbench").exists():
        found["pgbench"] = "the embedded PostgreSQL has no pgbench"
    return found


def pgbench_command(ground: Ground, *options: str, shops: tuple[int, int]) -> tuple[list[str], dict[str, str]]:
    """Return the command that runs the cash sale's own statements in the app's role, and its environment."""
    address = ground.address
    command = [
        str(programs() / "pgbench"), "-n", "-M", "prepared", *options, "-f", str(ground.script),
        "-D", f"first={shops[0]}", "-D", f"last={shops[1]}", "-D", f"products={len(ground.town.model.products)}",
        "-h", address.host, "-p", str(address.port), "-U", OWNER, ground.database,
    ]  # fmt: skip
    settings = " ".join(f"-c {name}={value}" for name, value in {"role": APP_ROLE, **SERVER_SETTINGS}.items())
    return command, {**os.environ, "PGPASSWORD": address.passwords[OWNER], "PGOPTIONS": settings}


async def pgbench(ground: Ground, *, seconds: int, shops: tuple[int, int], seed: int, connections: int = 16) -> Sample:
    """Run the cash sale's own statements as fast as the database answers; neither the first two seconds nor the last two count."""
    command, environment = pgbench_command(
        ground, "-c", str(connections), "-j", "1", "-P", "1", "-T", str(WARM_SECONDS + seconds + LINGER_SECONDS),
        "--random-seed", str(seed), shops=shops,
    )  # fmt: skip
    process = await asyncio.create_subprocess_exec(
        *command, env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    meter = Meter({"postgres": ground.postmaster, "generator": process.pid})
    readings: dict[int, Reading] = {}
    rows: list[tuple[float, int]] = []
    said: list[str] = []
    assert process.stderr is not None, "the pipe was asked for"
    async for raw in process.stderr:
        found = _PROGRESS.search(raw.decode())
        if found is None:
            said.append(raw.decode())
            continue
        rows.append((float(found[2]), int(found[3])))
        if len(rows) in {WARM_SECONDS, WARM_SECONDS + seconds}:
            readings[len(rows)] = meter.read()
    if await process.wait() != 0:
        raise RuntimeError(f"pgbench failed:\n{''.join(said)[-2000:]}")
    before, after = (readings.get(each) for each in (WARM_SECONDS, WARM_SECONDS + seconds))
    if before is None or after is None or not after.trees["generator"]:
        raise RuntimeError(f"pgbench told of {len(rows)} seconds, too late to read what they cost")
    counted = rows[WARM_SECONDS : WARM_SECONDS + seconds]
    spent = between(before, after)
    per_second = sum(each[0] for each in counted) / len(counted)
    done = per_second * spent.seconds
    return Sample(
        per_second, sum(each[1] for each in counted), None, None,
        {name: cpu / done * 1e6 for name, cpu in spent.cpu_seconds.items()}, spent.foreign_cores,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Asking:
    """What wrk asks of a server: the kind of request, of which shops, what stands before the paths, and a file for the server's own."""

    what: str
    shops: tuple[int, int]
    prefix: str = ""
    targets: Path | None = None


async def wrk(ground: Ground, api: Api, asking: Asking, *, seconds: int, seed: int, connections: int = 16) -> Sample:
    """Ask as fast as the server answers."""
    meter = Meter({"postgres": ground.postmaster, api.name: api.pid})
    children = _children_seconds()
    before = meter.read()
    process = await asyncio.create_subprocess_exec(
        "wrk", "-t", "1", "-c", str(connections), "-d", f"{seconds}s", "--timeout", "10s", "-s", str(_LUA), api.base_url,
        "--", str(asking.targets or api.targets), asking.what, str(seed), *map(str, asking.shops), asking.prefix,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    output, _ = await process.communicate()
    spent = between(before, meter.read())
    found = _RESULT.search(output.decode())
    if process.returncode != 0 or found is None:
        raise RuntimeError(f"wrk failed: {output.decode()[-2000:]}")
    result: dict[str, int] = json.loads(found[1])
    generator = _children_seconds() - children
    good = result["requests"] - result["refused"]
    cpu = {**spent.cpu_seconds, "generator": generator}
    return Sample(
        good / (result["microseconds"] / 1e6), result["errors"] + result["refused"], result["p50_us"] / 1e3,
        result["p99_us"] / 1e3, {name: each / max(1, good) * 1e6 for name, each in cpu.items()},
        max(0.0, spent.foreign_cores - generator / spent.seconds),
    )  # fmt: skip


def write_targets(town: Town, path: Path, *, tokens: Sequence[str], etags: Sequence[str] = ()) -> None:
    """Write what the load needs to know of the town: its products, and each shop with its token and the ETag of its list."""
    lines = [f"product {each}" for each in town.model.products]
    for number, token in enumerate(tokens, start=1):
        etag = etags[number - 1] if etags else ""
        lines.append(f"shop {town.shop(number)} {token} {etag}".rstrip())
    path.touch(mode=0o600)
    path.write_text("\n".join(lines) + "\n")


async def learn_etags(town: Town, api: Api) -> None:
    """Read every shop's list once and add its ETag to the targets."""
    tokens = read_tokens(api.targets)
    etags = await asyncio.to_thread(_etags, town, api, tokens)
    write_targets(town, api.targets, tokens=tokens, etags=etags)


def read_tokens(path: Path) -> list[str]:
    """Return the tokens of the shops, the first shop's first."""
    return [line.split(" ")[2] for line in path.read_text().splitlines() if line.startswith("shop ")]


def _etags(town: Town, api: Api, tokens: Sequence[str]) -> list[str]:
    opener = build_opener(ProxyHandler({}))
    found: list[str] = []
    for number, token in enumerate(tokens, start=1):
        url = f"{api.base_url}/v1/businesses/{town.shop(number)}/products?limit=50"
        with opener.open(Request(url, headers={"Authorization": f"Bearer {token}"}), timeout=30) as answer:  # noqa: S310 -- our own server
            found.append(answer.headers["etag"])
    return found


def _children_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
