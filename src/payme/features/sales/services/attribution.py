"""Whom a sale is made to, and in whose drawer its cash lies.

A shift is held ahead of the stock. Cash of what began in a shift that is over by now moves in the till's next drawer.
"""

from collections.abc import Sequence
from uuid import UUID

from payme.features import customers, shifts
from payme.features.payments import PaymentView
from payme.features.sales.enums import TenderMethod
from payme.features.sales.repository import sales
from payme.features.sales.schemas.sales import CreateSale
from payme.features.shifts import Cash, Drawer
from payme.runtime.database import UnitOfWork

HELD, RETURNED, SOLD = "payment.held", "payment.returned", "sale.payment"


async def take_part(uow: UnitOfWork, command: CreateSale) -> Drawer | None:
    """Hold the drawer of the shift that a new sale names, if it names one, and know its customer.

    Raises: customers.CustomerNotFound and those of `shifts.take_drawer`.
    """
    if command.customer_id is not None:
        await customers.check_customer(uow, command.customer_id)
    if command.shift_id is None:
        return None
    return await shifts.take_drawer(uow, command.shift_id, till_id=command.till_id)


def attribute(uow: UnitOfWork, sale_id: UUID, command: CreateSale) -> None:
    """Have a sale that is being written say whose it is."""
    if command.customer_id is not None or command.shift_id is not None:
        sales.defer_attribution(uow, sale_id, customer_id=command.customer_id, shift_id=command.shift_id)


async def drawer_after(uow: UnitOfWork, shift_id: UUID | None) -> Drawer | None:
    """Hold the drawer that stands now where a sale or a refund of a shift was made; None where it was made in none."""
    return await shifts.find_drawer_after(uow, shift_id) if shift_id is not None else None


async def note_cash(uow: UnitOfWork, drawer: Drawer | None, kind: str, *, paid: Sequence[PaymentView]) -> None:
    """Note the cash among some payments as what a kind of posting moves through the drawer."""
    if drawer is None:
        return
    sign = -1 if kind == RETURNED else 1
    in_cash = [each for each in paid if each.method == TenderMethod.CASH]
    await shifts.move_cash(uow, drawer, [Cash(kind, each.id, sign * each.applied_cents) for each in in_cash])
