"""Halves of the API process are killed: what is left neither serves on alone nor stays away."""

import asyncio
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.api_process import ApiProcess, runs
from tests.stack import until

SECONDS = 10.0
pytestmark = pytest.mark.faults


@pytest.fixture
def api(owner_dsn: str, open_folder: Path) -> Iterator[ApiProcess]:
    with ApiProcess(owner_dsn, open_folder / "api.log") as started:
        yield started


async def answers(api: ApiProcess) -> bool:
    async with httpx2.AsyncClient(base_url=api.base_url, trust_env=False, timeout=5) as client:
        try:
            return (await client.get("/livez")).status_code == 200
        except httpx2.TransportError:
            return False


async def test_no_worker_serves_on_when_its_main_process_is_killed(api: ApiProcess) -> None:
    (worker,) = api.workers()
    os.kill(api.pid, signal.SIGKILL)
    await asyncio.to_thread(api.wait)

    async def gone() -> bool:
        return not runs(worker) and not await answers(api)

    await until(gone, seconds=SECONDS)


async def test_a_worker_that_is_killed_is_replaced(api: ApiProcess) -> None:
    (worker,) = api.workers()
    os.kill(worker, signal.SIGKILL)

    async def serves() -> bool:
        return api.workers() not in ([], [worker]) and await answers(api)

    await until(serves, seconds=SECONDS)
    assert api.is_alive
