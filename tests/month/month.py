"""A month of the whole town on the virtual clock: the stories, what goes on beside them, and what is found at the end."""

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from random import Random
from typing import Any, Final

from payme.features.operations import check_all
from tests.month.agenda import Agenda, Story
from tests.month.ground import Ground, open_ground
from tests.month.proof import Proof, prove
from tests.month.provider import MANY, Provider
from tests.month.scale import CLOSES, FIRST_DAY, OPENS, Scale, Trouble, draw_beginnings, draw_troubles
from tests.month.shops import TownShop, open_shops
from tests.month.stories import STORIES
from tests.month.trade import Notes, Trade

Say = Callable[[int], None]
"""Called with how many sales have begun."""
CALLBACKS: Final = ("callback", "confirmation", "b2c", "reversal", "status")
"""The products whose callbacks are dropped on the dark day."""
_AFTER_CLOSING: Final = timedelta(hours=2)
"""How long the worker's clock goes on after the shops have closed; the night is skipped."""


@dataclass(frozen=True)
class Month:
    """What came of it; it holds where there is no violation."""

    scale: Scale
    seconds: float
    notes: Notes
    ran: Counter[str]
    proof: Proof
    violations: Sequence[str]


async def run_month(dsn: str, scale: Scale, say: Say = lambda _: None) -> Month:
    """Live through a month on a migrated and empty database."""
    began = time.monotonic()
    async with open_ground(dsn, scale) as ground:
        shops = await open_shops(ground, scale.places)
        notes = Notes()
        _plan(ground, shops, scale, notes)
        ground.agenda.on_step = lambda: say(notes.done["sales"])
        await ground.agenda.run_until(scale.ends_at + timedelta(days=scale.quiet_days))
        proof = await prove(ground, list(shops.values()), notes)
        broken = await _invariants(ground)
    seconds = time.monotonic() - began
    return Month(scale, seconds, notes, ground.worker.ran, proof, [*proof.violations, *broken])


def _plan(ground: Ground, shops: Mapping[int, TownShop], scale: Scale, notes: Notes) -> None:
    agenda = ground.agenda
    for each in draw_beginnings(scale):
        trade = Trade(shops[each.shop], ground.provider, Random(each.seed), notes)
        agenda.add(each.at, STORIES[each.kind](trade))
    for each in draw_troubles(scale):
        agenda.add(each.begins_at, _trouble(ground.provider, each))
    begins, ends = scale.dark
    agenda.add(begins, _darkness(ground.provider, (ends - begins).total_seconds()))
    for day in range(scale.days + scale.quiet_days):
        _schedule(agenda, day)


def _schedule(agenda: Agenda, day: int) -> None:
    """Have the worker's clock work while shops are open, and a little longer; what runs each minute runs at the day's end."""
    begins = FIRST_DAY + timedelta(days=day)
    hours = int((CLOSES + _AFTER_CLOSING - OPENS) / timedelta(hours=1))
    for job, expression in agenda.worker.schedules.items():
        minute, hour, *rest = expression.split()
        assert set(rest) == {"*"}, f"{job} runs {expression}, and the month knows minutes and hours only"
        if minute == "*":
            agenda.add(begins + CLOSES + _AFTER_CLOSING, _enqueue(agenda, job))
            continue
        for at in [int(hour)] if hour != "*" else (OPENS // timedelta(hours=1) + each for each in range(hours)):
            agenda.add(begins + timedelta(hours=at, minutes=int(minute)), _enqueue(agenda, job))


async def _enqueue(agenda: Agenda, job: str) -> Story:
    async def work(uow: Any) -> None:
        uow.enqueue(job, {}, dedupe_key=job)

    await agenda.worker.database.run(work)
    for wait in ():
        yield wait


async def _trouble(provider: Provider, trouble: Trouble) -> Story:
    fault = await provider.fault(trouble.product, trouble.kind, count=MANY, status=trouble.status)
    yield trouble.hours * 3600.0
    await provider.heal(fault)


async def _darkness(provider: Provider, seconds: float) -> Story:
    faults = [await provider.fault(each, "lost", count=MANY) for each in CALLBACKS]
    yield seconds
    for each in faults:
        await provider.heal(each)


async def _invariants(ground: Ground) -> list[str]:
    report = await check_all(ground.behind)
    return [f"invariant {each.code}: {each.violations}: {each.examples}" for each in report.findings if each.violations]
