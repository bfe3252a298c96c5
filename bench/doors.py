"""The doors that Safaricom comes to: for each shop of a town the secret addresses of a prompt's callback and of C2B notices.

Nobody works on what arrives: what is measured is taking it in, the row with the raw body committed before the answer.
"""

import asyncio
from pathlib import Path

from bench.ground import Api, Ground, open_database
from payme.kit.ids import new_id
from payme.runtime.events import open_route

STK, C2B = "stk", "c2b"
_AT_ONCE = 8


def doors_of(api: Api) -> Path:
    """Return the file of a server's doors, a line a shop: `door <secret of stk> <secret of c2b>`."""
    return api.targets.with_name("doors.txt")


async def open_doors(ground: Ground, path: Path) -> None:
    """Open both doors of every shop, and write their secrets down."""
    database = await open_database(ground.environment, connections=_AT_ONCE).open()
    places = asyncio.Semaphore(_AT_ONCE)

    async def door(shop: int, kind: str) -> str:
        async with places:
            return await database.run(
                lambda uow: open_route(uow, kind=kind, subject_id=new_id()), business_id=ground.town.shop(shop)
            )

    try:
        shops = range(1, ground.town.shops + 1)
        secrets = await asyncio.gather(*(door(shop, kind) for shop in shops for kind in (STK, C2B)))
    finally:
        await database.close()
    lines = [f"door {stk} {c2b}\n" for stk, c2b in zip(secrets[::2], secrets[1::2], strict=True)]
    await asyncio.to_thread(_write, path, "".join(lines))


def _write(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text)
