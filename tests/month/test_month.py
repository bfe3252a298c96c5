"""A small month: three shops, three days, one of them dark. `make month` is the large one."""

import asyncio
from pathlib import Path

from tests.month.__main__ import as_json
from tests.month.month import Month, run_month
from tests.month.picture import draw
from tests.month.scale import Scale
from tests.postgres import copy_database, drop_database

SMALL = Scale(sales=160, shops=3, days=3, dark_day=1, quiet_days=2, seed=4)


async def small_month(base_dsn: str, name: str) -> Month:
    dsn = await copy_database(base_dsn, name)
    try:
        return await run_month(dsn, SMALL)
    finally:
        await drop_database(base_dsn, name)


async def test_every_shilling_of_a_small_month_is_somewhere(base_dsn: str, worker_name: str, tmp_path: Path) -> None:
    month = await small_month(base_dsn, f"extra_{worker_name}_month")
    assert list(month.violations) == []
    assert month.notes.done["sales"] == SMALL.sales
    asked, by_hand = month.notes.done["debts asked for"], month.notes.done["debts paid by hand"]
    assert min(asked, by_hand, month.notes.done["debts lowered by M-Pesa"]) > 0
    # The dark day was dark, and questions and Pull made up for it.
    assert month.proof.by_day["2026-10-02"].applied > 0
    assert month.proof.counts["told by pull"] > 0
    assert month.proof.counts["told by callback"] < month.proof.counts["paid by prompt"]
    for sums in month.proof.by_shortcode.values():
        assert sums["paid"] == sums["evidence"] == sums["applied"] + sums["unclaimed"] + sums["returned"] > 0
    await asyncio.to_thread(draw, as_json(month), tmp_path / "month.png")
    assert (tmp_path / "month.png").stat().st_size > 10_000
