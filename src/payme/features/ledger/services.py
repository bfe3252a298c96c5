"""Use cases of the ledger: open the accounts, post, reverse, read."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from payme.features.ledger import repository
from payme.features.ledger.enums import AccountCode
from payme.features.ledger.errors import ReversalIsFinal, TransactionNotFound
from payme.features.ledger.rules import Posting, is_reversal, reversal_of, worth_posting
from payme.features.ledger.schemas import TrialBalance
from payme.runtime.database import UnitOfWork


async def open_accounts(uow: UnitOfWork) -> None:
    """Give the business at hand its chart of accounts; doing it again changes nothing."""
    await repository.insert_accounts(uow)


def post(uow: UnitOfWork, postings: Sequence[Posting], *, occurred_at: datetime | None = None) -> None:
    """Book postings with this transaction, at its end. Zero amounts are left out, negative ones turned round.

    Raises, at the flush: AlreadyPosted for a (cause, kind) that is booked, AccountMissing.
    """
    moving = worth_posting(postings)
    if moving:
        repository.defer_postings(uow, moving, occurred_at or uow.now)


async def reverse_transaction(uow: UnitOfWork, transaction_id: UUID) -> None:
    """Book the opposite of every posting of money of a transaction; tokens stay spent, the wallet gives them back itself.

    Raises: TransactionNotFound, ReversalIsFinal; at the flush AlreadyPosted.
    """
    postings = await repository.list_postings_of(uow, transaction_id)
    if not postings:
        raise TransactionNotFound(transaction_id=transaction_id)
    if any(map(is_reversal, postings)):
        raise ReversalIsFinal(transaction_id=transaction_id)
    post(uow, [reversal_of(each) for each in postings])


async def trial_balance(uow: UnitOfWork) -> TrialBalance:
    """Return every account's balance and the sums by unit, which are zero in sound books."""
    accounts = await repository.list_balances(uow)
    return TrialBalance(
        accounts=accounts,
        sum_cents=sum(each.balance for each in accounts if each.unit == "KES"),
        sum_tokens=sum(each.balance for each in accounts if each.unit == "TOKEN"),
    )


async def balances_of(uow: UnitOfWork, codes: Iterable[AccountCode]) -> dict[AccountCode, int]:
    """Return the balances of some accounts by code."""
    wanted = set(codes)
    return {AccountCode(each.code): each.balance for each in await repository.list_balances(uow) if each.code in wanted}
