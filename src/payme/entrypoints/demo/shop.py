"""The demo's shop: its people, its products, and 30 days of trade made by the real services under a seeded clock.

Nothing is inserted past the services, so the books of the demo are as sound as any; only M-Pesa's own words are played here,
because the past cannot be phoned.
"""

import csv
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar
from uuid import UUID

from pydantic import SecretStr

from payme.features import payments, tokens
from payme.features.businesses import CreateBusiness, create_business
from payme.features.catalog import CreateProduct, VatClass, create_product
from payme.features.identity import PERMISSIONS, Role, SignUp, Visitor, add_member, hash_pin, set_member_pin, sign_up
from payme.features.identity.schemas import CreateApiKey
from payme.features.identity.services.api_keys import create_api_key
from payme.features.inventory.schemas import ReceiveGoods
from payme.features.inventory.services.receive_goods import receive_goods
from payme.features.payments import ConfigureMethod, MethodKind, PaymentSucceeded
from payme.features.payments.enums import Outcome, Source
from payme.features.payments.rules.transitions import Message
from payme.features.payments.services.apply_message import apply_message
from payme.features.sales import CreateSale, create_sale
from payme.features.sales.services.settle_sale import receive_payment
from payme.kit.actor import Actor
from payme.kit.ids import new_id
from payme.kit.time import NAIROBI, FrozenClock
from payme.runtime.database import Database, UnitOfWork

Result = TypeVar("Result")
SEED: Final = 20_260_101
DAYS: Final = 30
SALES_A_DAY: Final = 24
TOKENS: Final = 10_000
_FULL_SHELF: Final = 250
OWNER: Final = ("Wanjiku Kamau", "0722000100", "duka-la-mfano-2026")
CASHIERS: Final = (
    ("Achieng", "0722000201", "4821"),
    ("Mutiso", "0722000202", "7350"),
    ("Zawadi", "0722000203", "1946"),
)
PAYING_PHONE: Final = "254700000600"
TILL_NUMBER: Final = "5651201"
INITIATOR: Final = ("testapi", "Safaricom999!*!")
_PRODUCTS: Final = Path(__file__).parent / "products.csv"
_LETTERS: Final = "ABCDEFGHJKLMNPQRSTUVWXYZ0123456789"


@dataclass(slots=True)
class Product:
    """A product of the demo and what it costs, in cents."""

    id: UUID
    name: str
    price_cents: int
    buying_price_cents: int


@dataclass(slots=True)
class DemoShop:
    """What the demo tells people and programs."""

    business_id: UUID
    owner_id: UUID
    api_key: str = ""
    products: list[Product] = field(default_factory=list[Product])


@dataclass(frozen=True, slots=True)
class MpesaAccount:
    """One of the simulator's short codes."""

    consumer_key: str
    consumer_secret: str
    shortcode: str
    passkey: str


async def be_told(database: Database, business_id: UUID) -> None:
    """Have the simulator tell of payments to the shop's till, as the worker starts; a new simulator has forgotten that it was asked."""
    await database.run(lambda uow: payments.request_registration(uow, "till"), business_id=business_id)


@dataclass(slots=True)
class ShopMaker:
    """Makes the shop; `advance` is called with each step done, for a progress bar."""

    database: Database
    clock: FrozenClock
    accounts: dict[str, MpesaAccount]
    advance: Callable[[str], None]
    days: int = DAYS
    rng: random.Random = field(default_factory=lambda: random.Random(SEED))
    stock: dict[UUID, Decimal] = field(default_factory=dict[UUID, Decimal])

    async def make(self) -> DemoShop:
        """Open the shop `days` days ago and trade until now."""
        now = self.clock.now()
        self.clock.instant = _at_hour(now - timedelta(days=self.days), 7)
        shop = await self._open()
        await self._stock_up(shop)
        for day in range(self.days, 0, -1):
            await self._trade(shop, now - timedelta(days=day))
            self.advance("a day of sales")
        self.clock.instant = now
        for product in shop.products:
            await self._receive(shop, product, _FULL_SHELF)
        self.advance("full shelves")
        return shop

    async def _open(self) -> DemoShop:
        name, phone, password = OWNER
        signed_up = await sign_up(
            self.database, SignUp(name=name, phone=phone, password=SecretStr(password)), visitor=Visitor(label="demo")
        )
        shop = DemoShop(new_id(), signed_up.user.id)
        await self._run(shop, lambda uow: create_business(uow, CreateBusiness(name="Duka la Mfano"), owner_name=name))
        for cashier, number, pin in CASHIERS:
            await self._hire(shop, cashier, phone=number, pin=pin)
        await self._run(shop, lambda uow: tokens.grant(uow, TOKENS, reason="demo"))
        made = await self._run(
            shop, lambda uow: create_api_key(uow, CreateApiKey(name="Demo", scopes=sorted(PERMISSIONS)))
        )
        shop.api_key = made.key
        await self._take_mpesa(shop)
        self.advance("the shop and its people")
        return shop

    async def _take_mpesa(self, shop: DemoShop) -> None:
        """Set up prompts to a paybill, and a till on the wall; both with an operator."""
        ways: tuple[tuple[MethodKind, MpesaAccount, str | None], ...] = (
            ("paybill", self.accounts["174379"], None),
            ("till", self.accounts["651200"], TILL_NUMBER),
        )
        for kind, account, till_number in ways:
            method = ConfigureMethod(
                shortcode=account.shortcode, till_number=till_number, account_reference="DUKA", environment="sandbox",
                consumer_key=account.consumer_key, consumer_secret=account.consumer_secret, passkey=account.passkey,
                pull_number="254722000000", initiator_name=INITIATOR[0], initiator_password=INITIATOR[1],
            )  # fmt: skip
            await self._run(shop, partial(payments.configure_method, kind=kind, command=method))

    async def _hire(self, shop: DemoShop, name: str, *, phone: str, pin: str) -> None:
        command = SignUp(name=name, phone=phone, password=SecretStr(f"{name.lower()}-na-pesa-2026"))
        person = (await sign_up(self.database, command, visitor=Visitor(label="demo"))).user
        pin_hash = await hash_pin(self.database, SecretStr(pin))

        async def work(uow: UnitOfWork) -> None:
            await add_member(uow, person.id, display_name=name, roles=[Role.CASHIER])
            await set_member_pin(uow, person.id, pin_hash=pin_hash)

        await self._run(shop, work)

    async def _stock_up(self, shop: DemoShop) -> None:
        with _PRODUCTS.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        for row in rows:
            product = await self._run(shop, partial(create_product, command=_product_command(row)))
            kept = Product(product.id, product.name, product.price_cents, _cents(row["buying_price"]))
            shop.products.append(kept)
            await self._receive(shop, kept, self.rng.randint(30, 90))
        self.advance("120 products with stock")

    async def _receive(self, shop: DemoShop, product: Product, quantity: int) -> None:
        unit = product.buying_price_cents * self.rng.randint(96, 104) // 100
        command = ReceiveGoods(product_id=product.id, quantity=Decimal(quantity), total_cost_cents=unit * quantity)
        await self._run(shop, lambda uow: receive_goods(uow, command))
        self.stock[product.id] = self.stock.get(product.id, Decimal(0)) + quantity

    async def _trade(self, shop: DemoShop, day: datetime) -> None:
        busy = 1.5 if day.astimezone(NAIROBI).weekday() >= 4 else 1.0
        moments = sorted(
            self.rng.uniform(7.0, 20.5) for _ in range(int(SALES_A_DAY * busy * self.rng.uniform(0.8, 1.2)))
        )
        for hour in moments:
            self.clock.instant = _at_hour(day, hour)
            await self._sell(shop)

    async def _sell(self, shop: DemoShop) -> None:
        basket = self.rng.sample(shop.products, self.rng.choices([1, 2, 3, 4, 6], [30, 30, 20, 12, 8])[0])
        lines: list[dict[str, Any]] = []
        for product in basket:
            quantity = self.rng.choices([1, 2, 3, 5], [60, 25, 10, 5])[0]
            if self.stock[product.id] < quantity:
                await self._receive(shop, product, self.rng.randint(40, 80))
            self.stock[product.id] -= quantity
            lines.append({"product_id": product.id, "quantity": Decimal(quantity)})
        prices = {product.id: product.price_cents for product in basket}
        total = sum(int(prices[line["product_id"]] * line["quantity"]) for line in lines)
        if total % 100 == 0 and self.rng.random() < 0.4:
            await self._sell_by_mpesa(shop, lines, total)
            return
        handed = -(-total // 5000) * 5000 if self.rng.random() < 0.7 else total
        tender = {"method": "cash", "amount_cents": total, "received_cents": handed}
        await self._run(
            shop, lambda uow: create_sale(uow, CreateSale.model_validate({"lines": lines, "tenders": [tender]}))
        )

    async def _sell_by_mpesa(self, shop: DemoShop, lines: list[dict[str, Any]], total_cents: int) -> None:
        tender = {
            "method": "mpesa_stk",
            "amount_cents": total_cents,
            "phone": f"07{self.rng.randint(10**7, 10**8 - 1)}",
        }
        command = CreateSale.model_validate({"lines": lines, "tenders": [tender]})
        sale = await self._run(shop, lambda uow: create_sale(uow, command))
        payment = sale.payments[0]
        prompt = f"ws_CO_{self.rng.randrange(10**17)}"
        accepted = Message(Source.ACCEPTANCE, Outcome.ACCEPTED, checkout_request_id=prompt)
        await self._run(shop, lambda uow: apply_message(uow, payment.id, accepted))
        self.clock.advance(timedelta(seconds=self.rng.randint(6, 40)))
        paid = Message(
            Source.CALLBACK, Outcome.PAID, amount_cents=total_cents, receipt=self._receipt(), checkout_request_id=prompt, result_code="0"
        )  # fmt: skip
        await self._run(shop, lambda uow: apply_message(uow, payment.id, paid))
        event = PaymentSucceeded(
            subject_id=payment.id, payment_id=payment.id, purpose="sale", purpose_id=sale.id, applied_cents=total_cents
        )
        await self._run(shop, lambda uow: receive_payment(uow, event))

    def _receipt(self) -> str:
        day = self.clock.now().astimezone(NAIROBI)
        days = "123456789ABCDEFGHIJKLMNOPQRSTUV"
        prefix = f"{chr(ord('A') + day.year - 2006)}{chr(ord('A') + day.month - 1)}{days[day.day - 1]}"
        return prefix + "".join(self.rng.choices(_LETTERS, k=7))

    async def _run(self, shop: DemoShop, work: Callable[[UnitOfWork], Awaitable[Result]]) -> Result:
        actor = Actor("user", shop.owner_id, OWNER[0], "demo", PERMISSIONS)
        return await self.database.run(work, business_id=shop.business_id, actor=actor)


def _product_command(row: dict[str, str]) -> CreateProduct:
    return CreateProduct(
        name=row["name"], sku=row["sku"], barcode=row["barcode"], unit=row["unit"], category=row["category"],
        price_cents=_cents(row["price"]), buying_price_cents=_cents(row["buying_price"]), vat_class=VatClass(row["vat_class"]),
        reorder_point=Decimal(row["reorder_point"]) if row["reorder_point"] else None,
    )  # fmt: skip


def _cents(shillings: str) -> int:
    return int(Decimal(shillings) * 100)


def _at_hour(day: datetime, hour: float) -> datetime:
    midnight = day.astimezone(NAIROBI).replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + timedelta(hours=hour)
