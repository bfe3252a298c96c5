"""What sales do to debts: somebody buys on credit, the sale comes to nothing, goods come back.

The money is booked by whoever asks, with the payment or the refund. The balance is judged under its lock, at the flush.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

from payme.features import audit
from payme.features.credit import repository
from payme.features.credit.enums import AccountState, EntryKind
from payme.features.credit.errors import AccountClosed
from payme.features.credit.repository import Move
from payme.features.credit.services.read_accounts import get_account
from payme.kit.time import business_day
from payme.runtime.database import UnitOfWork

COLLECTION: Final = "credit_accounts"


async def charge(
    uow: UnitOfWork, account_id: UUID, *, payment_id: UUID, sale_id: UUID, amount_cents: int, is_fact: bool = False
) -> None:
    """Have a customer owe a part of a sale; it is due once the account's terms are over. A fact is held to no limit.

    Raises: CreditAccountNotFound, AccountClosed; at the flush LimitExceeded.
    """
    account = await get_account(uow, account_id)
    if account.state == AccountState.CLOSED and not is_fact:
        raise AccountClosed(credit_account_id=account_id)
    due_on = business_day(uow.now) + timedelta(days=account.terms_days)
    move = Move(account_id, payment_id, EntryKind.CHARGE, amount_cents, is_fact, sale_id, due_on)
    _record(uow, [move])


async def return_charge(uow: UnitOfWork, payment_ids: Sequence[UUID]) -> None:
    """Take back the debts that some payments made, for sales that came to nothing; other payments are passed over."""
    charges = await repository.list_charges(uow, payment_ids) if payment_ids else []
    _record(
        uow,
        [
            Move(account_id, payment_id, EntryKind.RETURNED, -amount, is_fact=True, sale_id=sale_id)
            for payment_id, account_id, sale_id, amount in charges
        ],
    )


async def lower_debt(uow: UnitOfWork, sale_id: UUID, *, refund_id: UUID, amount_cents: int) -> None:
    """Lower the debt of a sale whose goods came back; below zero where it had been paid by then, to be spent here."""
    account_id = await repository.find_account_of_sale(uow, sale_id)
    assert account_id is not None, "what lowers a debt was bought on credit"
    _record(
        uow, [Move(account_id, refund_id, EntryKind.REFUND, -amount_cents, is_fact=True, sale_id=sale_id)]
    )  # fmt: skip


def _record(uow: UnitOfWork, moves: Sequence[Move]) -> None:
    if not moves:
        return
    repository.defer_moves(uow, moves)
    for each in moves:
        audit.record(
            uow, f"credit.{each.kind}", each.account_id, cause=each.cause, amount_cents=each.amount_cents, sale_id=each.sale_id
        )  # fmt: skip
        uow.touch(COLLECTION, each.account_id)
