"""Whom a sale is made to, and in whose drawer its cash lies.

A shift is held ahead of the stock. Cash of what began in a shift that is over by now moves in the till's next drawer.
"""

from collections.abc import Sequence
from uuid import UUID

from payme.features import customers, shifts
from payme.features.customers import CustomerNotFound
from payme.features.payments import PaymentView
from payme.features.sales.enums import TenderMethod
from payme.features.sales.repository import sales
from payme.features.sales.rules.facts import AtTill
from payme.features.sales.schemas.sales import CreateSale
from payme.features.shifts import Cash, Drawer, ShiftNotFound
from payme.kit.errors import DomainError
from payme.kit.values import value
from payme.runtime.database import UnitOfWork

HELD, RETURNED, SOLD = "payment.held", "payment.returned", "sale.payment"


@value
class Part:
    """Whom a new sale is made to, and the drawer of its shift; what is not known of goods that are gone is left out."""

    customer_id: UUID | None
    drawer: Drawer | None
    till_id: UUID | None

    @property
    def shift_id(self) -> UUID | None:
        """The shift that the sale is made in."""
        return self.drawer.shift_id if self.drawer else None


async def take_part(uow: UnitOfWork, command: CreateSale, *, gone: AtTill | None = None) -> Part:
    """Hold the drawer of the shift that a new sale names, if it names one, and know its customer.

    Raises: customers.CustomerNotFound and those of `shifts.take_drawer`; for goods that are gone they are noted.
    """
    customer_id = command.customer_id
    if customer_id is not None:
        try:
            await customers.check_customer(uow, customer_id)
        except CustomerNotFound as refusal:
            customer_id = _noted(refusal, gone)
    drawer = None if command.shift_id is None else await _take_drawer(uow, command.shift_id, command, gone=gone)
    return Part(customer_id, drawer, command.till_id or (drawer.till_id if drawer else None))


async def _take_drawer(uow: UnitOfWork, shift_id: UUID, command: CreateSale, *, gone: AtTill | None) -> Drawer | None:
    try:
        drawer = await shifts.take_drawer(uow, shift_id, till_id=command.till_id, is_fact=gone is not None)
    except ShiftNotFound as refusal:
        return _noted(refusal, gone)
    if gone is not None:
        for code in drawer.review:
            gone.note(code)
    return drawer


def _noted(refusal: DomainError, gone: AtTill | None) -> None:
    if gone is None:
        raise refusal
    gone.note(refusal.code)


def attribute(uow: UnitOfWork, sale_id: UUID, part: Part) -> None:
    """Have a sale that is being written say whose it is."""
    if part.customer_id is not None or part.shift_id is not None:
        sales.defer_attribution(uow, sale_id, customer_id=part.customer_id, shift_id=part.shift_id)


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
