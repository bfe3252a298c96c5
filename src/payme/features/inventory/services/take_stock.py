"""Lock, take, set aside and give back: what features above do to stock. They decide with the rules between lock and take."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from payme.features.inventory import repository
from payme.features.inventory.enums import MovementKind
from payme.features.inventory.rules import Occasion, StockFacts, Take, Wanted
from payme.runtime.database import UnitOfWork


async def lock_stock(uow: UnitOfWork, product_ids: Iterable[UUID]) -> StockFacts:
    """Lock the levels of products, in product order, until the transaction ends; return them with their open batches.

    Tracked products only; one without a level gets it here. Raises: ProductUnknown for a product of nobody in this business.
    """
    wanted = sorted(set(product_ids))
    facts = await repository.lock_stock(uow, wanted)
    missing = [each for each in wanted if each not in facts.levels]
    if not missing:
        return facts
    await repository.ensure_levels(uow, dict.fromkeys(missing, 0))
    return await repository.lock_stock(uow, wanted)


def take(
    uow: UnitOfWork,
    cause: UUID,
    *,
    takes: Sequence[Take],
    kind: MovementKind = MovementKind.SALE,
    occurred_at: datetime | None = None,
    reserved: bool = False,
) -> None:
    """Take out what was planned, with this transaction; the levels must be locked.

    `reserved`: these very quantities were set aside for this cause, and the reservation ends with the take.
    Raises, at the flush: AlreadyRecorded when a cause takes from one batch twice.
    """
    if takes:
        repository.defer_take(uow, takes, occasion=Occasion(cause, kind, occurred_at or uow.now), reserved=reserved)
        _touch(uow, (each.product_id for each in takes))


def reserve(uow: UnitOfWork, cause: UUID, *, wanted: Sequence[Wanted]) -> None:
    """Set quantities aside for a cause, with this transaction; the levels must be locked.

    Raises, at the flush: AlreadyRecorded when something is set aside for the cause already.
    """
    totals: dict[UUID, Wanted] = {}
    for line in wanted:
        before = totals.get(line.product_id)
        totals[line.product_id] = Wanted(line.product_id, line.quantity + (before.quantity if before else 0))
    if totals:
        repository.defer_reserve(uow, cause, wanted=list(totals.values()))
        _touch(uow, totals)


def release(uow: UnitOfWork, cause: UUID, *, product_ids: Iterable[UUID]) -> None:
    """Give back what is set aside for a cause, with this transaction; nothing set aside is not an error.

    `product_ids` are those of the cause, so that devices hear of their stock.
    """
    repository.defer_release(uow, cause)
    _touch(uow, product_ids)


def _touch(uow: UnitOfWork, product_ids: Iterable[UUID]) -> None:
    for product_id in product_ids:
        uow.touch("stock", product_id)
