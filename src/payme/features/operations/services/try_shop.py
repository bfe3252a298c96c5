"""Have the ways to be paid of one shop tried with real calls, and wait for what comes of it.

A worker does it, as for the shop's owner; the answer about the operator comes to our address by itself. Nothing is charged.
"""

import asyncio
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from payme.features import payments
from payme.features.businesses import get_business
from payme.features.operations.schemas import Diagnosis, bad, good, look
from payme.features.payments import ProbeView
from payme.runtime.database import Database, UnitOfWork

PATIENCE: Final = timedelta(seconds=60)
_POLL: Final = timedelta(milliseconds=500)
_SUBJECT: Final = "This shop's M-Pesa"


async def try_shop(database: Database, business_id: UUID, *, patience: timedelta = PATIENCE) -> list[Diagnosis]:
    """Return a line for each way to be paid of a business, after its trial or when patience has run out. Raises: BusinessUnknown."""

    async def begin(uow: UnitOfWork) -> list[ProbeView]:
        await get_business(uow)
        methods = [each for each in await payments.list_methods(uow) if each.active]
        return [await payments.request_probe(uow, each.kind) for each in methods]

    begun = await database.run(begin, business_id=business_id)
    if not begun:
        return [look(_SUBJECT, "no way to be paid is set up.", "Its owner does that, under payment methods.")]
    until = database.clock.now() + patience
    return [_line(await _ended(database, business_id, each, until=until)) for each in begun]


async def _ended(database: Database, business_id: UUID, begun: ProbeView, *, until: datetime) -> ProbeView:
    while True:
        probes = await database.run(
            lambda uow: payments.list_probes(uow, begun.kind), business_id=business_id, read_only=True
        )
        found = next(each for each in probes if each.id == begun.id)
        is_over = found.ended_at is not None and all(each.mark != "waiting" for each in found.checks)
        if is_over or database.clock.now() >= until:
            return found
        await asyncio.sleep(_POLL.total_seconds())


def _line(probe: ProbeView) -> Diagnosis:
    place = f"{probe.kind} {probe.shortcode or ''}".strip()
    if probe.ended_at is None:
        return bad(_SUBJECT, f"{place} was not tried in time.", "Is a worker running? See Worker.")
    details = [f"{each.name}: {each.found}" for each in probe.checks]
    marks = {each.mark for each in probe.checks}
    if "bad" in marks:
        wrong = ", ".join(each.name for each in probe.checks if each.mark == "bad")
        return bad(_SUBJECT, f"{place}: wrong: {wrong}.", "What to do stands under Shops' M-Pesa.", details=details)
    if "waiting" in marks:
        step = "Ask again in a few minutes; if it stays so, M-Pesa does not reach our address."
        return look(_SUBJECT, f"{place}: M-Pesa has not answered about the operator yet.", step, details=details)
    if "skipped" in marks:
        return look(
            _SUBJECT, f"{place}: right, as far as it could be tried.", "See what was left out.", details=details
        )
    return good(_SUBJECT, f"{place}: every check is good.")
