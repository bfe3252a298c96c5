"""SQL of the balances that notices told, and of money that came without one."""

from datetime import datetime

from payme.features.payments.rules.balances import BalancePoint
from payme.runtime.database import UnitOfWork


async def list_points(uow: UnitOfWork, shortcodes: list[str], *, since: datetime) -> list[BalancePoint]:
    """Return the balances that notices to these short codes told, each receipt once."""
    rows = await uow.fetch(
        """-- payments.list_balance_points
        select distinct on (mpesa_receipt_number) paid_at, amount_cents, balance_cents from payment_evidence
        where business_id = $1 and balance_cents >= 0 and paid_at >= $3 and shortcode = any($2)
        order by mpesa_receipt_number, received_at""",
        uow.tenant, shortcodes, since,
    )  # fmt: skip
    return [BalancePoint(**row) for row in rows]


async def sum_without_notice(uow: UnitOfWork, shortcodes: list[str], *, since: datetime) -> int:
    """Return how much, in cents, is known to have come to these short codes by prompt, question or Pull, and had no notice."""
    return await uow.fetchval(
        """-- payments.sum_without_notice
        select coalesce(sum(amount_cents), 0)::bigint from (
          select mpesa_receipt_number, max(amount_cents) as amount_cents from payment_evidence
          where business_id = $1 and received_at >= $3 and shortcode = any($2) and outcome = 'paid'
            and mpesa_receipt_number is not null
          group by 1 having bool_and(balance_cents is null)) known""",
        uow.tenant, shortcodes, since,
    )  # fmt: skip
