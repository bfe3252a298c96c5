"""The doctor's second look: who works, what gave up, and which money waits for somebody. Asked in the worker's role.

Everything that a person has to see is named here: unknown payments, dead letters, stuck jobs, callbacks nobody understood.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Final
from uuid import UUID

from payme.features import payments
from payme.features.operations.repository import wards
from payme.features.operations.repository.wards import OpenDays, SilentTill, Ward
from payme.features.operations.schemas import Diagnosis, Mark, bad, good, look
from payme.features.operations.services.examine_shops import Setup, examine_shops, read_setup
from payme.features.operations.services.walk import walk_businesses
from payme.features.payments import BalanceGapView
from payme.runtime.database import Database, UnitOfWork
from payme.runtime.jobs.dead_letters import list_dead_letters
from payme.runtime.jobs.upkeep import list_stuck

_SHOWN: Final = 20
_STUCK_AFTER: Final = timedelta(minutes=5)
_LATE_SECONDS: Final = 60
_HEARD_WITHIN: Final = timedelta(minutes=5)
_UNDERSTOOD_WITHIN: Final = timedelta(minutes=2)
_SENT_WITHIN: Final = timedelta(hours=24)
_SEALED_WITHIN: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Expectations:
    """What settings say of how long M-Pesa is asked about a payment, and in which of its worlds."""

    asked_for: timedelta
    mpesa_environment: str


@dataclass(slots=True)
class _Gathered:
    """What was found over all businesses."""

    businesses: int = 0
    wards: dict[str, list[tuple[UUID, Ward]]] = field(default_factory=lambda: defaultdict(list))
    shops: list[Setup] = field(default_factory=list[Setup])
    gaps: list[tuple[UUID, BalanceGapView]] = field(default_factory=list[tuple[UUID, BalanceGapView]])
    days: list[tuple[UUID, OpenDays]] = field(default_factory=list[tuple[UUID, OpenDays]])
    tills: list[tuple[UUID, SilentTill]] = field(default_factory=list[tuple[UUID, SilentTill]])
    unsealed: int = 0

    def count(self, kind: str) -> int:
        return sum(ward.count for _, ward in self.wards[kind])

    def shillings(self, kind: str) -> str:
        cents = sum(ward.cents for _, ward in self.wards[kind])
        return _shillings(cents)

    def details(self, kind: str) -> list[str]:
        return [f"{each} in {owner}" for owner, ward in self.wards[kind] for each in ward.ids][:_SHOWN]


async def examine_work(database: Database, expectations: Expectations) -> list[Diagnosis]:
    """Return a line for everything that should move by itself or waits for a person."""
    jobs = await database.run(_examine_jobs, read_only=True)
    callbacks = await database.run(_examine_callbacks, read_only=True)
    gathered = await _gather(database, expectations)
    shops = examine_shops(gathered.shops, expectations.mpesa_environment)
    return [
        *jobs,
        callbacks,
        *_payments(gathered),
        _tray(gathered),
        _days(gathered),
        _tills(gathered),
        *_gaps(gathered),
        *shops,
        _audit(gathered),
    ]


async def _examine_jobs(uow: UnitOfWork) -> list[Diagnosis]:
    return [await _worker(uow), await _stuck(uow), await _dead(uow), await _mpesa(uow)]


async def _worker(uow: UnitOfWork) -> Diagnosis:
    queue = await wards.find_queue(uow)
    waiting = f"{queue.due} due, the oldest for {queue.oldest_seconds} s" if queue.due else "nothing is due"
    if not queue.workers:
        return bad("Worker", f"none is connected; {waiting}.", "Start one: payme worker. No prompt is sent until then.")
    found = f"{queue.workers} connected; {waiting}."
    if queue.oldest_seconds > _LATE_SECONDS:
        return look("Worker", found, "It does not keep up: read its log, or start a second one.")
    return good("Worker", found)


async def _stuck(uow: UnitOfWork) -> Diagnosis:
    stuck = await list_stuck(uow, overdue=_STUCK_AFTER, limit=_SHOWN)
    if not stuck:
        return good("Stuck jobs", "none.")
    details = [
        f"job {each.job_id}  {each.name}  due {each.due_at:%Y-%m-%d %H:%M} UTC  {each.attempts} attempts  {each.error_class}".rstrip()
        for each in stuck
    ]
    return bad(
        "Stuck jobs", f"{_at_least(len(stuck))} overdue and held by nobody.", "Read the worker's log.", details=details
    )


async def _dead(uow: UnitOfWork) -> Diagnosis:
    dead = await list_dead_letters(uow, limit=_SHOWN)
    if not dead:
        return good("Dead letters", "none.")
    details = [f"{each.id}  {each.name}  {each.error_class}: {each.error_message}"[:200] for each in dead]
    step = "payme jobs dead; then for each: payme jobs retry ID, or payme jobs drop ID --reason …"
    return bad("Dead letters", f"{_at_least(len(dead))} gave up.", step, details=details)


async def _mpesa(uow: UnitOfWork) -> Diagnosis:
    outages = await payments.list_outages(uow)
    if not outages:
        return good("M-Pesa", "no product of it is known to be down.")
    found = ", ".join(f"{each.product} since {each.since:%H:%M} UTC" for each in outages)
    step = "Nothing of ours to restart; shops see it, and one call at a time tries it. See docs/runbooks/mpesa-down.md."
    return look("M-Pesa", f"gives no answer: {found}.", step)


async def _examine_callbacks(uow: UnitOfWork) -> Diagnosis:
    found = {each.kind: each for each in await wards.list_callbacks(uow, received_before=uow.now - _UNDERSTOOD_WITHIN)}
    if waiting := found.get("received"):
        step = "They wait for a worker, or their jobs gave up: see Worker and Dead letters."
        return bad("Callbacks", f"{waiting.count} received and not understood yet.", step, details=waiting.ids)
    if malformed := found.get("malformed"):
        step = "Read them in callback_inbox: their payments are decided by asking M-Pesa instead."
        return look("Callbacks", f"{malformed.count} malformed.", step, details=malformed.ids)
    return good("Callbacks", "all are understood.")


async def _gather(database: Database, expectations: Expectations) -> _Gathered:
    gathered = _Gathered()
    async for business_id in walk_businesses(database):
        work = partial(_gather_one, gathered=gathered, expectations=expectations)
        await database.run(work, business_id=business_id, read_only=True)
    return gathered


async def _gather_one(uow: UnitOfWork, gathered: _Gathered, expectations: Expectations) -> None:
    asked_until, heard_until = uow.now - expectations.asked_for, uow.now - _HEARD_WITHIN
    found = await wards.list_money(uow, asked_until=asked_until, heard_until=heard_until)
    gaps = await payments.list_gaps(uow)
    shop = await read_setup(uow, expectations.mpesa_environment)
    days = await wards.find_open_days(uow)
    tills = await wards.list_gaps(uow, before=uow.now - _SENT_WITHIN, limit=_SHOWN)
    unsealed = await wards.count_unsealed(uow, older_than=_SEALED_WITHIN)
    # Counted last, when nothing can be asked again: a transaction that is repeated adds nothing twice.
    gathered.businesses += 1
    gathered.unsealed += unsealed
    gathered.tills.extend((uow.tenant, till) for till in tills)
    gathered.shops.append(shop)
    gathered.gaps.extend((uow.tenant, gap) for gap in gaps)
    if days is not None:
        gathered.days.append((uow.tenant, days))
    for ward in found:
        gathered.wards[ward.kind].append((uow.tenant, ward))


def _payments(gathered: _Gathered) -> list[Diagnosis]:
    lines: list[Diagnosis] = []
    for kind, mark, what, step in (
        ("silent", Mark.BAD, "without an outcome, and asked about for the last time", "Look each up in the M-Pesa statement; a person decides."),
        ("asking", Mark.LOOK, "without an outcome", "M-Pesa is asked again by itself; nothing to do yet."),
        ("unheard", Mark.BAD, "paid, and not taken by the sale or purchase", "Its job waits or gave up: see Worker and Dead letters."),
        ("left", Mark.BAD, "paid out, and nobody knows whether it left", "Look each up in the M-Pesa statement before anything is paid again."),
        ("unproved", Mark.LOOK, "taken on a cashier's word that M-Pesa does not bear out", "Look each code up in the M-Pesa statement; it may be written off by somebody else."),
        ("unseen", Mark.LOOK, "credited as asked, and Pull never showed the receipt", "Look each up in the M-Pesa statement: another amount may lie in the tray."),
        ("unplaced", Mark.BAD, "spoken of by M-Pesa for a prompt that is not ours", "Look each receipt up in the M-Pesa statement."),
    ):  # fmt: skip
        if count := gathered.count(kind):
            found = f"{count} {what} ({gathered.shillings(kind)})."
            lines.append(
                Diagnosis(mark=mark, subject="Payments", found=found, next_step=step, details=gathered.details(kind))
            )
    return lines or [good("Payments", "every one has its outcome, and its sale knows it.")]


def _gaps(gathered: _Gathered) -> list[Diagnosis]:
    """Speak only where a balance tells of more than anybody did; what Pull has not been through yet may still turn up."""
    if not gathered.gaps:
        return []
    details = [
        f"{gap.kind} {gap.shortcode} of {owner}: KSh {gap.missing_cents // 100:,}.{gap.missing_cents % 100:02d}"
        f" after {gap.after:%Y-%m-%d %H:%M} UTC{'' if gap.is_pulled else ', not pulled yet'}"
        for owner, gap in gathered.gaps
    ]
    found = f"{len(details)} short codes received more than is known of, by the balances that M-Pesa tells."
    step = "Compare with the M-Pesa statement of that time; upload it where Pull is not open."
    mark = Mark.BAD if any(gap.is_pulled for _, gap in gathered.gaps) else Mark.LOOK
    return [Diagnosis(mark=mark, subject="Balances", found=found, next_step=step, details=details[:_SHOWN])]


def _tray(gathered: _Gathered) -> Diagnosis:
    if count := gathered.count("unclaimed"):
        step = "Each shop finds its own under /unclaimed: whose money is it?"
        found = f"{count} wait for their owner ({gathered.shillings('unclaimed')})."
        return look("Unclaimed money", found, step, details=gathered.details("unclaimed"))
    return good("Unclaimed money", "none.")


def _days(gathered: _Gathered) -> Diagnosis:
    """Name the days that are over and whose money does not fit together; a day that runs may still be counted."""
    if not gathered.days:
        return good("Closed days", "every reconciled day is accounted for.")
    by_age = sorted(gathered.days, key=lambda each: (each[1].oldest_on, each[0]))
    details = [f"{owner}: {days.count} since {days.oldest_on}, {_shillings(days.cents)}" for owner, days in by_age]
    count, oldest_on = sum(days.count for _, days in by_age), by_age[0][1].oldest_on
    found = f"{count} in {len(by_age)} shops not accounted for, the oldest {oldest_on}."
    step = "Each shop finds its own under /reconciliations?state=open; see docs/guides/close-the-day.md."
    return look("Closed days", found, step, details=details[:_SHOWN])


def _tills(gathered: _Gathered) -> Diagnosis:
    """Name the tills of which something is missing although what they did later has come."""
    if not gathered.tills:
        return good("Tills", "nothing that a till has numbered is missing for a day.")
    details = [
        f"{till.name} ({till.device_id}) in {owner}: {', '.join(map(str, till.missing))} since {till.since:%Y-%m-%d %H:%M} UTC"
        for owner, till in sorted(gathered.tills, key=lambda each: each[1].since)
    ]
    step = "Open the till with a network, or have its export handed in; until then sales may be missing."
    return bad(
        "Tills", f"{_at_least(len(details))} have not sent all they did for over a day.", step, details=details[:_SHOWN]
    )


def _audit(gathered: _Gathered) -> Diagnosis:
    if gathered.unsealed:
        found = f"{gathered.unsealed} lines have waited over an hour to be sealed."
        return look("Audit log", found, "A worker seals every minute: see Worker and Dead letters.")
    return good("Audit log", f"sealed, in {gathered.businesses} businesses. That it verifies: payme audit verify")


def _shillings(cents: int) -> str:
    return f"KSh {cents // 100:,}.{cents % 100:02d}"


def _at_least(count: int) -> str:
    return f"{count} or more" if count >= _SHOWN else str(count)
