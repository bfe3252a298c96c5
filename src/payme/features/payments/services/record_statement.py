"""Take in what a downloaded statement shows of money that customers paid, as Pull would have told of it."""

from datetime import datetime

from payme.features.payments.enums import Effect, Source
from payme.features.payments.repository import claims, methods
from payme.features.payments.repository import evidence as evidence_repository
from payme.features.payments.services.match_prompt import shortcodes_with
from payme.features.payments.services.place_money import Arrival, place_money
from payme.kit.values import value
from payme.runtime.database import UnitOfWork


@value
class StatementMoney:
    """A payment that a statement shows, in cents; the payer's number hidden as Safaricom hides it."""

    receipt: str
    amount_cents: int
    shortcode: str
    paid_at: datetime
    payer_name: str = ""
    payer_number: str = ""
    bill_reference: str = ""


async def record_statement_money(uow: UnitOfWork, money: StatementMoney) -> bool:
    """Place money that a statement shows, applied or in the tray, and return whether nobody had told of it before.

    A claim of it is proved, a payment that a query credited gets its receipt; what is known changes nothing.
    """
    is_known = (
        await evidence_repository.is_registered(uow, money.receipt)
        or await claims.find_receipt_holder(uow, money.receipt) is not None
    )
    arrival = Arrival(
        source=Source.STATEMENT, receipt=money.receipt, amount_cents=money.amount_cents, shortcode=money.shortcode,
        shortcodes=await list_numbers_with(uow, money.shortcode), paid_at=money.paid_at, payer_name=money.payer_name,
        payer_number=money.payer_number, bill_reference=money.bill_reference,
    )  # fmt: skip
    effect = await place_money(uow, arrival)
    return not is_known and effect is not Effect.RECEIPT_ADDED


async def find_collecting_number(uow: UnitOfWork, number: str) -> str | None:
    """Return the number that customers pay of the way to be paid that a number belongs to, or None where it is not the shop's."""
    for method in await methods.list_methods(uow):
        if number in {method.shortcode, method.till_number}:
            return method.till_number or method.shortcode
    return None


async def list_collecting_numbers(uow: UnitOfWork) -> list[str]:
    """Return the number that customers pay of each way to be paid that has one: every number of which a statement can tell."""
    numbers = {method.till_number or method.shortcode for method in await methods.list_methods(uow)}
    return sorted(number for number in numbers if number)


async def list_numbers_with(uow: UnitOfWork, number: str) -> list[str]:
    """Return all numbers under which M-Pesa may tell of the same money: a store's and its till's."""
    found = set(await shortcodes_with(uow, number))
    for method in await methods.list_methods(uow):
        if number in {method.shortcode, method.till_number}:
            found |= {each for each in (method.shortcode, method.till_number) if each}
    return sorted(found)
