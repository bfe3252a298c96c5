"""SQL of Pull: which short codes are pulled, and which stretch of time is covered."""

from datetime import datetime
from uuid import UUID

from payme.features.payments.rules.windows import Window
from payme.kit.values import value
from payme.runtime.database import UnitOfWork


@value
class StoredWindow:
    """What is covered of a short code; Pull was opened at `registered_at`."""

    covered: Window
    registered_at: datetime | None


async def list_pulled_kinds(uow: UnitOfWork) -> list[str]:
    """Return the ways to be paid whose payments are pulled."""
    rows = await uow.fetch(
        """-- payments.list_pulled_kinds
        select kind from payment_methods where business_id = $1 and kind in ('paybill', 'till') and active
          and pull_number_encrypted is not null order by kind""",
        uow.tenant,
    )
    return [row["kind"] for row in rows]


async def find_window(uow: UnitOfWork, shortcode: str) -> StoredWindow | None:
    """Return what is covered of a short code, or None."""
    row = await uow.fetchrow(
        """-- payments.find_window
        select covered_from, covered_until, registered_at from pull_windows where business_id = $1 and shortcode = $2""",
        uow.tenant, shortcode,
    )  # fmt: skip
    return StoredWindow(Window(row["covered_from"], row["covered_until"]), row["registered_at"]) if row else None


async def store_window(uow: UnitOfWork, shortcode: str, covered: Window, *, note: str) -> None:
    """Record what is covered now; a window that another attempt has carried further stays."""
    await uow.execute(
        """-- payments.store_window
        insert into pull_windows as kept (business_id, shortcode, covered_from, covered_until, registered_at, asked_at, note)
        values ($1, $2, $3, $4, $5, $5, $6)
        on conflict (business_id, shortcode) do update set covered_from = excluded.covered_from,
          covered_until = excluded.covered_until, registered_at = coalesce(kept.registered_at, excluded.registered_at),
          asked_at = excluded.asked_at, note = excluded.note
        where kept.covered_until <= excluded.covered_until""",
        uow.tenant, shortcode, covered.starts_at, covered.ends_at, uow.now, note,
    )  # fmt: skip


async def list_in_doubt(uow: UnitOfWork, shortcodes: list[str], *, before: datetime) -> list[tuple[UUID, datetime]]:
    """Return prompts to these short codes whose outcome nobody knows, sent before an instant, with when; oldest first."""
    rows = await uow.fetch(
        """-- payments.list_in_doubt
        select id, coalesce(sent_at, created_at) as asked_at from payments
        where business_id = $1 and created_at < $3 and shortcode = any($2) and method = 'mpesa_stk'
          and status in ('pending', 'unknown') and claimed_cents is null
        order by created_at, id limit 500""",
        uow.tenant, shortcodes, before,
    )  # fmt: skip
    return [(row["id"], row["asked_at"]) for row in rows]


async def list_unproved_claims(uow: UnitOfWork, *, before: datetime) -> list[UUID]:
    """Return the claims that M-Pesa should have told of, made before an instant, oldest first."""
    rows = await uow.fetch(
        """-- payments.list_unproved_claims
        select id from payments where business_id = $1 and created_at < $2 and method = 'mpesa_claim' and verdict = 'waiting'
        order by created_at, id limit 500""",
        uow.tenant, before,
    )  # fmt: skip
    return [row["id"] for row in rows]
