"""Open credit accounts, change what they allow, close them at zero."""

from uuid import UUID

from payme.features import audit, customers
from payme.features.credit import repository
from payme.features.credit.enums import AccountState
from payme.features.credit.errors import CreditAccountNotFound, DebtLeft
from payme.features.credit.schemas import ChangeCreditAccount, CreditAccountView, OpenCreditAccount
from payme.features.credit.services.debts import COLLECTION
from payme.features.credit.services.read_accounts import get_account
from payme.kit.ids import new_id
from payme.runtime.database import UnitOfWork


async def open_account(uow: UnitOfWork, command: OpenCreditAccount) -> CreditAccountView:
    """Let a customer owe. Raises: customers.CustomerNotFound, CreditAccountExists."""
    await customers.check_customer(uow, command.customer_id)
    account_id = command.id or new_id()
    while not await repository.insert_account(uow, account_id, command):
        # Somebody else's code was drawn; of nine million few are taken.
        continue
    audit.record(
        uow, "credit_account.opened", account_id, customer_id=command.customer_id, limit_cents=command.limit_cents,
        terms_days=command.terms_days,
    )  # fmt: skip
    uow.touch(COLLECTION, account_id)
    return await get_account(uow, account_id)


async def lock_account(uow: UnitOfWork, account_id: UUID) -> int:
    """Lock an account and return its revision. Raises: CreditAccountNotFound."""
    return (await _lock(uow, account_id)).rev


async def change_account(uow: UnitOfWork, account_id: UUID, *, command: ChangeCreditAccount) -> CreditAccountView:
    """Change what the command names; a limit below the debt stops only new purchases. Raises: CreditAccountNotFound, DebtLeft."""
    before = await _lock(uow, account_id)
    wanted = {name: getattr(command, name) for name in command.model_fields_set}
    changed = {name: value for name, value in wanted.items() if getattr(before, name) != value}
    if not changed:
        return before
    after = before.model_copy(update=changed)
    if after.state == AccountState.CLOSED and before.balance_cents:
        raise DebtLeft(balance_cents=before.balance_cents)
    await repository.update_account(
        uow, account_id, limit_cents=after.limit_cents, terms_days=after.terms_days, state=AccountState(after.state)
    )
    audit.record(
        uow,
        "credit_account.changed",
        account_id,
        changed={name: {"from": getattr(before, name), "to": value} for name, value in changed.items()},
    )
    uow.touch(COLLECTION, account_id)
    return await get_account(uow, account_id)


async def _lock(uow: UnitOfWork, account_id: UUID) -> CreditAccountView:
    account = await repository.lock_account(uow, account_id)
    if account is None:
        raise CreditAccountNotFound(credit_account_id=account_id)
    return account
