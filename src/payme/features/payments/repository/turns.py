"""SQL of how M-Pesa may be called: whose turn it is to ask, and which products are down."""

from datetime import datetime, timedelta

from payme.kit.values import value
from payme.runtime.database import UnitOfWork


@value
class StoredOutage:
    """A product that gives no answer, and since when."""

    product: str
    since: datetime


async def take_turn(uow: UnitOfWork, app_key: str, product: str, *, every: timedelta) -> bool:
    """Take the right to ask a product once as an app; False while it was taken less than `every` ago."""
    return await uow.execute(
        """-- payments.take_turn
        insert into daraja_turns as kept (business_id, app_key, product, allowed_at)
        values ($1, $2, $3, $4::timestamptz + $5::interval)
        on conflict (business_id, app_key, product) do update set allowed_at = excluded.allowed_at
        where kept.allowed_at <= $4""",
        uow.tenant, app_key, product, uow.now, every,
    ) > 0  # fmt: skip


async def store_outage(uow: UnitOfWork, product: str, *, rests_until: datetime) -> None:
    """Record that a product is left alone; since when it is down stays as it was recorded first."""
    await uow.execute(
        """-- payments.store_outage
        insert into mpesa_outages (product, since, rests_until) values ($1, $2, $3)
        on conflict (product) do update set rests_until = greatest(mpesa_outages.rests_until, excluded.rests_until)""",
        product, uow.now, rests_until,
    )  # fmt: skip


async def end_outage(uow: UnitOfWork, product: str) -> None:
    """Forget that a product was down."""
    await uow.execute(
        """-- payments.end_outage
        delete from mpesa_outages where product = $1""",
        product,
    )


async def list_outages(uow: UnitOfWork, *, rested_after: datetime) -> list[StoredOutage]:
    """Return the products that are down, by name; one that nobody has called since `rested_after` is not known to be."""
    rows = await uow.fetch(
        """-- payments.list_outages
        select product, since from mpesa_outages where rests_until > $1 order by product""",
        rested_after,
    )
    return [StoredOutage(**row) for row in rows]
