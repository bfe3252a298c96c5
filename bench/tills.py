"""The tills that come back from having no network: a registered device for each shop of a town, whose sales are pushed in batches."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Final

import asyncpg

from bench.ground import Api, Ground, open_database
from bench.load import Sample
from payme.features import identity
from payme.features.identity import PERMISSIONS, MakeDeviceCode
from payme.features.sync import RegisterDevice, register_device
from payme.kit.actor import Actor

PUSH: Final = "push"
BATCH: Final = 100
"""Sales in one request."""
TILLS_AT_ONCE: Final = 4
"""Requests on their way; each holds its connection for as long as a hundred sales take."""
_AT_ONCE: Final = 8


def tills_of(api: Api) -> Path:
    """Return the file of a server's tills: the products, and for each shop `till <business> <credential> <device> <prefix> <person>`."""
    return api.targets.with_name("tills.txt")


async def open_tills(ground: Ground, path: Path) -> None:
    """Register a device in every shop, as an office and a till do, and write their credentials down."""
    person = ground.town.model.person_id
    actor = Actor("user", person, "Wanjiku", str(person), PERMISSIONS)
    database = await open_database(ground.environment, connections=_AT_ONCE).open()
    places = asyncio.Semaphore(_AT_ONCE)

    async def till(shop: int) -> str:
        business_id = ground.town.shop(shop)
        async with places:
            code = await database.run(
                lambda uow: identity.make_code(uow, MakeDeviceCode(name="Counter")),
                business_id=business_id,
                actor=actor,
            )
            made = await register_device(database, RegisterDevice(code=code.code))
        return f"till {business_id} {made.credential} {made.device_id} {made.receipt_prefix} {person}\n"

    try:
        lines = await asyncio.gather(*(till(shop) for shop in range(1, ground.town.shops + 1)))
    finally:
        await database.close()
    products = [f"product {each}\n" for each in ground.town.model.products]
    await asyncio.to_thread(_write, path, "".join([*products, *lines]))


async def as_sales(ground: Ground, sample: Sample) -> Sample:
    """Return a sample of batches as one of sales; every command must have been applied without a doubt. Raises: RuntimeError."""
    superuser: asyncpg.Connection = await asyncpg.connect(ground.address.dsn(ground.database, user="postgres"))
    try:
        rows = await superuser.fetch("select status, reasons, error, count(*) from sync_commands group by 1, 2, 3")
    finally:
        await superuser.close()
    odd = [tuple(row) for row in rows if row["status"] != "applied"]
    if odd or not rows:
        raise RuntimeError(f"not every pushed sale was applied: {odd[:5]}")
    cpu_us = {name: each / BATCH for name, each in sample.cpu_us.items()}
    return replace(sample, per_second=sample.per_second * BATCH, cpu_us=cpu_us)


def _write(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text)
