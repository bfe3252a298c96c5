"""However what tills did arrives, the shop ends as if the same had been entered at the counter, one after the other.

PAYME_SYNC_RUNS says how many runs there are (`make soak-sync`: 5,000). Each run draws devices, what they did, and a delivery: out of order, repeated, twice at once, cut off in the middle, with clocks
that differ. Then the same facts are entered in another shop in the order in which the first one took them, and both must agree.
"""

import asyncio
import os
import random
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio

from payme.features import identity
from payme.features.identity import MakeDeviceCode
from payme.features.inventory import ReceiveGoods, SpoilStock, receive_goods, spoil_stock
from payme.features.sales import AtTill, CreateSale, RefundSale, create_sale, refund_sale
from payme.features.sync.rules.verdicts import hash_of_range
from payme.features.sync.schemas.commands import Reconcile
from payme.features.sync.schemas.devices import RegisterDevice
from payme.features.sync.services.devices import register_device
from payme.features.sync.services.inbox import Batch, take_in
from payme.features.sync.services.review import reconcile
from payme.kit.ids import new_id
from payme.runtime.database import Database, UnitOfWork
from tests.fault_rows import SEED
from tests.invariants import assert_invariants
from tests.people import Person, make_person
from tests.stock_room import make_product, receive
from tests.trade import TradingShop, open_shop

pytestmark = pytest.mark.asyncio(loop_scope="session")
RUNS = int(os.environ.get("PAYME_SYNC_RUNS", "200"))
SHARE = 20
PRICES = (5_000, 12_000)


@dataclass
class Till:
    """A device with its queue, and what it has heard of it."""

    id: UUID
    prefix: str
    skew: timedelta
    queue: list[dict[str, Any]] = field(default_factory=list)

    def add(self, name: str, args: dict[str, Any], staff: UUID, depends_on: list[str]) -> dict[str, Any]:
        number = len(self.queue) + 1
        command = {
            "id": str(new_id()), "device_id": str(self.id), "device_sequence": number, "name": name, "args": args,
            "depends_on": depends_on, "handed_over": True, "staff_id": str(staff),
            "occurred_at": (datetime.now(UTC) - self.skew).isoformat(),
        }  # fmt: skip
        self.queue.append(command)
        return command


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def owner(database: Database) -> Person:
    return await make_person(database)


@pytest.mark.parametrize("first", range(0, RUNS, SHARE))
async def test_any_delivery_ends_as_the_counter_would(database: Database, owner: Person, first: int) -> None:
    shop = await open_shop(database, owner=owner, paybill=False)
    counter = await open_shop(database, owner=owner, paybill=False)
    for number in range(first, first + SHARE):
        seed = f"{SEED}/{number}"
        try:
            await run(shop, counter, owner, random.Random(seed))
        except Exception as error:
            error.add_note(f"seed {seed}")
            raise


async def run(shop: TradingShop, counter: TradingShop, owner: Person, rng: random.Random) -> None:
    products, mirrored = [[await stock(each, price) for price in PRICES] for each in (shop, counter)]
    tills = [await enter(shop, rng) for _ in range(rng.randint(1, 3))]
    imagine(tills, products, owner.id, rng)
    await deliver(shop, tills, rng)
    await check_verdicts(shop, tills)
    await replay(shop, counter, dict(zip(products, mirrored, strict=True)), tills)
    assert await state(shop, products) == await state(counter, mirrored)
    await assert_invariants(shop.database, shop.business_id)


def imagine(tills: list[Till], products: list[UUID], staff: UUID, rng: random.Random) -> None:
    """Fill the queues with what the tills did; a refund may be of another till's sale, and names what it depends on."""
    sold: list[tuple[str, str, int]] = []
    for _ in range(rng.randint(3, 7)):
        till = rng.choice(tills)
        place = rng.randrange(len(products))
        what = rng.choices(["sale", "refund", "receive", "spoil"], [6, 2 if sold else 0, 1, 1])[0]
        if what == "sale":
            line, quantity = str(new_id()), rng.randint(1, 4)
            args = {
                "receipt_number": f"{till.prefix}-{len(till.queue) + 1:06d}",
                "lines": [{"id": line, "product_id": str(products[place]), "quantity": str(quantity)}],
                "tenders": [{"method": "cash", "amount_cents": quantity * PRICES[place]}],
            }
            sold.append((till.add("sale.create", args, staff, [])["id"], line, quantity))
        elif what == "refund":
            sale, line, quantity = sold.pop(rng.randrange(len(sold)))
            lines = [{"sale_line_id": line, "quantity": str(rng.randint(1, quantity)), "restock": rng.random() < 0.7}]
            till.add("sale.refund", {"sale_id": sale, "reason": "Torn", "lines": lines}, staff, [sale])
        elif what == "receive":
            args = {"product_id": str(products[place]), "quantity": "3", "total_cost_cents": rng.randint(1, 30_000)}
            till.add("stock.receive", args, staff, [])
        else:
            till.add("stock.spoil", {"product_id": str(products[place]), "quantity": "1", "type": "damage"}, staff, [])


async def deliver(shop: TradingShop, tills: list[Till], rng: random.Random) -> None:
    """Send the queues until the server has said of each command what became of it, and the till has heard it."""
    unheard = {each.id: list(each.queue) for each in tills}
    while any(unheard.values()):
        till = rng.choice([each for each in tills if unheard[each.id]])
        batch = rng.sample(unheard[till.id], rng.randint(1, len(unheard[till.id])))
        fate = rng.random()
        if fate < 0.15:
            with suppress(TimeoutError):
                await asyncio.wait_for(send(shop, till, batch), rng.uniform(0.001, 0.03))
            continue
        if fate < 0.3:
            await asyncio.gather(send(shop, till, batch), send(shop, till, list(reversed(batch))))
        answers = await send(shop, till, batch)
        if rng.random() < 0.2:
            continue
        heard = {str(each.id) for each in answers if each.status != "waiting"}
        for each in tills:
            unheard[each.id] = [command for command in unheard[each.id] if command["id"] not in heard]


async def send(shop: TradingShop, till: Till, batch: list[dict[str, Any]]) -> list[Any]:
    device = Batch(shop.database, shop.business_id, shop.actor, till.id, skew=till.skew)
    return await take_in(device, batch)


async def check_verdicts(shop: TradingShop, tills: list[Till]) -> None:
    """Find each command once, executed, with no number missing."""
    sent = sorted(each["id"] for till in tills for each in till.queue)
    rows = await shop.rows(
        "select id::text, status from sync_commands where business_id = $1 and id = any ($2::uuid[])", sent
    )
    assert sorted(row[0] for row in rows) == sent
    assert {row[1] for row in rows} <= {"applied", "needs_review"}, rows
    for till in tills:
        held = [(each["device_sequence"], UUID(each["id"])) for each in till.queue]
        if held:
            asked = Reconcile(device_sequence_from=1, device_sequence_to=len(held), hash=hash_of_range(held))
            found = await shop.run(lambda uow, of=till, asked=asked: reconcile(uow, of.id, asked))
            assert found.matches


async def replay(shop: TradingShop, counter: TradingShop, twins: dict[UUID, UUID], tills: list[Till]) -> None:
    """Enter what was executed at the counter of another shop, in the order in which the first shop took it."""
    order = await shop.rows(
        """select c.id::text from sync_commands c join sync_changes s on s.business_id = c.business_id and s.document_id = c.id
        where c.business_id = $1 and s.collection = 'commands' and c.applied_at is not null and c.id = any ($2::uuid[])
        order by s.seq""",
        [each["id"] for till in tills for each in till.queue],
    )
    commands = {each["id"]: dated(each, till) for till in tills for each in till.queue}
    for (command_id,) in order:
        await counter.run(lambda uow, command=commands[command_id]: enter_by_hand(uow, command, twins))


def dated(command: dict[str, Any], till: Till) -> dict[str, Any]:
    """Return a command with the day of a delivery, which decides what is sold first, as the counter would be told of it."""
    if command["name"] != "stock.receive":
        return command
    received_at = (datetime.fromisoformat(command["occurred_at"]) + till.skew).isoformat()
    return {**command, "args": {**command["args"], "received_at": received_at}}


async def enter_by_hand(uow: UnitOfWork, command: dict[str, Any], twins: dict[UUID, UUID]) -> None:
    args = {"id": command["id"], **command["args"]}
    args.pop("receipt_number", None)
    for holder in (args, *args.get("lines", ())):
        if "product_id" in holder:
            holder["product_id"] = str(twins.get(UUID(holder["product_id"]), holder["product_id"]))
    match command["name"]:
        case "sale.create":
            await create_sale(uow, CreateSale.model_validate(args), till=AtTill(uow.now, is_handed_over=True))
        case "sale.refund":
            await refund_sale(uow, UUID(args["sale_id"]), RefundSale.model_validate(args))
        case "stock.receive":
            await receive_goods(uow, ReceiveGoods.model_validate(args))
        case _:
            await spoil_stock(uow, SpoilStock.model_validate(args))


async def state(shop: TradingShop, products: list[UUID]) -> dict[str, Any]:
    """Return what the owner would count: goods and their value, money, tokens, and every sale as it stands."""
    rows = await shop.rows("select product_id, on_hand, value_cents from stock_levels where business_id = $1")
    levels = {row[0]: row[1:] for row in rows}
    sales = await shop.rows(
        "select id, status, total_cents, vat_cents, cost_cents, paid_cents from sales where business_id = $1 order by id"
    )
    return {
        "goods": [levels[each] for each in products], "sales": sales, "balances": await shop.balances(),
        "wallet": await shop.wallet(),
    }  # fmt: skip


async def stock(shop: TradingShop, price: int) -> UUID:
    product = await make_product(shop, price_cents=price)
    await receive(shop, product, "4", 9_999)
    await receive(shop, product, "3", 8_888)
    return product


async def enter(shop: TradingShop, rng: random.Random) -> Till:
    """Register a device, with a clock that differs from the server's by up to two days."""
    code = await shop.run(lambda uow: identity.make_code(uow, MakeDeviceCode(name="Till")))
    device = await register_device(shop.database, RegisterDevice(code=code.code))
    skew = rng.choice([timedelta(0), timedelta(hours=1), -timedelta(hours=1), timedelta(days=2), -timedelta(days=2)])
    return Till(device.device_id, device.receipt_prefix, skew)
