"""Which products of M-Pesa are down, as the worker has found.

The till shows it as a banner with the manual way to be paid. One process's outage is everybody's news, never everybody's rest.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog

from payme.features.payments.repository import turns
from payme.features.payments.schemas import OutageView
from payme.runtime.database import Database, DatabaseUnavailable, UnitOfWork

_KNOWN_FOR: Final = timedelta(minutes=2)
_WORDS: Final[dict[str, tuple[str, str]]] = {
    "stkpush": (
        "M-Pesa prompts are not working now. Have the customer pay to the till or paybill by hand, or take cash.",
        "Maombi ya M-Pesa hayafanyi kazi sasa. Mteja alipe mwenyewe kwa till au paybill, au lipisha pesa taslimu.",
    ),
    "b2c": (
        "M-Pesa payouts wait: M-Pesa does not answer.",
        "Malipo ya kutuma kwa M-Pesa yanasubiri: M-Pesa haijibu.",
    ),
}
_OTHER: Final = ("A part of M-Pesa does not answer now.", "Sehemu ya M-Pesa haijibu sasa.")
_log = structlog.get_logger("payme.payments")


@dataclass(frozen=True, slots=True)
class OutageBook:
    """Writes outages down as the breaker tells of them; the call that found one does not fail for the book's sake."""

    database: Database

    async def tell(self, product: str, rests_until: datetime | None) -> None:
        """Record that a product rests, or answers again."""

        async def record(uow: UnitOfWork) -> None:
            if rests_until is None:
                await turns.end_outage(uow, product)
            else:
                await turns.store_outage(uow, product, rests_until=rests_until)

        _log.warning("payments.product_down" if rests_until else "payments.product_up", product=product)
        try:
            await self.database.run(record)
        except DatabaseUnavailable:
            _log.warning("payments.outage_not_recorded", product=product)


async def list_outages(uow: UnitOfWork) -> list[OutageView]:
    """Return the products that are down, with words for a cashier."""
    found = await turns.list_outages(uow, rested_after=uow.now - _KNOWN_FOR)
    views: list[OutageView] = []
    for each in found:
        en, sw = _WORDS.get(each.product, _OTHER)
        views.append(OutageView(product=each.product, since=each.since, advice=en, advice_sw=sw))
    return views
