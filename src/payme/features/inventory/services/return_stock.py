"""Sold goods come back, at what they cost when they left: to the shelf, or in and out again as spoilage."""

from collections.abc import Sequence

from payme.features import ledger
from payme.features.inventory import repository
from payme.features.inventory.enums import MovementKind, SpoilageType
from payme.features.inventory.rules import Occasion, Returned, Take, gather_returns, plan_arrival
from payme.features.inventory.services.changes import bring_in
from payme.features.inventory.services.take_stock import lock_stock
from payme.features.ledger import AccountCode, Posting
from payme.runtime.database import UnitOfWork


async def bring_back(uow: UnitOfWork, returned: Sequence[Returned], *, reason: str) -> None:
    """Lock the stock of what comes back, bring it in out of the cost of goods sold, and write off what is spoiled.

    Of a product, all that goes to the shelf comes in as one batch, and so does all that is spoiled; each under the cause of the first
    of its parts. The shelf settles what is owed; spoiled goods settle nothing. Raises: TooMuch; at the flush AlreadyRecorded.
    """
    facts = await lock_stock(uow, (each.product_id for each in returned))
    for each in gather_returns(returned):
        occasion = Occasion(each.cause, MovementKind.RETURN_IN, uow.now, reason=reason)
        if each.spoiled:
            _spoil(uow, each, occasion)
            continue
        await bring_in(
            uow,
            facts.levels[each.product_id],
            quantity=each.quantity,
            cost_cents=each.cost_cents,
            occasion=occasion,
            source=AccountCode.COST_OF_GOODS,
        )


def _spoil(uow: UnitOfWork, returned: Returned, occasion: Occasion) -> None:
    product_id, cause, cost_cents = returned.product_id, returned.cause, returned.cost_cents
    arrival = plan_arrival(returned.quantity, cost_cents, owed=())
    repository.defer_bring_in(uow, arrival, occasion=occasion, product_id=product_id)
    loss = Occasion(
        cause, MovementKind.SPOILAGE, occasion.occurred_at, reason=occasion.reason, spoilage_type=SpoilageType.OTHER
    )
    repository.defer_take(uow, [Take(product_id, cause, returned.quantity, cost_cents)], occasion=loss)
    ledger.post(
        uow,
        [
            Posting("stock.return_in", AccountCode.COST_OF_GOODS, AccountCode.INVENTORY, cost_cents, cause),
            Posting("stock.spoilage", AccountCode.INVENTORY, AccountCode.SPOILAGE, cost_cents, cause),
        ],
    )
    uow.touch("stock", product_id)
