"""Take what a customer brings for what they owe: money in, debt down, one token. What M-Pesa brings is heard of later."""

from typing import Final
from uuid import UUID

from payme.features import audit, ledger, shifts, tokens
from payme.features.credit import repository
from payme.features.credit.enums import EntryKind
from payme.features.credit.repository import Move
from payme.features.credit.schemas import RepayCredit, RepaymentView
from payme.features.credit.services.debts import COLLECTION
from payme.features.credit.services.read_accounts import get_account
from payme.features.credit.services.repay_by_mpesa import OPERATION, REPAID, ask_for_repayment
from payme.features.ledger import AccountCode, Posting
from payme.features.shifts import Cash
from payme.kit.ids import new_id
from payme.runtime.database import UnitOfWork

_INTO: Final = {"cash": AccountCode.CASH, "card_recorded": AccountCode.CARD}


async def repay(uow: UnitOfWork, account_id: UUID, command: RepayCredit, *, is_fact: bool = False) -> RepaymentView:
    """Take a repayment; more than is owed is paid ahead where it is a fact, and refused where it is a request.

    Raises: CreditAccountNotFound, those of `shifts.take_drawer` and, for a prompt, of `payments.request_stk`; at the flush
    MoreThanOwed, RepaymentExists, TokensExhausted.
    """
    if command.method == "mpesa_stk":
        return await ask_for_repayment(uow, account_id, command, is_fact=is_fact)
    in_cash = command.method == "cash"
    drawer = await shifts.take_drawer(uow, command.shift_id, is_fact=is_fact) if command.shift_id else None
    await get_account(uow, account_id)
    repayment_id = command.id or new_id()
    move = Move(
        account_id, repayment_id, EntryKind.REPAYMENT, -command.amount_cents, is_fact, method=command.method, note=command.note
    )  # fmt: skip
    repository.defer_moves(uow, [move])
    ledger.post(
        uow, [Posting(REPAID, AccountCode.RECEIVABLES, _INTO[command.method], command.amount_cents, repayment_id)]
    )
    if drawer is not None and in_cash:
        await shifts.move_cash(uow, drawer, [Cash(REPAID, repayment_id, command.amount_cents)])
    tokens.charge(uow, repayment_id, OPERATION, is_fact=is_fact, is_gone=is_fact)
    audit.record(
        uow, "credit.repaid", repayment_id, credit_account_id=account_id, amount_cents=command.amount_cents, method=command.method
    )  # fmt: skip
    uow.touch(COLLECTION, account_id)
    return RepaymentView(
        id=repayment_id, credit_account_id=account_id, amount_cents=command.amount_cents, method=command.method,
        note=command.note, recorded_at=uow.now,
    )  # fmt: skip
