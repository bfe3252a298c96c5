"""Any sequence of sales, news, cancels, tenders, purchases and goods in a shop, and the model that says what must be left.

A day is compared with its model at its end; every refusal is compared when it is given.
"""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, ClassVar
from uuid import UUID

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from payme.features.businesses.schemas import ChangeBusiness
from payme.features.businesses.services import change_business
from payme.features.payments.enums import Outcome, Source
from payme.features.payments.rules.transitions import Message
from payme.features.sales.services.settle_sale import cancel_stale_sale
from payme.features.tokens.schemas import BuyTokens
from payme.features.tokens.services import buy_tokens
from payme.kit.errors import DomainError
from payme.runtime.database import Database, PoolLimits
from tests.invariants import assert_invariants
from tests.people import Person, make_person
from tests.properties.trade.model import DONE, OPEN, Goods, Model, Payment, Refusal, Sale
from tests.stock_room import adjust, make_product, receive, spoil
from tests.trade import PHONE, TradingShop, cash, new_receipt, open_database, open_shop, stk

STORY = (
    "first failed", "first failed", "first paid", "first paid", "first paid less", "first asked: paid", "first paid unheard",
    "first failed unheard", "last paid", "last paid unheard", "cash part", "cash part", "cash rest", "prompt part", "prompt rest",
    "hear again", "cancel", "a day passes",
)  # fmt: skip
PRICES = (10_000, 3_300, 50_000)
ENDED = {"payment_failed", "expired"}
picks = st.integers(0, 10_000)
baskets = st.lists(st.tuples(st.integers(0, 2), st.integers(1, 4)), min_size=1, max_size=4)


@dataclass
class World:
    """What all days of one test share: a loop, a pool, an owner; `days` are the businesses they were played in."""

    runner: asyncio.Runner
    database: Database
    owner: Person
    days: list[UUID] = field(default_factory=list)
    steps: int = 0


class ShopMachine(RuleBasedStateMachine):
    """A day; the test gives the world. Each day opens a shop of its own."""

    world: ClassVar[World]

    def __init__(self) -> None:
        super().__init__()
        self.run = self.world.runner.run
        self.payments: list[Payment] = []
        self.said: list[tuple[Payment, Message]] = []

    @initialize(tokens=st.integers(0, 30))
    def open(self, tokens: int) -> None:
        self.shop: TradingShop = self.run(open_shop(self.world.database, owner=self.world.owner))
        self.run(self.shop.set_tokens(tokens))
        self.run(self.shop.run(lambda uow: change_business(uow, ChangeBusiness(refund_limit_cents=10_000_000))))
        self.products = [
            self.run(make_product(self.shop, name=f"P{n}", price_cents=price, vat_class="C", track_stock=n < 2))
            for n, price in enumerate(PRICES)
        ]
        self.model = Model([Goods(price, tracked=n < 2) for n, price in enumerate(PRICES)], tokens)
        for number in range(2):
            self.receive(number=number, quantity=30, cost=100_001)

    # -- goods

    @rule(number=st.integers(0, 1), quantity=st.integers(1, 8), cost=st.integers(0, 20_000))
    def receive(self, number: int, quantity: int, cost: int) -> None:
        self.run(receive(self.shop, self.products[number], str(quantity), cost))
        self.model.spent["goods_received"] -= cost
        self.model.spent["cost_of_goods"] += self.model.goods[number].arrive(quantity, cost, purchase=True)

    @rule(number=st.integers(0, 1), quantity=st.integers(1, 4), spoiled=st.booleans())
    def lose(self, number: int, quantity: int, spoiled: bool) -> None:
        def expect() -> None:
            if quantity > self.model.goods[number].on_hand:
                raise Refusal("inventory.stock_short")
            account = "spoilage" if spoiled else "stock_adjustments"
            self.model.spent[account] += self.model.goods[number].take(quantity)

        product = self.products[number]
        work = spoil(self.shop, product, str(quantity)) if spoiled else adjust(self.shop, product, str(-quantity))
        self.both(work, expect)

    @rule(number=st.integers(0, 1), quantity=st.integers(1, 4))
    def find(self, number: int, quantity: int) -> None:
        goods = self.model.goods[number]
        cost = goods.unit_cost * quantity
        self.run(adjust(self.shop, self.products[number], str(quantity)))
        self.model.spent["stock_adjustments"] -= cost
        self.model.spent["cost_of_goods"] += goods.arrive(quantity, cost, purchase=False)

    # -- sales

    @rule(lines=baskets, prompted=st.integers(0, 100))
    def sell(self, lines: list[tuple[int, int]], prompted: int) -> None:
        """Sell for cash, by prompt, or by both."""
        self.make_sale(lines, prompted)

    @precondition(lambda self: self.model.sales)
    @rule(pick=picks, percent=st.integers(1, 110), by_prompt=st.booleans())
    def pay(self, pick: int, percent: int, by_prompt: bool) -> None:
        """Take another tender for some sale: a part, all of it, or too much."""
        self.take_tender(self.model.sales[pick % len(self.model.sales)], percent, by_prompt=by_prompt)

    @precondition(lambda self: self.model.sales)
    @rule(pick=picks)
    def cancel(self, pick: int) -> None:
        sale = self.model.sales[pick % len(self.model.sales)]
        self.both(self.shop.cancel(sale.id), lambda: self.model.cancel(sale))

    @precondition(lambda self: any(each.status in DONE for each in self.model.sales))
    @rule(pick=picks, line=picks, quantity=st.integers(1, 4), spoiled=st.booleans())
    def refund(self, pick: int, line: int, quantity: int, spoiled: bool) -> None:
        """Give a part of some sale back in cash, or more than is left of it."""
        sale = self.done(pick)
        view, place = self.run(self.shop.sale(sale.id)), line % len(sale.lines)
        self.both(
            self.shop.refund(view, (place, quantity, not spoiled)),
            lambda: self.model.refund(sale, place, quantity, spoiled=spoiled),
        )

    @precondition(lambda self: any(each.status in DONE for each in self.model.sales))
    @rule(pick=picks)
    def void(self, pick: int) -> None:
        sale = self.done(pick)
        self.both(self.shop.void(sale.id), lambda: self.model.void(sale))

    @precondition(lambda self: any(each.status in ENDED for each in self.model.sales))
    @rule(pick=picks, moved_on=st.booleans())
    def a_day_passes(self, pick: int, moved_on: bool) -> None:
        """Let the job come that cancels a failed sale; `moved_on`: it was scheduled for an earlier failure."""
        failed = [each for each in self.model.sales if each.status in ENDED]
        self.go_stale(failed[pick % len(failed)], moved_on=moved_on)

    @rule(lines=baskets, prompted=st.integers(50, 100), steps=st.lists(st.sampled_from(STORY), min_size=3, max_size=10))
    def one_sale(self, lines: list[tuple[int, int]], prompted: int, steps: list[str]) -> None:
        """Follow one sale by prompt for a while, because what is rare happens to one sale and not to many."""
        sale = self.make_sale(lines, prompted)
        if sale is None:
            return
        for step in steps:
            self.go_on(sale, step)

    # -- M-Pesa

    @rule(package=st.sampled_from([30, 70]))
    def buy_tokens(self, package: int) -> None:
        command = BuyTokens(package=package, phone=PHONE)
        bought = self.run(self.shop.run(lambda uow: buy_tokens(uow, command)))
        payment = Payment(bought.payment_id, bought.price_cents, "mpesa_stk")
        self.model.purchases[payment.id] = package
        self.payments.append(payment)

    @precondition(lambda self: self.prompts())
    @rule(
        pick=picks,
        says=st.sampled_from(
            ["accepted", "paid", "paid", "paid", "failed", "failed", "timed out", "unknown", "asked: paid"]
        ),
        extra=st.sampled_from([0, 0, 0, 0, 100, -100, 1_200]),
        heard=st.booleans(),
    )
    def hear_from_mpesa(self, pick: int, says: str, extra: int, heard: bool) -> None:
        prompts = self.prompts()
        payment = prompts[pick % len(prompts)]
        self.say(payment, message_of(says, max(100, payment.amount + extra)))
        if heard:
            self.hear()

    @precondition(lambda self: self.said)
    @rule(pick=picks, to=picks)
    def hear_again_from_mpesa(self, pick: int, to: int) -> None:
        """Repeat a message, for its own payment or, with its receipt, for another's."""
        payment, message = self.said[pick % len(self.said)]
        prompts = self.prompts()
        self.say(payment if to % 3 else prompts[to % len(prompts)], message)

    @rule(again=st.booleans())
    def hear(self, again: bool = False) -> None:
        self.run(self.shop.hear(again=again))
        self.model.hear()

    # -- the parts of it

    def make_sale(self, lines: list[tuple[int, int]], prompted: int) -> Sale | None:
        total = sum(PRICES[number] * quantity for number, quantity in lines)
        by_prompt = 0 if prompted < 40 else total if prompted > 70 else total * (prompted - 39) // 3_100 * 100
        parts = [("cash", total - by_prompt), ("mpesa_stk", by_prompt)]
        tenders = [cash(a) if method == "cash" else stk(a) for method, a in parts if a]

        def expect() -> None:
            self.model.check(lines)
            self.model.check_tokens()

        made = self.both(self.shop.sell(*((self.products[n], Decimal(q)) for n, q in lines), tenders=tenders), expect)
        if made is None:
            return None
        sale = Sale(made.id, lines, total)
        sale.payments = [self.payment(sale, method, a, made) for method, a in parts if a]
        if by_prompt:
            self.model.set_aside(sale)
        else:
            self.model.complete(sale)
        self.model.sales.append(sale)
        return sale

    def take_tender(self, sale: Sale, percent: int, *, by_prompt: bool) -> None:
        due = sale.total - sale.paid
        amount = due if due and 60 < percent <= 100 else max(100, due * percent // 10_000 * 100)
        payment = Payment(sale.id, amount, "mpesa_stk" if by_prompt else "cash", sale)
        if not by_prompt:
            payment.status, payment.money, payment.settlement = "succeeded", amount, "applied"
        tender = stk(amount) if by_prompt else cash(amount)
        view = self.both(self.shop.pay(sale.id, **tender), lambda: self.model.pay(sale, payment))
        if view is not None:
            payment.id = next(each.id for each in view.payments if each.id not in {p.id for p in self.payments})
            self.payments.append(payment)

    def go_stale(self, sale: Sale, *, moved_on: bool) -> None:
        rev = self.run(self.shop.sale(sale.id)).rev - moved_on
        self.run(self.shop.run(lambda uow: cancel_stale_sale(uow, sale.id, rev=rev)))
        if not moved_on and not any(each.unheard for each in sale.payments):
            self.model.cancel(sale)

    def go_on(self, sale: Sale, step: str) -> None:
        """Do one thing that can happen to a sale; what M-Pesa says is of its first or its last prompt."""
        prompts = [each for each in sale.payments if each.method == "mpesa_stk"]
        who, _, what = step.partition(" ")
        if who in {"first", "last"}:
            payment = prompts[0 if who == "first" else -1]
            less = 100 if what.endswith("less") else 0
            self.say(
                payment,
                message_of(what.partition(" less")[0].partition(" unheard")[0], max(100, payment.amount - less)),
            )
            if not what.endswith("unheard"):
                self.hear(again=False)
        elif step == "hear again":
            self.hear(again=True)
        elif step == "cancel":
            self.both(self.shop.cancel(sale.id), lambda: self.model.cancel(sale))
        elif step == "a day passes" and sale.status in ENDED:
            self.go_stale(sale, moved_on=False)
        elif who in {"cash", "prompt"}:
            self.take_tender(sale, 30 if what == "part" else 100, by_prompt=who == "prompt")

    def done(self, pick: int) -> Sale:
        done = [each for each in self.model.sales if each.status in DONE]
        return done[pick % len(done)]

    def prompts(self) -> list[Payment]:
        return [each for each in self.payments if each.method == "mpesa_stk"]

    def payment(self, sale: Sale, method: str, amount: int, view: Any) -> Payment:
        found = next(each for each in view.payments if each.method == method)
        payment = Payment(found.id, amount, method, sale, found.status)
        if method == "cash":
            payment.money, payment.settlement = amount, "applied"
        self.payments.append(payment)
        return payment

    def say(self, payment: Payment, message: Message) -> None:
        decision = self.run(self.shop.say(payment.id, message, heard=False))
        self.model.follow(payment, decision)
        self.said.append((payment, message))

    def both(self, work: Coroutine[Any, Any, Any], expect: Callable[[], None]) -> Any:
        """Do it in the shop and in the model; both agree, or both refuse with one code."""
        try:
            expect()
            wanted = None
        except Refusal as refusal:
            wanted = refusal.code
        try:
            made, found = self.run(work), None
        except DomainError as error:
            made, found = None, error.code
        assert found == wanted
        return made

    def teardown(self) -> None:
        if hasattr(self, "model"):
            self.world.days.append(self.shop.business_id)
            self.run(compare(self.shop, self.model, self.products))


async def compare(shop: TradingShop, model: Model, products: list[Any]) -> None:
    """Hold the database against the model, and against everything that must hold anyway."""
    levels = await shop.rows(
        "select product_id, on_hand, reserved, value_cents from stock_levels where business_id = $1"
    )
    assert {row[0]: row[1:] for row in levels} == {
        product: (goods.on_hand, goods.reserved, goods.value)
        for product, goods in zip(products, model.goods, strict=True)
        if goods.tracked
    }
    assert await shop.wallet() == (model.balance, model.reserved)
    sales = await shop.rows("select id, status, paid_cents, cost_cents from sales where business_id = $1")
    assert {row[0]: row[1:] for row in sales} == {each.id: (each.status, each.paid, each.cost) for each in model.sales}
    paid = await shop.rows(
        "select purpose_id, id, status, settlement from payments where business_id = $1 and purpose = 'sale'"
    )
    assert {row[:2]: (row[2] in OPEN, row[3]) for row in paid} == {
        (sale.id, each.id): (each.status in OPEN, each.settlement) for sale in model.sales for each in sale.payments
    }
    books = await shop.balances()
    kept = model.balances()
    assert {code: books.get(code) for code in kept} == kept
    assert set(books) - set(kept) <= {"tokens_granted", "tokens_used", "tokens_bought", "owner_equity", "platform_fees"}
    await assert_invariants(shop.database, shop.business_id)


def message_of(says: str, amount_cents: int) -> Message:
    """Return what M-Pesa says, in its forms."""
    if says == "accepted":
        return Message(Source.ACCEPTANCE, Outcome.ACCEPTED)
    if says == "unknown":
        return Message(Source.ACCEPTANCE, Outcome.UNKNOWN)
    if says == "failed":
        return Message(Source.CALLBACK, Outcome.FAILED, reason="cancelled_by_customer", result_code="1032")
    if says == "timed out":
        return Message(Source.CALLBACK, Outcome.FAILED, reason="expired", result_code="1037")
    if says == "asked: paid":
        return Message(Source.QUERY, Outcome.PAID, result_code="0")
    return Message(Source.CALLBACK, Outcome.PAID, amount_cents=amount_cents, receipt=new_receipt(), result_code="0")


def play_days(dsn: str, days: int, *, steps: int, start: int, shrink: bool = False) -> World:
    """Play so many random days of so many steps, the same for the same start, each compared with its model.

    `shrink`: a day that breaks is made as short as can be, which takes minutes.
    """
    with asyncio.Runner() as runner:
        database = runner.run(open_database(dsn, limits=PoolLimits(connections=2)))
        try:
            world = World(runner, database, runner.run(make_person(database)))
            profile = settings(
                max_examples=days,
                stateful_step_count=steps,
                deadline=None,
                database=None,
                suppress_health_check=(HealthCheck.too_slow, HealthCheck.data_too_large),
                phases=(Phase.generate, Phase.shrink) if shrink else (Phase.generate,),
            )
            day = seed(start)(type("Day", (ShopMachine,), {"world": world}))
            run_state_machine_as_test(day, settings=profile)
            return world
        finally:
            runner.run(database.close())
