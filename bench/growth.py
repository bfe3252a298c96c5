"""Growth: what a sale costs PostgreSQL among a thousand sales, a hundred thousand and ten million.

The sizes are databases of one server (`growth_ground`) and are sampled in turn. Invariant: the smallest is copied anew for each
sample, because the sample's own sales would outnumber it.
"""

import statistics
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from bench.ground import open_database
from bench.growth_ground import Estate, bytes_of, load_sizes, name_of, open_estate
from bench.growth_load import Advance
from bench.load import Sample, pgbench
from bench.parts import GROWTH, SMALLEST
from bench.report import Report
from payme.features.operations import check_all

SAMPLE: Final = "growth_sample"
WARM_FACTOR: Final = 2
CHECKED_SHOPS: Final = 5


async def measure_growth(
    folder: Path,
    report: Report,
    *,
    sizes: Sequence[int],
    samples: int,
    seconds: int,
    town_size: tuple[int, int],
    say: Advance,
) -> None:
    """Load what is missing, sample every size in turn and add the medians to the report.

    Raises: RuntimeError when the folder's tables are of another version, or an invariant is broken.
    """
    async with open_estate(folder, town_size=town_size, say=say) as estate:
        fitting, lacking = await load_sizes(estate, folder, sizes, say=say)
        if lacking:
            report.skip(GROWTH, lacking)
        for size in fitting:
            await _tried(estate, size, seconds * WARM_FACTOR, seed=0)
        found: dict[int, list[Sample]] = {size: [] for size in fitting}
        try:
            for number in range(1, samples + 1):
                for size in fitting:
                    say(f"growth, {size:,} sales", number)
                    found[size].append(await _tried(estate, size, seconds, seed=number))
        finally:
            # What was measured up to here is kept, whatever broke off.
            for size, taken in found.items():
                if taken:
                    report.growth.append(await _row(estate, size, taken))
        for size in fitting:
            say(f"invariants among {size:,}", 0)
            await _check(estate, size)


async def _tried(estate: Estate, size: int, seconds: int, *, seed: int) -> Sample:
    try:
        return await _sample(estate, size, seconds, seed=seed)
    except RuntimeError:
        return await _sample(estate, size, seconds, seed=seed)


async def _row(estate: Estate, size: int, taken: Sequence[Sample]) -> dict[str, Any]:
    def median(name: str) -> float:
        return statistics.median(float(getattr(each, name)) for each in taken)

    size_bytes = await bytes_of(estate, name_of(size))
    return {
        "sales": size,
        "cpu_us": round(statistics.median(each.cpu_us["postgres"] for each in taken)),
        "per_second": round(median("per_second"), 1),
        "foreign_cores": round(median("foreign_cores"), 2),
        "gigabytes": round(size_bytes / 1e9, 2),
        "samples": [asdict(each) for each in taken],
    }


async def _sample(estate: Estate, size: int, seconds: int, *, seed: int) -> Sample:
    database = name_of(size)
    connection = await estate.connect()
    try:
        if size == SMALLEST:
            await connection.execute(f"drop database if exists {SAMPLE}")
            await connection.execute(f"create database {SAMPLE} template {database} strategy file_copy")
            database = SAMPLE
        await connection.execute("checkpoint", timeout=600)
    finally:
        await connection.close()
    ground = estate.ground(database)
    return await pgbench(ground, seconds=seconds, shops=(1, ground.town.shops), seed=seed)


async def _check(estate: Estate, size: int) -> None:
    """Hold some shops against the invariants; all of them would take longer than everything else."""
    ground = estate.ground(name_of(size))
    database = await open_database(ground.environment, connections=1, role="payme_worker").open()
    try:
        shops = ground.town.shops
        for number in sorted({1 + place * (shops - 1) // (CHECKED_SHOPS - 1) for place in range(CHECKED_SHOPS)}):
            report = await check_all(database, business_id=ground.town.shop(number))
            broken = [each.code for each in report.findings if each.violations]
            if broken:
                raise RuntimeError(f"among {size:,} sales, shop {number} breaks {', '.join(broken)}")
    finally:
        await database.close()
