"""Ask Safaricom for the payments of the last hours, and place what we were never told of.

Where the stretch that was pulled covers all of a prompt's patience and nothing came, the prompt has expired, unconfirmed: the
one way in which silence ends a payment. A success that turns up later still counts.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from payme.features import audit
from payme.features.businesses import PLATFORM_BUSINESS_ID
from payme.features.payments.enums import Outcome, Source
from payme.features.payments.errors import MethodNotConfigured
from payme.features.payments.repository import claims, windows
from payme.features.payments.rules.claims import Verdict
from payme.features.payments.rules.transitions import UNCONFIRMED, Message
from payme.features.payments.rules.windows import Window, extended, is_overdue, next_window
from payme.features.payments.services.apply_message import Attached, apply_message
from payme.features.payments.services.checks import take_turn, turns_later
from payme.features.payments.services.gateway import (
    Collector,
    DarajaAccess,
    PlatformAccount,
    collector_with,
    pull_number_of,
)
from payme.features.payments.services.match_prompt import shortcodes_with
from payme.features.payments.services.place_money import Arrival, place_money
from payme.features.payments.services.platform_money import PLATFORMS_KIND, take_pulled
from payme.integrations.daraja import PulledPayment, PullQuery, PullRegistration
from payme.runtime.database import Database, UnitOfWork
from payme.runtime.events import open_route

PULL_JOB: Final = "payments.pull"
PATIENCE: Final = timedelta(hours=24)
_MOST_PAGES: Final = 200
_SPREAD_SECONDS: Final = 600
_TOO_OLD: Final = "Nobody confirmed this prompt within a day, and the short code's payments do not show it."


@dataclass(frozen=True, slots=True)
class PullErrand:
    """What to pull, and as whom; `token` is the secret of the address that opening Pull wants, None where it stands open."""

    collector: Collector
    number: str
    shortcodes: list[str]
    window: Window
    token: str | None


@dataclass(frozen=True, slots=True)
class Pulled:
    """What came of it. `is_whole`: every page was conclusive, so what is not in it was not paid; `fault` is why nobody answered."""

    rows: Sequence[PulledPayment]
    is_whole: bool
    fault: str = ""


async def enqueue_pulls(uow: UnitOfWork) -> None:
    """Have each short code of a business pulled, at a moment of its own within ten minutes."""
    for kind in await _pulled_kinds(uow):
        spread = timedelta(seconds=random.randint(0, _SPREAD_SECONDS))  # noqa: S311 -- jitter is no secret
        uow.enqueue(PULL_JOB, {"kind": kind}, execute_after=spread, dedupe_key=f"{PULL_JOB}:{uow.tenant}:{kind}")


async def _pulled_kinds(uow: UnitOfWork) -> list[str]:
    if uow.tenant == PLATFORM_BUSINESS_ID:
        return [PLATFORMS_KIND] if uow.tool(PlatformAccount).is_pulled else []
    return await windows.list_pulled_kinds(uow)


async def begin_pull(uow: UnitOfWork, kind: str) -> PullErrand | None:
    """Return what to pull; None where the way to be paid is not pulled any more, or it is another's turn: then later."""
    try:
        collector = await collector_with(uow, kind)
    except MethodNotConfigured:
        return None
    number = await pull_number_of(uow, kind)
    if number is None:
        return None
    if not await take_turn(uow, collector.app.app_id, "pulltransactions"):
        uow.enqueue(PULL_JOB, {"kind": kind}, execute_after=turns_later(uow))
        return None
    known = await windows.find_window(uow, collector.account.shortcode)
    token = None
    if known is None:
        # Safaricom wants an address and never calls it.
        token = await open_route(uow, kind="result", subject_id=uow.tenant)
    window = next_window(known.covered if known else None, uow.now)
    shortcodes = await shortcodes_with(uow, collector.account.shortcode)
    return PullErrand(collector, number, shortcodes, window, token)


async def pull(access: DarajaAccess, database: Database, errand: PullErrand) -> Pulled:
    """Ask for every page of the window. Raises: DarajaUnavailable, DarajaRefused, DarajaUnknown."""
    client = access.client(database, errand.collector)
    shortcode = errand.collector.account.shortcode
    if errand.token is not None:
        await client.pull_register(
            PullRegistration(shortcode, errand.number, access.callback_url(errand.token, "result"))
        )
    rows: list[PulledPayment] = []
    offset: int | None = 0
    for _ in range(_MOST_PAGES):
        page = await client.pull_transactions(
            PullQuery(shortcode, errand.window.starts_at, errand.window.ends_at, offset)
        )
        rows += page.rows
        if not page.is_conclusive:
            return Pulled(rows, is_whole=False)
        offset = page.next_offset
        if offset is None:
            return Pulled(rows, is_whole=True)
    return Pulled(rows, is_whole=False)


async def place_pulled(uow: UnitOfWork, row: PulledPayment, errand: PullErrand) -> None:
    """Place one payment that was pulled; one that is known changes nothing."""
    shortcode = errand.collector.account.till_number or errand.collector.account.shortcode
    arrival = Arrival(
        source=Source.PULL, receipt=row.receipt, amount_cents=row.amount_cents, shortcode=shortcode,
        shortcodes=errand.shortcodes, paid_at=row.near, payer_number=row.msisdn, bill_reference=row.bill_reference,
    )  # fmt: skip
    if uow.tenant == PLATFORM_BUSINESS_ID:
        await take_pulled(uow, arrival)
    else:
        await place_money(uow, arrival)


async def conclude_pull(uow: UnitOfWork, errand: PullErrand, pulled: Pulled) -> None:
    """Record what is covered, and end what would have come by now."""
    shortcode = errand.collector.account.shortcode
    known = await windows.find_window(uow, shortcode)
    if not pulled.is_whole:
        rows = len(pulled.rows)
        audit.record(uow, "payments.pull_inconclusive", uow.tenant, shortcode=shortcode, rows=rows, fault=pulled.fault)
        return
    covered = extended(known.covered if known else None, errand.window)
    await windows.store_window(uow, shortcode, covered, note="")
    for payment_id, asked_at in await windows.list_in_doubt(uow, errand.shortcodes, before=uow.now - PATIENCE):
        if is_overdue(asked_at, covered, patience=PATIENCE):
            await _expire(uow, payment_id)
    for payment_id in await windows.list_unproved_claims(uow, before=covered.ends_at - PATIENCE):
        await _not_found(uow, payment_id, covered)


async def _expire(uow: UnitOfWork, payment_id: UUID) -> None:
    message = Message(Source.PULL, Outcome.FAILED, reason=UNCONFIRMED, result_code=UNCONFIRMED)
    await apply_message(uow, payment_id, message, attached=Attached(reason_text=_TOO_OLD))


async def _not_found(uow: UnitOfWork, payment_id: UUID, covered: Window) -> None:
    claim = await claims.lock_claim(uow, payment_id)
    if (
        claim is None
        or claim.verdict != Verdict.WAITING
        or not is_overdue(claim.created_at, covered, patience=PATIENCE)
    ):
        return
    await claims.set_verdict(uow, payment_id, Verdict.NOT_FOUND)
    audit.record(uow, "payment.claim_not_found", payment_id, amount_cents=claim.amount_cents)
    uow.touch("payments", payment_id)
