"""A shop that sells by prompt under a clock that stands still, with M-Pesa's words in the test's hand.

What M-Pesa says of its own accord comes through the inbox, as over the wire. What it answers is a script (`tests.faults.mpesa`);
the rest of the outside world is nobody's here.
"""

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx2

from payme.entrypoints.features import wire
from payme.entrypoints.wiring import WorkerServices, cipher_of, tools_of
from payme.features.businesses import PLATFORM_BUSINESS_ID, ensure_platform_business
from payme.features.payments import ConfigureMethod, DarajaAccess, configure_method, request_registration
from payme.features.payments.services.handle_result import DOOR_HEADER, TIMEOUT_DOOR
from payme.features.payments.services.receive_callback import receive_callback
from payme.features.payments.services.register_c2b import C2B_KIND
from payme.features.payments.services.send_payout import RESULT_KIND
from payme.features.payments.services.send_push import Errand, begin_sending, record_acceptance
from payme.integrations.daraja import ClientOptions, StkAccepted
from payme.kit.ids import new_id
from payme.kit.time import FrozenClock
from payme.runtime.database import Database, PoolLimits, UnitOfWork
from payme.runtime.settings import Settings
from tests.faults.mpesa import SHORTCODE, Script
from tests.faults.settled import assert_nothing_left_waiting
from tests.invariants import assert_invariants
from tests.payment_room import OPERATED, SETTINGS, a_receipt
from tests.stock_room import make_product, receive
from tests.trade import TradingShop, open_shop, stk
from tests.virtual_worker import VirtualWorker

PRICE = 15_000
SHELF = 100_000
PATIENT = {"MPESA_QUERY_GAP_SECONDS": "0", "MPESA_QUERIES_PER_MINUTE": "1000000000"}
PULLED = OPERATED | {"pull_number": "0722000000"}
_SOURCE = "196.201.214.200"
_STORED_HERE = "select id from callback_inbox where id >= $1 and xmin = pg_current_xact_id()::xid order by id"
_BELOW_MILLISECONDS = 80


@dataclass(frozen=True)
class Prompt:
    """A prompt that is out, and the receipt that its money would have."""

    sale_id: UUID
    payment_id: UUID
    token: str
    checkout_id: str
    receipt: str
    amount_cents: int = PRICE
    phone: str = ""


@dataclass
class PromptShop:
    """The shop, its worker, and the two ways in."""

    trade: TradingShop
    worker: VirtualWorker
    script: Script
    clock: FrozenClock
    product: UUID
    _phones: Iterator[int] = field(default_factory=itertools.count)

    @property
    def business_id(self) -> UUID:
        return self.trade.business_id

    async def prompts(self, count: int) -> list[Prompt]:
        """Sell by prompt so often, and have M-Pesa accept each."""
        return list(await at_most(8, [self.prompt] * count))

    async def prompt(self, *, accepted: bool = True, quantity: int = 1, phone: str = "") -> Prompt:
        """Sell by prompt; unless M-Pesa has accepted it, the push has left and nobody knows more."""
        amount, phone = PRICE * quantity, phone or f"2547{next(self._phones):08d}"
        sale = await self.trade.sell((self.product, quantity), tenders=[stk(amount, phone=phone)])
        payment_id = sale.payments[0].id
        errand: Errand | None = await self.trade.run(lambda uow: begin_sending(uow, payment_id))
        assert errand is not None, "a new prompt is to be sent"
        made = Prompt(sale.id, payment_id, errand.token, f"ws_CO_{payment_id.hex}", a_receipt(), amount, phone)
        if accepted:
            await self.accept(made)
        return made

    async def accept(self, prompt: Prompt) -> None:
        """Hear that M-Pesa took the push."""
        accepted = StkAccepted("2654-4b64-97ff", prompt.checkout_id)
        await self.trade.run(lambda uow: record_acceptance(uow, prompt.payment_id, accepted))

    async def store(self, prompt: Prompt, bodies: Sequence[bytes]) -> list[UUID]:
        """Have callbacks of a prompt stored, in one transaction; return their places in the inbox."""
        headers = {"content-type": "application/json", "businessshortcode": SHORTCODE}
        return await self.store_at(f"/d/{prompt.token}/stk", bodies, headers=headers)

    async def store_at(
        self, url: str, bodies: Sequence[bytes], *, headers: Mapping[str, str] | None = None
    ) -> list[UUID]:
        """Have what M-Pesa tells at an address stored, in one transaction; return the places in the inbox."""
        token, _, door = url.rpartition("/d/")[2].partition("/")
        kind = {"stk": "stk", "c2b/confirm": C2B_KIND, "c2b/validate": C2B_KIND}.get(door, RESULT_KIND)
        kept = {**(headers or {}), DOOR_HEADER: TIMEOUT_DOOR if door == TIMEOUT_DOOR else ""}

        async def work(uow: UnitOfWork) -> list[UUID]:
            for body in bodies:
                await receive_callback(uow, token, kind=kind, headers=kept, body=body, remote_address=_SOURCE)
            return [row["id"] for row in await uow.fetch(_STORED_HERE, begun)]

        begun = UUID(int=new_id().int >> _BELOW_MILLISECONDS << _BELOW_MILLISECONDS)
        return await self.trade.database.run(work)

    async def be_told(self, *, pulled: bool = False) -> str:
        """Have M-Pesa tell of money that comes by itself, and where asked for have it pulled; return the address."""
        if pulled:
            method = ConfigureMethod.model_validate(PULLED)
            await self.trade.run(lambda uow: configure_method(uow, "paybill", method))
        await self.trade.run(lambda uow: request_registration(uow, "paybill"))
        await self.worker.run_for(timedelta(seconds=1), tick=timedelta(seconds=1))
        assert self.script.told_at, "the worker has registered an address"
        return self.script.told_at

    async def deliver(self) -> int:
        """Have what M-Pesa has told since arrive; return how much it was."""
        news, self.script.news = self.script.news, []
        for url, body in news:
            await self.store_at(url, [body])
        return len(news)

    async def hours_pass(self, hours: float, *, step_minutes: float = 15) -> None:
        """Let time pass; what M-Pesa tells arrives within a step."""
        for _ in range(int(hours * 60 / step_minutes)):
            await self.worker.run_for(timedelta(minutes=step_minutes))
            await self.deliver()

    async def sound(self, *, for_a_person: Sequence[UUID] = ()) -> None:
        """Fail unless every invariant holds and nothing waits that nobody comes for."""
        await assert_invariants(self.trade.database, self.business_id)
        await assert_nothing_left_waiting(self.worker.database, self.business_id, for_a_person=for_a_person)


@asynccontextmanager
async def open_prompt_shop(
    dsn: str, *, connections: int = 10, tokens: int = 2_000, **more: str
) -> AsyncIterator[PromptShop]:
    """Open a shop with full shelves and so many tokens, on as many connections as one shop may ever have.

    `more` are settings.
    """
    settings = Settings.from_values(SETTINGS | PATIENT | {"DATABASE_URL": dsn} | more)
    clock = FrozenClock(datetime(2026, 11, 22, 7, 0, tzinfo=UTC))
    wiring = wire(tools_of(settings))

    def on(role: str, count: int) -> Database:
        limits = PoolLimits(connections=count, acquire_seconds=60, lock_seconds=20, share_of_one_business=1)
        return Database(dsn, role=role, wiring=wiring, clock=clock, limits=limits)

    database, behind = await on("payme_app", connections).open(), await on("payme_worker", 8).open()
    script = Script()
    async with httpx2.AsyncClient(transport=httpx2.MockTransport(script.answer)) as http:
        access = DarajaAccess(http, "http://daraja.test", "http://shop.test", ClientOptions(), cipher_of(settings))
        await database.run(ensure_platform_business, business_id=PLATFORM_BUSINESS_ID)
        trade = await open_shop(database)
        worker = await VirtualWorker(behind, clock, trade.business_id, WorkerServices(access)).open()
        try:
            await trade.set_tokens(tokens)
            product = await make_product(trade, price_cents=PRICE)
            await receive(trade, product, str(SHELF), SHELF * 100)
            yield PromptShop(trade, worker, script, clock, product)
        finally:
            await worker.close()
            await behind.close()
            await database.close()


async def at_most(count: int, works: Sequence[Callable[[], Awaitable[Any]]]) -> list[Any]:
    """Run all, so many at once, and return what they returned, in order."""
    places = asyncio.Semaphore(count)

    async def run(work: Callable[[], Awaitable[Any]]) -> Any:
        async with places:
            return await work()

    return await asyncio.gather(*map(run, works))
