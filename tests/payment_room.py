"""A database with the tools of payments under a clock that stands still, and a shop that collects by M-Pesa.

Not a plugin; a conftest imports the fixtures `clock`, `database` and `shop`. M-Pesa's words are played by hand: answers by the
functions that the jobs call, callbacks through the inbox as they come over the wire.
"""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID, uuid4

import asyncpg
import pytest
import pytest_asyncio

from payme.entrypoints.features import wire
from payme.entrypoints.wiring import tools_of
from payme.features import operations, payments
from payme.features.identity import PERMISSIONS
from payme.features.payments import ConfigureMethod, PaymentView
from payme.features.payments.rules.transitions import Message
from payme.features.payments.services.apply_message import apply_message
from payme.features.payments.services.handle_callback import handle_callback
from payme.features.payments.services.manage import get_payment
from payme.features.payments.services.receive_callback import receive_callback
from payme.features.payments.services.send_push import Errand, begin_sending, record_acceptance
from payme.features.tokens.services import open_wallet
from payme.integrations.daraja import StkAccepted
from payme.kit.actor import Actor
from payme.kit.ids import new_id
from payme.kit.time import FrozenClock
from payme.runtime.database import Database, PoolLimits, UnitOfWork
from payme.runtime.settings import Settings
from tests.operators import certificate
from tests.shop import open_shop

Result = TypeVar("Result")
PHONE = "0711000100"
ACCOUNT = {
    "shortcode": "174379", "account_reference": "DUKA", "environment": "sandbox", "consumer_key": "key-of-a-test",
    "consumer_secret": "secret-of-a-test", "passkey": "passkey-of-a-test",
}  # fmt: skip
OPERATED = ACCOUNT | {"initiator_name": "dukaapi", "initiator_password": "Duka#2026%"}
SETTINGS = {
    "APP_ENV": "test", "MPESA_CONSUMER_KEY": "platform-key", "MPESA_CONSUMER_SECRET": "platform-secret",
    "MPESA_PASSKEY": "platform-passkey", "MPESA_CERTIFICATE": certificate().decode(), "PASSWORD_MEMORY_KIB": "19456", "PASSWORD_ITERATIONS": "2",
    "MPESA_QUERY_GAP_SECONDS": "0", "MPESA_QUERIES_PER_MINUTE": "1000000000",
}  # fmt: skip


def a_receipt() -> str:
    """Make a receipt that no other test has."""
    return f"UKM{uuid4().hex[:7].upper()}"


def stk_callback(checkout_id: str, *, code: int = 0, amount: str = "150.00", receipt: str | None = None) -> bytes:
    """Spell a callback as M-Pesa does: numbers as numbers, `Balance` without a value, no metadata on failure."""
    receipt = a_receipt() if receipt is None else receipt
    message: dict[str, Any] = {
        "MerchantRequestID": "2654-4b64-97ff-b827b542881d3130", "CheckoutRequestID": checkout_id, "ResultCode": code,
        "ResultDesc": "The service request is processed successfully." if code == 0 else "Request cancelled by user",
    }  # fmt: skip
    text = json.dumps({"Body": {"stkCallback": message}})
    if code != 0:
        return text.encode()
    items = (
        f'[{{"Name":"Amount","Value":{amount}}},{{"Name":"MpesaReceiptNumber","Value":"{receipt}"}},'
        '{"Name":"Balance"},{"Name":"TransactionDate","Value":20261122101500},{"Name":"PhoneNumber","Value":254711000100}]'
    )
    return (text[:-3] + f',"CallbackMetadata":{{"Item":{items}}}}}}}}}').encode()


@dataclass
class Till:
    """A shop's side of payments, a transaction a call."""

    database: Database
    clock: FrozenClock
    business_id: UUID
    actor: Actor
    owner_dsn: str

    async def run(self, work: Callable[[UnitOfWork], Awaitable[Result]]) -> Result:
        """Run work in one transaction of the shop and commit it."""
        return await self.database.run(work, business_id=self.business_id, actor=self.actor)

    async def request(self, amount_cents: int = 15_000, *, purpose_id: UUID | None = None) -> PaymentView:
        """Ask a customer's phone for money."""
        wanted = purpose_id or new_id()
        return await self.run(
            lambda uow: payments.request_stk(
                uow, purpose="sale", purpose_id=wanted, amount_cents=amount_cents, phone=PHONE, payee="business"
            )
        )

    async def begin(self, payment_id: UUID) -> Errand | None:
        """Mark a prompt as sending."""
        return await self.run(lambda uow: begin_sending(uow, payment_id))

    async def sent(self, amount_cents: int = 15_000) -> tuple[UUID, str, str]:
        """Have a prompt out; return the payment, the secret of its callback and the prompt's id."""
        payment = await self.request(amount_cents)
        errand = await self.begin(payment.id)
        assert errand is not None
        checkout_id = f"ws_CO_{payment.id.hex}"
        await self.accept(payment.id, checkout_id)
        return payment.id, errand.token, checkout_id

    async def accept(self, payment_id: UUID, checkout_id: str) -> None:
        """Have M-Pesa accept the push."""
        accepted = StkAccepted("2654-4b64-97ff", checkout_id)
        await self.run(lambda uow: record_acceptance(uow, payment_id, accepted))

    async def hear(self, payment_id: UUID, message: Message) -> str:
        """Tell a payment something, and return what was made of it."""
        return (await self.run(lambda uow: apply_message(uow, payment_id, message))).effect

    async def receive(
        self, token: str, body: bytes, *, address: str = "196.201.214.200", shortcode: str = "174379"
    ) -> UUID:
        """Store a callback as the API does, in a transaction of no business; return its place in the inbox."""

        async def work(uow: UnitOfWork) -> None:
            headers = {
                "content-type": "application/json", "authorization": "Bearer nobody-keeps-this", "businessshortcode": shortcode,
            }  # fmt: skip
            await receive_callback(uow, token, kind="stk", headers=headers, body=body, remote_address=address)

        await self.database.run(work)
        # The inbox is shared, and the clocks of other rooms of this process may be ahead of this one's.
        sql = "select id from callback_inbox where business_id = $1 order by received_at desc, id desc limit 1"
        return await self.run(lambda uow: uow.fetchval(sql, self.business_id))

    async def call_back(self, token: str, body: bytes, *, shortcode: str = "174379") -> UUID:
        """Store a callback and understand it, as API and worker do."""
        inbox_id = await self.receive(token, body, shortcode=shortcode)
        await self.run(lambda uow: handle_callback(uow, inbox_id))
        return inbox_id

    async def payment(self, payment_id: UUID) -> PaymentView:
        """Read a payment."""
        return await self.run(lambda uow: get_payment(uow, payment_id))

    async def rows(self, sql: str, *arguments: Any) -> list[tuple[Any, ...]]:
        """Return rows as the shop sees them; `$1` is the business."""
        return [tuple(row) for row in await self.run(lambda uow: uow.fetch(sql, self.business_id, *arguments))]

    async def effects(self, payment_id: UUID) -> list[str]:
        """Return what was made of each message about a payment, in order."""
        sql = "select effect from payment_evidence where business_id = $1 and payment_id = $2 order by received_at, id"
        return [row[0] for row in await self.rows(sql, payment_id)]

    async def tray(self) -> list[tuple[Any, ...]]:
        """Return reason, amount and state of every row of the unclaimed tray."""
        sql = "select reason, amount_cents, state from unclaimed_money where business_id = $1 order by received_at, id"
        return await self.rows(sql)

    async def balances(self) -> dict[str, int]:
        """Return the accounts whose balance is not nothing."""
        sql = """select a.code, b.balance from accounts a join ledger_balances b
            on b.business_id = a.business_id and b.account_id = a.id where a.business_id = $1 and b.balance <> 0 and a.unit = 'KES'"""
        return dict(await self.rows(sql))

    async def jobs(self, name: str) -> list[dict[str, Any]]:
        """Return the payloads of this shop's waiting jobs of one name."""
        sql = "select payload from pgqueuer where entrypoint = $1 order by id"
        connection = await asyncpg.connect(self.owner_dsn)
        try:
            found = [json.loads(row["payload"]) for row in await connection.fetch(sql, name)]
        finally:
            await connection.close()
        return [payload for payload in found if payload.get("business_id") == str(self.business_id)]

    async def broken(self, *groups: int) -> list[str]:
        """Return the invariants of these groups that do not hold."""
        findings = await self.run(operations.check_invariants)
        return [f"{each.name}: {each.examples}" for each in findings if each.number in groups and each.violations]


@pytest.fixture
def clock(frozen: FrozenClock) -> FrozenClock:
    """The clock of the database, at an instant of its own for each test."""
    return frozen


@pytest.fixture(scope="session")
def frozen() -> FrozenClock:
    """The one clock of this test process."""
    return FrozenClock(datetime(2026, 11, 22, 7, 0, tzinfo=UTC))


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def database(owner_dsn: str, frozen: FrozenClock) -> AsyncIterator[Database]:
    """This worker's database, with every feature wired."""
    wiring = wire(tools_of(Settings.from_values(SETTINGS | {"DATABASE_URL": owner_dsn})))
    limits = PoolLimits(connections=8, acquire_seconds=30)
    opened = await Database(owner_dsn, wiring=wiring, clock=frozen, limits=limits).open()
    yield opened
    await opened.close()


@pytest_asyncio.fixture(loop_scope="session")
async def shop(database: Database, clock: FrozenClock, owner_dsn: str) -> Till:
    """A fresh shop that collects by its paybill."""
    return await open_till(database, clock, owner_dsn=owner_dsn)


async def open_till(database: Database, clock: FrozenClock, *, owner_dsn: str, configured: bool = True) -> Till:
    """Make a shop, with a paybill unless told otherwise."""
    clock.advance(timedelta(minutes=1))
    made = await open_shop(database)
    till = Till(database, clock, made.business_id, Actor("user", new_id(), "Wanjiku", "test", PERMISSIONS), owner_dsn)
    await till.run(lambda uow: open_wallet(uow, welcome=30, overdraft=200))
    if configured:
        await till.run(lambda uow: payments.configure_method(uow, "paybill", ConfigureMethod.model_validate(ACCOUNT)))
    return till
