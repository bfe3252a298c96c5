"""A shop that can trade: the whole wiring, a business made by its own service, a paybill, and what tests say to it in a line.

Not a plugin; a conftest imports the fixtures: `database` (this worker's, open), `shop` and `other_shop`. M-Pesa's words are
played through the one door that all of them come through, and the news is then heard as the jobs would hear it.
"""

import itertools
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest_asyncio

from payme.entrypoints.features import wire
from payme.entrypoints.wiring import tools_of
from payme.features import tokens
from payme.features.approvals import ApprovalApproved, ApprovalLapsed, ApprovalRejected
from payme.features.businesses import (
    PLATFORM_BUSINESS_ID,
    CreateBusiness,
    create_business,
    ensure_platform_business,
)
from payme.features.businesses.schemas import ChangeBusiness
from payme.features.businesses.services import change_business
from payme.features.credit.services import repay_by_mpesa
from payme.features.identity import Proven, Role, permissions_of
from payme.features.payments import ConfigureMethod, PaymentFailed, PaymentSucceeded, WalletOverpaid, configure_method
from payme.features.payments.enums import Outcome, Source
from payme.features.payments.rules.transitions import Decision, Message
from payme.features.payments.services.apply_message import apply_message
from payme.features.sales import (
    CreateSale,
    RefundSale,
    RefundView,
    SaleView,
    VoidSale,
    add_payment,
    cancel_sale,
    create_sale,
    get_sale,
    list_refunds,
    refund_sale,
    void_sale,
)
from payme.features.sales.schemas.credit_notes import CreditNoteView
from payme.features.sales.schemas.sales import AddPayment
from payme.features.sales.services.credit_notes import list_credit_notes
from payme.features.sales.services.finish_refund import REFUND_KINDS, hear_of_approval, hear_of_refusal
from payme.features.sales.services.settle_sale import hear_of_failure, receive_payment
from payme.features.tokens.events import TokensPurchased
from payme.features.tokens.services import credit_excess, credit_purchase, fail_purchase
from payme.kit.actor import Actor
from payme.kit.ids import new_id
from payme.runtime.database import Database, PoolLimits, UnitOfWork
from payme.runtime.settings import Settings
from tests.operators import certificate
from tests.people import Person, make_person
from tests.shop import Shop

_RECEIVERS = {
    "sale": receive_payment, "token_purchase": credit_purchase, "credit_account": repay_by_mpesa.receive_payment
}  # fmt: skip
_MOURNERS = {
    "sale": hear_of_failure, "token_purchase": fail_purchase, "credit_account": repay_by_mpesa.hear_of_failure
}  # fmt: skip
PHONE = "0712345600"
_RECEIPTS = itertools.count(1)


def settings_for(dsn: str) -> Settings:
    """Return the settings of a deployment that signs people up cheaply."""
    return Settings.from_values(
        {
            "DATABASE_URL": dsn, "PASSWORD_MEMORY_KIB": "19456", "PASSWORD_ITERATIONS": "2",
            "MPESA_CERTIFICATE": certificate().decode(),
        }
    )  # fmt: skip


async def open_database(dsn: str, *, limits: PoolLimits | None = None) -> Database:
    """Open a database with everything that hears of anything wired up."""
    limits = limits or PoolLimits(connections=8, acquire_seconds=60)
    opened = await Database(dsn, limits=limits, wiring=wire(tools_of(settings_for(dsn)))).open()
    await opened.run(ensure_platform_business, business_id=PLATFORM_BUSINESS_ID)
    return opened


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def database(owner_dsn: str) -> AsyncIterator[Database]:
    """This worker's database, in the app's role."""
    opened = await open_database(owner_dsn)
    yield opened
    await opened.close()


@dataclass
class TradingShop(Shop):
    """A tenant with accounts, a wallet and a paybill; acts as its owner unless told otherwise."""

    owner: Person | None = None
    heard: set[UUID] = field(default_factory=set)

    def acting(self, role: Role) -> "TradingShop":
        """Return the same shop with somebody else of a role at the counter."""
        actor = Actor("user", new_id(), role.value, f"test-{role}", permissions_of([role]))
        return TradingShop(self.database, self.business_id, actor, self.owner, self.heard)

    # -- what people do

    async def sell(self, *lines: Any, tenders: list[Any], proven: Proven | None = None, **more: Any) -> SaleView:
        """Sell lines: a product, or (product, quantity), or a whole line."""
        command = CreateSale.model_validate({"lines": [_line(each) for each in lines], "tenders": tenders, **more})
        return await self.run(lambda uow: create_sale(uow, command, proven=proven))

    async def pay(self, sale_id: UUID, **tender: Any) -> SaleView:
        """Take another tender for a sale."""
        command = AddPayment.model_validate(tender)
        return await self.run(lambda uow: add_payment(uow, sale_id, command.root))

    async def cancel(self, sale_id: UUID) -> SaleView:
        return await self.run(lambda uow: cancel_sale(uow, sale_id))

    async def sale(self, sale_id: UUID) -> SaleView:
        return await self.run(lambda uow: get_sale(uow, sale_id))

    async def refund(self, sale: SaleView, *lines: Any, proven: Proven | None = None, **more: Any) -> RefundView:
        """Give back lines of a sale: (place, quantity), or (place, quantity, restock); without any, everything."""
        wanted = lines or tuple((place, each.quantity) for place, each in enumerate(sale.lines))
        command = RefundSale.model_validate(
            {"reason": "Torn", "lines": [_back(sale, *each) for each in wanted], "method": "cash", **more}
        )
        return await self.run(lambda uow: refund_sale(uow, sale.id, command, proven=proven))

    async def void(self, sale_id: UUID, *, proven: Proven | None = None, **more: Any) -> RefundView:
        command = VoidSale.model_validate({"reason": "Mistake", **more})
        return await self.run(lambda uow: void_sale(uow, sale_id, command, proven=proven))

    async def refunds(self, sale_id: UUID) -> list[RefundView]:
        return await self.run(lambda uow: list_refunds(uow, sale_id))

    async def credit_notes(self) -> list[CreditNoteView]:
        """Return the credit notes, the oldest first."""
        found = await self.run(lambda uow: list_credit_notes(uow, None, 200, only_open=False))
        return sorted(found, key=lambda each: each.number)

    async def set_limits(self, **limits: Any) -> None:
        """Change the business's limits by their names."""
        await self.run(lambda uow: change_business(uow, ChangeBusiness(**limits)))

    async def set_tokens(self, available: int) -> None:
        """Bring what is left in the wallet to a figure, through the wallet's own operations."""
        present: int = await self.value("select balance - reserved from token_wallets where business_id = $1")
        if available > present:
            await self.run(lambda uow: _grant(uow, available - present))
        if available < present:
            await self.run(lambda uow: _spend(uow, present - available))

    # -- what M-Pesa says

    async def say(self, payment_id: UUID, message: Message, *, heard: bool = True) -> Decision:
        """Have M-Pesa say something, and hear the news of it unless it is to wait."""
        decision = await self.run(lambda uow: apply_message(uow, payment_id, message))
        if heard:
            await self.hear()
        return decision

    async def accept(self, payment_id: UUID) -> None:
        """Have the prompt accepted."""
        await self.say(payment_id, Message(Source.ACCEPTANCE, Outcome.ACCEPTED, checkout_request_id=f"ws_{payment_id}"))

    async def paid(self, payment_id: UUID, amount_cents: int, *, heard: bool = True, receipt: str = "") -> Decision:
        """Have the customer pay."""
        message = Message(
            Source.CALLBACK, Outcome.PAID, amount_cents=amount_cents, receipt=receipt or new_receipt(), result_code="0"
        )
        return await self.say(payment_id, message, heard=heard)

    async def fails(self, payment_id: UUID, *, heard: bool = True) -> Decision:
        """Have the customer refuse."""
        message = Message(Source.CALLBACK, Outcome.FAILED, reason="cancelled_by_customer", result_code="1032")
        return await self.say(payment_id, message, heard=heard)

    async def hear(self, *, again: bool = False) -> None:
        """Hear what has happened to payments since last time, as the jobs would; `again`: all of it once more."""
        rows = await self.rows(
            "select id, name, payload from events where business_id = $1 and id <> all($2) order by seq, id",
            [] if again else self.heard,
        )
        for event_id, name, payload in rows:
            self.heard.add(event_id)
            await self.tell(name, payload)

    async def tell(self, name: str, payload: dict[str, Any]) -> None:
        if name == PaymentSucceeded.name:
            succeeded = PaymentSucceeded.model_validate(payload)
            to = _RECEIVERS[succeeded.purpose]
            await self.run(lambda uow: to(uow, succeeded))
        elif name == PaymentFailed.name:
            failed = PaymentFailed.model_validate(payload)
            hearing = _MOURNERS[failed.purpose]
            await self.run(lambda uow: hearing(uow, failed))
        elif name == WalletOverpaid.name:
            overpaid = WalletOverpaid.model_validate(payload)
            await self.run(lambda uow: credit_excess(uow, overpaid))
        elif name == TokensPurchased.name:
            return
        elif name in {each.name for each in (ApprovalApproved, ApprovalRejected, ApprovalLapsed)}:
            await self.run(lambda uow: _hear_of_approval(uow, name, payload))

    # -- what there is to see

    async def wallet(self) -> tuple[int, int]:
        """Return balance and reserved."""
        ((balance, reserved),) = await self.rows("select balance, reserved from token_wallets where business_id = $1")
        return balance, reserved

    async def balances(self) -> dict[str, int]:
        """Return every account that is not at zero."""
        rows = await self.rows(
            """select a.code, b.balance from accounts a
            join ledger_balances b on b.business_id = a.business_id and b.account_id = a.id
            where a.business_id = $1 and b.balance <> 0 order by a.code"""
        )
        return {row[0]: row[1] for row in rows}

    async def unclaimed(self) -> list[tuple[Any, ...]]:
        """Return amounts and reasons in the tray."""
        return await self.rows(
            "select amount_cents, reason from unclaimed_money where business_id = $1 and state = 'unclaimed' order by id"
        )


def cash(amount_cents: int, **more: Any) -> dict[str, Any]:
    return {"method": "cash", "amount_cents": amount_cents, **more}


def stk(amount_cents: int, **more: Any) -> dict[str, Any]:
    return {"method": "mpesa_stk", "amount_cents": amount_cents, "phone": PHONE, **more}


def card(amount_cents: int, **more: Any) -> dict[str, Any]:
    return {"method": "card_recorded", "amount_cents": amount_cents, **more}


def by_note(note: CreditNoteView, amount_cents: int) -> dict[str, Any]:
    return {"method": "credit_note", "amount_cents": amount_cents, "number": note.number}


def new_receipt() -> str:
    """Return a receipt number that nobody else has in this test process."""
    return f"U{new_id().int % 36**4:04X}"[:3].ljust(3, "K") + f"{next(_RECEIPTS):07d}"


async def open_shop(database: Database, *, owner: Person | None = None, paybill: bool = True) -> TradingShop:
    """Make a business by its service, so that everything that reacts to a new one has."""
    owner = owner or await make_person(database)
    shop = TradingShop(database, new_id(), owner.actor(Role.OWNER), owner)
    await shop.run(lambda uow: create_business(uow, CreateBusiness(name="Duka"), owner_name="Wanjiku"))
    if paybill:
        method = ConfigureMethod(
            shortcode="174379", account_reference="DUKA", environment="sandbox", consumer_key="key",
            consumer_secret="secret", passkey="passkey", initiator_name="dukaapi", initiator_password="Duka#2026%",
        )  # fmt: skip
        await shop.run(lambda uow: configure_method(uow, "paybill", method))
    return shop


@pytest_asyncio.fixture(loop_scope="session")
async def shop(database: Database) -> TradingShop:
    """A fresh business."""
    return await open_shop(database)


@pytest_asyncio.fixture(loop_scope="session")
async def other_shop(database: Database) -> TradingShop:
    """Another fresh business."""
    return await open_shop(database)


def _line(line: Any) -> dict[str, Any]:
    if isinstance(line, UUID):
        return {"product_id": line, "quantity": Decimal(1)}
    if isinstance(line, tuple):
        return {"product_id": line[0], "quantity": Decimal(line[1])}
    return line


def _back(sale: SaleView, place: int, quantity: Any, restock: bool = True) -> dict[str, Any]:
    return {"sale_line_id": sale.lines[place].id, "quantity": Decimal(quantity), "restock": restock}


async def _hear_of_approval(uow: UnitOfWork, name: str, payload: dict[str, Any]) -> None:
    if payload["kind"] not in REFUND_KINDS:
        return
    if name == ApprovalApproved.name:
        await hear_of_approval(uow, ApprovalApproved.model_validate(payload))
        return
    refusal = ApprovalRejected if name == ApprovalRejected.name else ApprovalLapsed
    await hear_of_refusal(uow, refusal.model_validate(payload))


async def _grant(uow: UnitOfWork, quantity: int) -> None:
    await tokens.grant(uow, quantity, reason="test")


async def _spend(uow: UnitOfWork, quantity: int) -> None:
    for _ in range(quantity):
        tokens.charge(uow, new_id(), "test")
