"""What the month happens on: a real database, the whole API on a port of the loopback, a worker, and the simulator's process.

API and worker are in this process, because they share its clock. What is started here is ended here.
"""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

import stamina
from fastapi import FastAPI
from granian.constants import HTTPModes, Interfaces
from granian.server.embed import Server

from payme.entrypoints.features import wire
from payme.entrypoints.wiring import WorkerServices, daraja_of, tools_of
from payme.features.businesses import PLATFORM_BUSINESS_ID, ensure_platform_business
from payme.kit.time import FrozenClock
from payme.runtime.database import Database, PoolLimits
from payme.runtime.settings import Settings
from tests.application import make_application
from tests.month.agenda import Agenda
from tests.month.provider import Provider
from tests.month.scale import FIRST_DAY, Scale
from tests.month.worker import Worker
from tests.simulator import SimulatorProcess

ENVIRONMENT: Final = {
    "APP_ENV": "test",
    "PASSWORD_MEMORY_KIB": "19456",
    "PASSWORD_ITERATIONS": "2",
    "MPESA_CONSUMER_KEY": "platform-key",
    "MPESA_CONSUMER_SECRET": "platform-secret",
    "MPESA_PASSKEY": "platform-passkey",
    # Seconds of this machine: an answer that hangs holds up the whole town for so long.
    "MPESA_PUSH_SECONDS": "1.5",
    "MPESA_QUERY_SECONDS": "4",
    # The limiter of questions goes by the database's clock, and a month passes in minutes.
    "MPESA_QUERY_GAP_SECONDS": "0",
    "MPESA_QUERIES_PER_MINUTE": "1000000000",
}


@dataclass(frozen=True)
class Ground:
    """The running parts; `database` is in the API's role, `behind` in the worker's."""

    database: Database
    behind: Database
    app: FastAPI
    agenda: Agenda

    @property
    def clock(self) -> FrozenClock:
        return self.agenda.clock

    @property
    def provider(self) -> Provider:
        return self.agenda.provider

    @property
    def worker(self) -> Worker:
        return self.agenda.worker


@asynccontextmanager
async def open_ground(dsn: str, scale: Scale) -> AsyncIterator[Ground]:
    """Start everything on a migrated and empty database."""
    options = (
        "--seed",
        str(scale.seed * 10 + scale.quarter),
        "--frozen",
        "--now",
        FIRST_DAY.isoformat(),
        "--no-query-limit",
    )
    # Tries within one call follow each other at once: their waits are seconds of this machine and not of the month.
    with SimulatorProcess(*options) as simulator, stamina.set_testing(True, attempts=3, cap=True):
        # Masks show the last digits of a number, which must agree by chance as seldom as in life.
        await simulator.control.settings(telling_digits="first")
        port = _free_port()
        settings = Settings.from_values(
            ENVIRONMENT | {
                "DATABASE_URL": dsn, "MPESA_BASE_URL": simulator.base_url,
                "MPESA_CALLBACK_BASE_URL": f"http://127.0.0.1:{port}",
                "MPESA_CERTIFICATE": (await simulator.control.certificate()).decode(),
            }
        )  # fmt: skip
        clock = FrozenClock(FIRST_DAY)
        wiring = wire(tools_of(settings))

        def on(role: str, connections: int) -> Database:
            limits = PoolLimits(connections, acquire_seconds=60, lock_seconds=20, share_of_one_business=1)
            return Database(dsn, role=role, wiring=wiring, clock=clock, limits=limits)

        database, behind = await on("payme_app", 14).open(), await on("payme_worker", 16).open()
        daraja = daraja_of(settings)
        provider = await Provider(simulator).open()
        worker = await Worker(behind, clock, WorkerServices(daraja)).open()
        try:
            await database.run(ensure_platform_business, business_id=PLATFORM_BUSINESS_ID)
            app = make_application(settings, database)
            async with _served(app, port):
                yield Ground(database, behind, app, Agenda(clock, provider, worker))
        finally:
            await worker.close()
            await provider.close()
            await daraja.http.aclose()
            await behind.close()
            await database.close()


@asynccontextmanager
async def _served(app: FastAPI, port: int) -> AsyncIterator[None]:
    server = Server(
        app, address="127.0.0.1", port=port, interface=Interfaces.ASGINL, http=HTTPModes.http1, websockets=False,
        log_enabled=False,
    )  # fmt: skip
    running = asyncio.ensure_future(server.serve())
    try:
        await _answers(port)
        yield
    finally:
        server.stop()
        await running


async def _answers(port: int) -> None:
    for _ in range(500):
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.01)
        else:
            writer.close()
            return
    message = "the API does not answer"
    raise RuntimeError(message)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
