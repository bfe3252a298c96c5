"""Which service executes which command: the very ones of the HTTP endpoints, with the same schemas as `args`."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from pydantic import BaseModel

from payme.features import credit, customers, expenses, identity, inventory, sales, shifts
from payme.features.customers import CreateCustomer
from payme.features.expenses import RecordExpense
from payme.features.identity import Proven
from payme.features.inventory import AdjustStock, ReceiveGoods, SpoilStock
from payme.features.sales import AtTill, CreateSale, MpesaClaimTender, RefundView
from payme.features.shifts import OpenShift, ShiftView
from payme.features.sync.schemas.commands import (
    ClaimArgs,
    CloseShiftArgs,
    RefundArgs,
    RepayArgs,
    ResolveArgs,
    VoidArgs,
    WrongPinsArgs,
)
from payme.features.sync.services.conflicts import resolve_conflict
from payme.kit.ids import new_id
from payme.runtime.database import UnitOfWork


@dataclass(slots=True)
class Situation:
    """Where and when a command was done; `odd` collects what a person should look at."""

    command_id: UUID
    device_id: UUID
    till_id: UUID
    occurred_at: datetime
    handed_over: bool
    proven: Proven | None = None
    shift_id: UUID | None = None
    odd: list[str] = field(default_factory=list[str])


Run = Callable[[UnitOfWork, Any, Situation], Awaitable[BaseModel]]


@dataclass(frozen=True, slots=True)
class Handler:
    """What a command takes, which permission it needs, and what executes it."""

    args: type[BaseModel]
    permission: str
    run: Run


class Noted(BaseModel):
    """Nothing more to say than that it is known."""

    id: UUID


async def _sell(uow: UnitOfWork, args: CreateSale, at: Situation) -> BaseModel:
    till = AtTill(at.occurred_at, at.handed_over, at.odd)
    command = args.model_copy(update={"id": args.id or at.command_id, "till_id": at.till_id, "branch_id": None})
    return await sales.create_sale(uow, command, proven=at.proven, till=till)


async def _refund(uow: UnitOfWork, args: RefundArgs, at: Situation) -> BaseModel:
    till = AtTill(at.occurred_at, at.handed_over, at.odd)
    return _agreed(await sales.refund_sale(uow, args.sale_id, _own_id(args, at), proven=at.proven, till=till), at)


async def _void(uow: UnitOfWork, args: VoidArgs, at: Situation) -> BaseModel:
    till = AtTill(at.occurred_at, at.handed_over, at.odd)
    return _agreed(await sales.void_sale(uow, args.sale_id, _own_id(args, at), proven=at.proven, till=till), at)


def _agreed(refund: RefundView, at: Situation) -> RefundView:
    """Note where the money has left the drawer and nobody has agreed to it yet."""
    if at.handed_over and refund.state == "awaiting_approval":
        at.odd.append("approval_missing")
    return refund


async def _claim(uow: UnitOfWork, args: ClaimArgs, _at: Situation) -> BaseModel:
    tender = MpesaClaimTender(
        method="mpesa_claim", amount_cents=args.amount_cents, mpesa_receipt_number=args.mpesa_receipt_number,
        channel=args.channel,
    )  # fmt: skip
    return await sales.add_payment(uow, args.sale_id, tender)


async def _receive(uow: UnitOfWork, args: ReceiveGoods, at: Situation) -> BaseModel:
    received_at = args.received_at or min(at.occurred_at, uow.now)
    return await inventory.receive_goods(uow, _own_id(args, at).model_copy(update={"received_at": received_at}))


async def _adjust(uow: UnitOfWork, args: AdjustStock, at: Situation) -> BaseModel:
    return await inventory.adjust_stock(uow, _own_id(args, at), proven=at.proven)


async def _spoil(uow: UnitOfWork, args: SpoilStock, at: Situation) -> BaseModel:
    return await inventory.spoil_stock(uow, _own_id(args, at), proven=at.proven)


async def _wrong_pins(uow: UnitOfWork, args: WrongPinsArgs, at: Situation) -> BaseModel:
    await identity.record_wrong_pins(uow, at.device_id, args.user_id, tries=args.tries)
    return Noted(id=new_id())


def _own_id(args: Any, at: Situation) -> Any:
    """Return args under an id; the command's own where the till gave none, so that its effect has one id however it comes."""
    return args.model_copy(update={"id": args.id or at.command_id})


async def _add_customer(uow: UnitOfWork, args: CreateCustomer, at: Situation) -> BaseModel:
    return await customers.create_customer(uow, _own_id(args, at))


async def _open_shift(uow: UnitOfWork, args: OpenShift, at: Situation) -> BaseModel:
    command = _own_id(args, at).model_copy(
        update={"till_id": at.till_id, "occurred_at": args.occurred_at or min(at.occurred_at, uow.now)}
    )
    return _reviewed(await shifts.open_shift(uow, command, is_fact=at.handed_over), at)


async def _close_shift(uow: UnitOfWork, args: CloseShiftArgs, at: Situation) -> BaseModel:
    return _reviewed(await shifts.close_shift(uow, args.shift_id, args, is_fact=at.handed_over), at)


async def _resolve(uow: UnitOfWork, args: ResolveArgs, _at: Situation) -> BaseModel:
    return await resolve_conflict(uow, args.conflict_id, command=args)


async def _spend(uow: UnitOfWork, args: RecordExpense, at: Situation) -> BaseModel:
    view = await expenses.record_expense(uow, _own_id(args, at), is_fact=at.handed_over)
    at.odd.extend(view.review)
    return view


async def _repay(uow: UnitOfWork, args: RepayArgs, at: Situation) -> BaseModel:
    return await credit.repay(uow, args.credit_account_id, _own_id(args, at), is_fact=at.handed_over)


def _reviewed(view: ShiftView, at: Situation) -> ShiftView:
    at.odd.extend(view.review)
    return view


HANDLERS: Final[dict[str, Handler]] = {
    "sale.create": Handler(CreateSale, "sales.create", _sell),
    "sale.refund": Handler(RefundArgs, "sales.refund", _refund),
    "sale.void": Handler(VoidArgs, "sales.void", _void),
    "payment.claim": Handler(ClaimArgs, "sales.create", _claim),
    "stock.receive": Handler(ReceiveGoods, "stock.receive", _receive),
    "stock.adjust": Handler(AdjustStock, "stock.adjust", _adjust),
    "stock.spoil": Handler(SpoilStock, "stock.spoil", _spoil),
    "customer.create": Handler(CreateCustomer, "customers.write", _add_customer),
    "shift.open": Handler(OpenShift, "shifts.work", _open_shift),
    "shift.close": Handler(CloseShiftArgs, "shifts.work", _close_shift),
    "credit.repay": Handler(RepayArgs, "credit.repay", _repay),
    "expense.record": Handler(RecordExpense, "expenses.record", _spend),
    "conflict.resolve": Handler(ResolveArgs, "sync.review", _resolve),
    "staff.wrong_pins": Handler(WrongPinsArgs, "", _wrong_pins),
}
