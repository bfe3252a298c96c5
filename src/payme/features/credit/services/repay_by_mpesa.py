"""Repayments that M-Pesa brings: by a prompt, by the account's code as reference, out of the tray; and taken back.

A repayment is its payment: one id, so that a receipt lowers a debt once. What is more than is owed is paid ahead. Of an account
that was closed meanwhile nobody repays anything: the money waits in the tray.
"""

from typing import Final
from uuid import UUID

from payme.features import audit, ledger, payments, tokens
from payme.features.credit import repository
from payme.features.credit.enums import AccountState, EntryKind
from payme.features.credit.errors import (
    AccountClosed,
    AlreadyTakenBack,
    MoreThanOwed,
    NotByMpesa,
    RepaymentNotFound,
)
from payme.features.credit.repository import Move
from payme.features.credit.schemas import ClaimForAccount, CreditAccountView, RepayCredit, RepaymentView, TakeBack
from payme.features.credit.services.debts import COLLECTION
from payme.features.credit.services.read_accounts import get_account
from payme.features.ledger import AccountCode, Posting
from payme.features.payments import Destination, PaymentFailed, PaymentSucceeded, PaymentView
from payme.runtime.database import UnitOfWork

PURPOSE: Final = "credit_account"
OPERATION: Final = "credit_repayment"
REPAID: Final = "credit.repaid"
_TAKEN_BACK: Final = "credit.taken_back"
_METHOD: Final = "mpesa"
_PROMPT: Final = "mpesa_stk"


async def ask_for_repayment(
    uow: UnitOfWork, account_id: UUID, command: RepayCredit, *, is_fact: bool = False
) -> RepaymentView:
    """Ask a phone for what a customer owes, one prompt at a time; a token is set aside until the answer.

    Raises: CreditAccountNotFound, MoreThanOwed, and what a prompt may be refused for; at the flush TokensExhausted.
    """
    account = await get_account(uow, account_id)
    if command.amount_cents > account.balance_cents and not is_fact:
        raise MoreThanOwed(balance_cents=account.balance_cents, wanted_cents=command.amount_cents)
    payment = await payments.request_stk(
        uow, purpose=PURPOSE, purpose_id=account_id, amount_cents=command.amount_cents, phone=command.phone,
        payee="business",
    )  # fmt: skip
    tokens.reserve(uow, payment.id, OPERATION, is_fact=is_fact)
    return RepaymentView(
        id=payment.id, credit_account_id=account_id, amount_cents=command.amount_cents, method=command.method,
        state="awaiting_payment", payment_id=payment.id, note=command.note, recorded_at=uow.now,
    )  # fmt: skip


async def receive_payment(uow: UnitOfWork, event: PaymentSucceeded) -> None:
    """Lower a debt by money that was confirmed for it; hearing it again changes nothing. Raises: CreditAccountNotFound, TokensExhausted."""
    payment = await payments.get_payment(uow, event.payment_id)
    account = await get_account(uow, event.purpose_id)
    is_closed = account.state == AccountState.CLOSED
    if not await payments.settle(uow, payment.id, "unclaimed" if is_closed else "applied"):
        return
    holds_token = payment.method == _PROMPT and not payment.late
    if is_closed:
        tokens.settle(uow, payment.id, OPERATION, completed=False)
        return
    _lower(uow, account.id, payment)
    if holds_token:
        tokens.settle(uow, payment.id, OPERATION, completed=True)
    else:
        tokens.charge(uow, payment.id, OPERATION, is_fact=True)


async def hear_of_failure(uow: UnitOfWork, event: PaymentFailed) -> None:
    """Release the token of a prompt that nobody paid; nothing was repaid."""
    tokens.settle(uow, event.payment_id, OPERATION, completed=False)


async def claim_for_account(uow: UnitOfWork, account_id: UUID, command: ClaimForAccount) -> RepaymentView:
    """Repay with money in the tray, all of it.

    Raises: CreditAccountNotFound, AccountClosed, and what `payments.claim_unclaimed` raises; at the flush TokensExhausted.
    """
    account = await get_account(uow, account_id)
    if account.state == AccountState.CLOSED:
        raise AccountClosed(credit_account_id=account_id)
    payment = await payments.claim_unclaimed(uow, command.unclaimed_id, Destination(PURPOSE, account_id))
    await payments.settle(uow, payment.id, "applied")
    _lower(uow, account_id, payment)
    tokens.charge(uow, payment.id, OPERATION, is_fact=True)
    return RepaymentView(
        id=payment.id, credit_account_id=account_id, amount_cents=payment.applied_cents, method=_METHOD,
        payment_id=payment.id, note=payment.mpesa_receipt_number or "", recorded_at=uow.now,
    )  # fmt: skip


async def take_back(uow: UnitOfWork, account_id: UUID, repayment_id: UUID, *, command: TakeBack) -> CreditAccountView:
    """Take a repayment by M-Pesa back, whole: it is owed again, and the money lies in the tray, to be sent back or claimed.

    Returns the account as it was before. Raises: CreditAccountNotFound, RepaymentNotFound, NotByMpesa, AlreadyTakenBack.
    """
    account = await get_account(uow, account_id)
    found = await repository.find_repayment(uow, account_id, repayment_id)
    if found is None:
        raise RepaymentNotFound(repayment_id=repayment_id)
    amount_cents, method = found
    if method != _METHOD:
        raise NotByMpesa(method=method)
    if not await payments.settle(uow, repayment_id, "unclaimed", was_applied=True):
        raise AlreadyTakenBack(repayment_id=repayment_id)
    move = Move(
        account_id, repayment_id, EntryKind.TAKEN_BACK, amount_cents, is_fact=True, method=_METHOD, note=command.reason
    )  # fmt: skip
    repository.defer_moves(uow, [move])
    back = Posting(_TAKEN_BACK, AccountCode.PAYMENTS_HELD, AccountCode.RECEIVABLES, amount_cents, repayment_id)
    ledger.post(uow, [back])
    audit.record(
        uow, _TAKEN_BACK, account_id, cause=repayment_id, amount_cents=amount_cents, reason=command.reason
    )  # fmt: skip
    uow.touch(COLLECTION, account_id)
    return account.model_copy(
        update={
            "balance_cents": account.balance_cents + amount_cents,
            "available_cents": max(account.limit_cents - account.balance_cents - amount_cents, 0),
            "state": AccountState.OPEN,
        }
    )


def _lower(uow: UnitOfWork, account_id: UUID, payment: PaymentView) -> None:
    amount_cents, receipt = payment.applied_cents, payment.mpesa_receipt_number or ""
    move = Move(
        account_id, payment.id, EntryKind.REPAYMENT, -amount_cents, is_fact=True, method=_METHOD, note=receipt
    )  # fmt: skip
    repository.defer_moves(uow, [move])
    ledger.post(uow, [Posting(REPAID, AccountCode.RECEIVABLES, AccountCode.PAYMENTS_HELD, amount_cents, payment.id)])
    audit.record(
        uow, REPAID, payment.id, credit_account_id=account_id, amount_cents=amount_cents, method=_METHOD
    )  # fmt: skip
    uow.touch(COLLECTION, account_id)
