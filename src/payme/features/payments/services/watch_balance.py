"""Notice from the balances that Safaricom tells that a payment came of which nobody told us, and have it looked for.

A notice that was lost is found by Pull within the hour; where the balance gives it away, Pull is asked within a minute. What
Pull does not explain either is shown to a person.
"""

from datetime import timedelta
from typing import Final

from payme.features.payments.repository import balances, registrations, windows
from payme.features.payments.rules.balances import jumps, missing_cents
from payme.features.payments.rules.windows import LOOKS_BACK
from payme.features.payments.schemas import BalanceGapView
from payme.features.payments.services.place_money import Arrival
from payme.features.payments.services.pull_payments import PULL_JOB
from payme.runtime.database import UnitOfWork

_NEIGHBOURS: Final = timedelta(hours=1)
_LATE_NOTICES: Final = timedelta(seconds=60)


async def watch_balance(uow: UnitOfWork, arrival: Arrival, kind: str) -> None:
    """Have the way to be paid pulled soon where the balance after this payment cannot be told by the notices before it."""
    if arrival.balance_cents is None or arrival.paid_at is None:
        return
    points = await balances.list_points(uow, arrival.shortcodes, since=arrival.paid_at - _NEIGHBOURS)
    if not jumps(points) or kind not in await windows.list_pulled_kinds(uow):
        return
    # The missing one may only be late; the hourly Pull has a key of its own.
    uow.enqueue(PULL_JOB, {"kind": kind}, execute_after=_LATE_NOTICES, dedupe_key=f"{PULL_JOB}:{uow.tenant}:{kind}:gap")


async def list_gaps(uow: UnitOfWork) -> list[BalanceGapView]:
    """Return each short code to which more came within two days than is known of."""
    gaps: list[BalanceGapView] = []
    since = uow.now - LOOKS_BACK
    for told in await registrations.list_told(uow):
        found = jumps(await balances.list_points(uow, told.shortcodes, since=since))
        if not found:
            continue
        missing = missing_cents(found, await balances.sum_without_notice(uow, told.shortcodes, since=since))
        if missing == 0:
            continue
        window = await windows.find_window(uow, told.shortcode)
        is_pulled = window is not None and window.covered.ends_at >= found[-1].until
        gap = BalanceGapView(
            kind=told.kind, shortcode=told.shortcode, missing_cents=missing, after=found[0].after, until=found[-1].until,
            is_pulled=is_pulled,
        )  # fmt: skip
        gaps.append(gap)
    return gaps
