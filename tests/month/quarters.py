"""A town in quarters: each is lived through in a process of its own, with its own database and simulator, side by side.

What one quarter finds is added to what the others do. Does not live here: the month itself.
"""

import gc
import multiprocessing
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, wait
from dataclasses import replace
from typing import Any, Final

import uvloop
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from payme.runtime.observability import configure_logging
from tests.month.money import Fate
from tests.month.month import Month, run_month
from tests.month.proof import Proof
from tests.month.scale import Scale
from tests.month.trade import Notes
from tests.postgres import copy_database, drop_database

_LOOK_SECONDS: Final = 0.5
_COLLECT_AFTER: Final = 20_000
"""As the API's own process has it."""
_begun: Any = None


def live(base_dsn: str, scale: Scale, *, quarters: int) -> Month:
    """Live through a month of the whole town, with a progress bar."""
    parts = [replace(scale, quarter=each, quarters=quarters) for each in range(quarters)]
    context = multiprocessing.get_context("spawn")
    begun: Any = context.Array("i", quarters)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with (
        ProcessPoolExecutor(quarters, context, initializer=_remember, initargs=(begun,)) as pool,
        Progress(*columns, refresh_per_second=1) as progress,
    ):
        task = progress.add_task("sales", total=scale.sales)
        running = [pool.submit(_live, base_dsn, part) for part in parts]
        while wait(running, timeout=_LOOK_SECONDS).not_done:
            progress.update(task, completed=sum(begun))
        progress.update(task, completed=sum(begun))
        return together(scale, [each.result() for each in running])


def together(scale: Scale, months: Sequence[Month]) -> Month:
    """Return the month of the town from those of its quarters."""
    notes, proof, ran = Notes(), Proof(), Counter[str]()
    for each in months:
        notes.done += each.notes.done
        notes.refused += each.notes.refused
        ran += each.ran
        proof.counts += each.proof.counts
        proof.by_shortcode |= each.proof.by_shortcode
        for day, fate in each.proof.by_day.items():
            proof.by_day[day] = proof.by_day.get(day, Fate()) + fate
    violations = [wrong for each in months for wrong in each.violations]
    return Month(scale, max(each.seconds for each in months), notes, ran, proof, violations)


def _remember(begun: Any) -> None:
    global _begun  # noqa: PLW0603 -- how a process of a pool is given what cannot be pickled
    _begun = begun


def _live(base_dsn: str, scale: Scale) -> Month:
    configure_logging("error")
    gc.freeze()
    gc.set_threshold(_COLLECT_AFTER)
    return uvloop.run(_lived(base_dsn, scale))


async def _lived(base_dsn: str, scale: Scale) -> Month:
    name = f"extra_month_{scale.quarter}"

    def say(done: int) -> None:
        _begun[scale.quarter] = done

    dsn = await copy_database(base_dsn, name)
    try:
        return await run_month(dsn, scale, say)
    finally:
        await drop_database(base_dsn, name)
