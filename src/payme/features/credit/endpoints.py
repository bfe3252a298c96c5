"""HTTP of credit accounts."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Query

from payme.features.credit.errors import (
    AccountClosed,
    AlreadyTakenBack,
    CreditAccountExists,
    CreditAccountNotFound,
    DebtLeft,
    MoreThanOwed,
    NotByMpesa,
    RepaymentExists,
    RepaymentNotFound,
)
from payme.features.credit.schemas import (
    ChangeCreditAccount,
    ClaimForAccount,
    CreditAccountView,
    OpenCreditAccount,
    RepayCredit,
    RepaymentView,
    StatementView,
    TakeBack,
)
from payme.features.credit.services.keep_accounts import change_account, lock_account, open_account
from payme.features.credit.services.read_accounts import get_account, list_accounts, read_statement
from payme.features.credit.services.repay import repay
from payme.features.credit.services.repay_by_mpesa import claim_for_account, take_back
from payme.features.customers import CustomerNotFound
from payme.features.payments import (
    AlreadyClaimed,
    AmountOutsideLimits,
    MethodNotConfigured,
    MoneyInDispute,
    NotVerifiedYet,
    PhoneInvalid,
    PromptAlreadyOpen,
    PromptMayOwnIt,
    UnclaimedNotFound,
    WholeShillings,
)
from payme.features.shifts import ShiftClosed, ShiftNotFound, ShiftNotYours
from payme.features.tokens import TokensExhausted
from payme.kit.pagination import Page
from payme.kit.time import QueryDay
from payme.runtime.database import UnitOfWork
from payme.runtime.http import Call, Feature, Paging, Response, Router

router = Router(prefix="/v1/businesses/{business_id}/credit-accounts", tag="credit")


@router.post(
    operation="credit_accounts_open", status=201, response=CreditAccountView, may="credit.manage",
    errors=(CustomerNotFound, CreditAccountExists),
)  # fmt: skip
async def begin(call: Call, command: OpenCreditAccount) -> Response:
    """Let a customer owe, up to a limit."""
    return await call.idempotent(command, lambda uow: open_account(uow, command))


@router.get(operation="credit_accounts_list", response=Page[CreditAccountView], may="credit.read")
async def list_page(
    call: Call,
    query: Paging,
    *,
    customer_id: Annotated[UUID | None, Query()] = None,
    only_owing: Annotated[bool, Query(description="Only accounts with something on them.")] = False,
) -> Response:
    """List credit accounts, newest first."""

    async def work(uow: UnitOfWork, after: list[Any] | None, limit: int) -> list[CreditAccountView]:
        return await list_accounts(uow, after, limit, customer_id=customer_id, only_owing=only_owing)

    return await call.read_page(query, work, key=lambda row: [row.created_at.isoformat(), str(row.id)])


@router.get(
    "/{credit_account_id}", operation="credit_accounts_get", response=CreditAccountView, may="credit.read",
    errors=(CreditAccountNotFound,),
)  # fmt: skip
async def read(call: Call, credit_account_id: UUID) -> Response:
    """Read a credit account."""
    return await call.read(lambda uow: get_account(uow, credit_account_id))


@router.patch(
    "/{credit_account_id}", operation="credit_accounts_change", response=CreditAccountView, may="credit.manage",
    errors=(CreditAccountNotFound, DebtLeft),
)  # fmt: skip
async def change(call: Call, credit_account_id: UUID, *, command: ChangeCreditAccount) -> Response:
    """Change limit or terms, close an account at zero or open it again."""
    return await call.update(
        lambda uow: change_account(uow, credit_account_id, command=command),
        rev=lambda uow: lock_account(uow, credit_account_id),
    )


@router.post(
    "/{credit_account_id}/repayments", operation="credit_accounts_repay", status=201, response=RepaymentView,
    may="credit.repay",
    errors=(
        CreditAccountNotFound, MoreThanOwed, RepaymentExists, TokensExhausted, ShiftNotFound, ShiftClosed, ShiftNotYours,
        WholeShillings, AmountOutsideLimits, PhoneInvalid, MethodNotConfigured, PromptAlreadyOpen,
    ),
)  # fmt: skip
async def take_repayment(call: Call, credit_account_id: UUID, command: RepayCredit) -> Response:
    """Take money for what a customer owes, or ask their phone for it."""
    return await call.idempotent(command, lambda uow: repay(uow, credit_account_id, command))


@router.post(
    "/{credit_account_id}/claims", operation="credit_accounts_claim", status=201, response=RepaymentView,
    may="payments.claim",
    errors=(
        CreditAccountNotFound, AccountClosed, UnclaimedNotFound, AlreadyClaimed, MoneyInDispute, NotVerifiedYet,
        PromptMayOwnIt, TokensExhausted,
    ),
)  # fmt: skip
async def claim(call: Call, credit_account_id: UUID, command: ClaimForAccount) -> Response:
    """Repay what a customer owes with money in the unclaimed tray."""
    return await call.idempotent(command, lambda uow: claim_for_account(uow, credit_account_id, command))


@router.post(
    "/{credit_account_id}/repayments/{repayment_id}/take-back", operation="credit_accounts_take_back", status=200,
    response=CreditAccountView, may="credit.manage",
    errors=(CreditAccountNotFound, RepaymentNotFound, NotByMpesa, AlreadyTakenBack),
)  # fmt: skip
async def undo_repayment(call: Call, credit_account_id: UUID, repayment_id: UUID, *, command: TakeBack) -> Response:
    """Take back what was repaid by M-Pesa: it is owed again, and the money lies in the unclaimed tray."""
    return await call.idempotent(
        command, lambda uow: take_back(uow, credit_account_id, repayment_id, command=command), status=200
    )


@router.get(
    "/{credit_account_id}/statement", operation="credit_accounts_statement", response=StatementView, may="credit.read",
    errors=(CreditAccountNotFound,),
)  # fmt: skip
async def read_lines(
    call: Call, credit_account_id: UUID, *, since: QueryDay | None = None, until: QueryDay | None = None
) -> Response:
    """Read what was owed and paid, and which purchases are not settled."""
    return await call.read(lambda uow: read_statement(uow, credit_account_id, since=since, until=until))


feature = Feature("credit", "What customers may owe, and do owe.", (router,))
