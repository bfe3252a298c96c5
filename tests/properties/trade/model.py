"""A shop in plain Python: what stock, wallet, tray and books must be, worked out without the code under test.

M-Pesa's own decisions are taken from payments, which have proofs of their own; everything that follows from them is here.
"""

from collections import defaultdict, deque
from dataclasses import dataclass, field
from uuid import UUID

from payme.features.payments.rules.transitions import Decision

OPEN = {"created", "sending", "pending", "unknown"}
PAYABLE = {"awaiting_payment", "payment_failed", "expired"}
DONE = {"completed", "partly_refunded", "refunded", "voided"}
Line = tuple[int, int]
"""A product's number and how many."""


def share(cost: int, part: int, whole: int) -> int:
    """Return a part's cost, half-up to the cent."""
    return (2 * cost * part + whole) // (2 * whole)


@dataclass
class Refusal(Exception):
    """What the shop must answer."""

    code: str


@dataclass
class Goods:
    """One product's stock; None of it for a service."""

    price: int
    tracked: bool = True
    layers: deque[list[int]] = field(default_factory=deque)
    owed: list[list[int]] = field(default_factory=list)
    reserved: int = 0
    unit_cost: int = 0

    @property
    def on_hand(self) -> int:
        return sum(q for q, _ in self.layers) - sum(q for q, _ in self.owed)

    @property
    def value(self) -> int:
        return sum(c for _, c in self.layers) - sum(c for _, c in self.owed)

    def take(self, quantity: int) -> int:
        cost = 0
        while quantity and self.layers:
            layer = self.layers[0]
            part = min(quantity, layer[0])
            part_cost = share(layer[1], part, layer[0])
            layer[0], layer[1] = layer[0] - part, layer[1] - part_cost
            if not layer[0]:
                self.layers.popleft()
            cost, quantity = cost + part_cost, quantity - part
        if quantity:
            self.owed.append([quantity, quantity * self.unit_cost])
            cost += quantity * self.unit_cost
        return cost

    def arrive(self, quantity: int, cost: int, *, purchase: bool) -> int:
        """Settle what is owed and keep the rest; return how much more the settled goods cost than was thought."""
        left, spent, variance = quantity, 0, 0
        while left and self.owed:
            layer = self.owed[0]
            part = min(left, layer[0])
            thought = share(layer[1], part, layer[0])
            upto = share(cost, quantity - left + part, quantity)
            variance += upto - spent - thought
            layer[0], layer[1] = layer[0] - part, layer[1] - thought
            if not layer[0]:
                self.owed.pop(0)
            left, spent = left - part, upto
        if left:
            self.layers.append([left, cost - spent])
        if purchase:
            self.unit_cost = share(cost, 1, quantity)
        return variance


@dataclass
class Payment:
    """Money that was asked for, or counted."""

    id: UUID
    amount: int
    method: str
    sale: "Sale | None" = None
    status: str = "created"
    money: int = 0
    disputed: int = 0
    settlement: str | None = None
    excess: int = 0

    @property
    def unheard(self) -> bool:
        return self.status in OPEN or (self.status == "succeeded" and self.settlement is None)

    @property
    def applied(self) -> int:
        return self.money - self.excess if self.settlement == "applied" else 0


@dataclass
class Sale:
    """A cart and what became of it."""

    id: UUID
    lines: list[Line]
    total: int
    status: str = "awaiting_payment"
    payments: list[Payment] = field(default_factory=list)
    cost: int | None = None
    left: list[list[int]] = field(default_factory=list)
    """What has not gone back of each line of a completed sale: quantity and cost."""
    returned: int = 0

    @property
    def paid(self) -> int:
        return sum(each.applied for each in self.payments)

    @property
    def wanted(self) -> dict[int, int]:
        totals: dict[int, int] = defaultdict(int)
        for number, quantity in self.lines:
            totals[number] += quantity
        return totals


@dataclass
class Model:
    """The shop."""

    goods: list[Goods]
    balance: int
    reserved: int = 0
    sales: list[Sale] = field(default_factory=list)
    purchases: dict[UUID, int] = field(default_factory=dict)
    """Tokens still to be credited, by payment."""
    news: list[tuple[Payment, str]] = field(default_factory=list)
    received_twice: int = 0
    overpaid: int = 0
    missing: int = 0
    handed_back: int = 0
    """Cash that went over the counter for refunds and voids."""
    spent: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    # -- selling

    def check(self, lines: list[Line], *, holds: bool = False) -> None:
        wanted: dict[int, int] = defaultdict(int)
        for number, quantity in lines:
            wanted[number] += quantity
        for number, quantity in wanted.items():
            each = self.goods[number]
            if each.tracked and quantity > each.on_hand - (0 if holds else each.reserved):
                raise Refusal("sales.stock_short")

    def check_tokens(self) -> None:
        if self.balance - self.reserved < 1:
            raise Refusal("tokens.exhausted")

    def set_aside(self, sale: Sale, sign: int = 1) -> None:
        for number, quantity in sale.wanted.items():
            if self.goods[number].tracked:
                self.goods[number].reserved += sign * quantity
        self.reserved += sign

    def complete(self, sale: Sale) -> None:
        if sale.status == "awaiting_payment" and sale in self.sales:
            self.set_aside(sale, -1)
        self.balance -= 1
        sale.cost = 0
        owing: dict[int, int] = defaultdict(int)
        for number, quantity in sale.lines:
            each = self.goods[number]
            sale.left.append([quantity, 0])
            if each.tracked:
                before = len(each.owed)
                sale.left[-1][1] = each.take(quantity)
                sale.cost += sale.left[-1][1]
                if len(each.owed) > before:
                    owing[number] += 1
                if owing[number] > 1:
                    quantity_more, cost_more = each.owed.pop()
                    each.owed[-1][0] += quantity_more
                    each.owed[-1][1] += cost_more
        self.spent["cost_of_goods"] += sale.cost
        sale.status = "completed"

    def pay(self, sale: Sale, payment: Payment) -> None:
        """Take another tender, if it may be taken."""
        if sale.status not in PAYABLE:
            raise Refusal("sales.not_open")
        if any(each.unheard for each in sale.payments):
            raise Refusal("sales.prompt_out")
        due = sale.total - sale.paid
        if payment.amount > due:
            raise Refusal("sales.tenders_differ")
        holds = sale.status == "awaiting_payment"
        self.check(sale.lines, holds=holds)
        if not holds:
            self.check_tokens()
        if payment.method == "cash" and payment.amount == due:
            self.complete(sale)
        elif not holds:
            sale.status = "awaiting_payment"
            self.set_aside(sale)
        sale.payments.append(payment)

    def cancel(self, sale: Sale) -> None:
        if sale.status not in PAYABLE:
            raise Refusal("sales.not_open")
        if any(each.unheard for each in sale.payments):
            raise Refusal("sales.prompt_out")
        if sale.status == "awaiting_payment":
            self.set_aside(sale, -1)
        for each in sale.payments:
            if each.settlement == "applied":
                each.settlement = "returned" if each.method == "cash" else "unclaimed"
        sale.status = "cancelled"

    # -- giving back

    def refund(self, sale: Sale, place: int, quantity: int, *, spoiled: bool) -> None:
        """Give a part of one line back in cash."""
        if sale.status not in {"completed", "partly_refunded"}:
            raise Refusal("sales.not_refundable")
        if quantity > sale.left[place][0]:
            raise Refusal("sales.refund_too_much")
        number = sale.lines[place][0]
        cost = self._part(sale, place, quantity)
        self._bring_back(number, quantity, cost, spoiled=spoiled)
        sale.returned += quantity * self.goods[number].price
        self.handed_back += quantity * self.goods[number].price
        sale.status = "partly_refunded" if any(each for each, _ in sale.left) else "refunded"

    def void(self, sale: Sale) -> None:
        """Undo a whole sale."""
        if sale.status != "completed":
            raise Refusal("sales.not_voidable")
        if any(each.applied for each in sale.payments if each.method != "cash"):
            raise Refusal("sales.void_of_mpesa")
        back: dict[int, list[int]] = defaultdict(lambda: [0, 0])
        for place, (number, quantity) in enumerate(sale.lines):
            back[number][0] += quantity
            back[number][1] += self._part(sale, place, quantity)
        for number, (quantity, cost) in back.items():
            self._bring_back(number, quantity, cost, spoiled=False)
        sale.returned = sale.total
        self.handed_back += sale.total
        sale.status = "voided"

    def _part(self, sale: Sale, place: int, quantity: int) -> int:
        left = sale.left[place]
        cost = share(left[1], quantity, left[0])
        sale.left[place] = [left[0] - quantity, left[1] - cost]
        return cost

    def _bring_back(self, number: int, quantity: int, cost: int, *, spoiled: bool) -> None:
        if not self.goods[number].tracked:
            return
        self.spent["cost_of_goods"] -= cost
        if spoiled:
            self.spent["spoilage"] += cost
        else:
            self.spent["cost_of_goods"] += self.goods[number].arrive(quantity, cost, purchase=False)

    # -- M-Pesa

    def follow(self, payment: Payment, decision: Decision) -> None:
        """Note what payments decided."""
        effect = decision.effect
        if decision.paid_cents is not None:
            payment.money, payment.disputed = min(payment.amount, decision.paid_cents), 0
            self.overpaid += self._ours(payment, max(0, decision.paid_cents - payment.amount))
        elif effect == "amount_differs":
            payment.disputed = decision.unclaimed_cents or 0
        elif effect in {"second_payment", "amount_corrected"}:
            self.received_twice += self._ours(payment, decision.unclaimed_cents or 0)
            self.missing += self._ours(payment, decision.missing_cents or 0)
        if decision.status != payment.status and decision.status in {"succeeded", "failed", "expired"}:
            self.news.append((payment, decision.status))
        payment.status = decision.status

    def hear(self) -> None:
        """Let the news of payments reach what they are for."""
        news, self.news = self.news, []
        for payment, status in news:
            if payment.sale is None:
                if status == "succeeded" and payment.settlement is None:
                    payment.settlement = "applied"
                    self.balance += self.purchases[payment.id] * payment.money // payment.amount
            elif status != "succeeded":
                self._hear_of_failure(payment.sale, "expired" if status == "expired" else "payment_failed")
            elif payment.settlement is None:
                self._receive(payment.sale, payment)

    def _hear_of_failure(self, sale: Sale, status: str) -> None:
        if sale.status == "awaiting_payment" and not sale.paid and not any(each.unheard for each in sale.payments):
            self.set_aside(sale, -1)
            sale.status = status

    def _receive(self, sale: Sale, payment: Payment) -> None:
        if sale.status in {*DONE, "cancelled"}:
            payment.settlement = "unclaimed"
            return
        payment.excess = max(0, sale.paid + payment.money - sale.total)
        payment.settlement = "applied"
        if sale.paid == sale.total:
            self.complete(sale)
        elif sale.status != "awaiting_payment":
            sale.status = "awaiting_payment"
            self.set_aside(sale)

    def _ours(self, payment: Payment, amount: int) -> int:
        return amount if payment.sale else 0

    # -- what the books must say

    def balances(self) -> dict[str, int]:
        """Return the accounts that are not at zero."""
        parts = [each for sale in self.sales for each in sale.payments]
        prompts = [each for each in parts if each.method == "mpesa_stk"]
        refused = sum(each.money for each in prompts if each.settlement == "unclaimed") + sum(
            each.excess for each in prompts
        )
        unclaimed = refused + self.overpaid + self.received_twice + sum(each.disputed for each in prompts)
        done = [each for each in self.sales if each.status in DONE]
        waiting = [each for each in self.sales if each.status not in DONE]
        held = sum(sale.paid for sale in waiting)
        held += sum(each.money for each in prompts if each.status == "succeeded" and each.settlement is None)
        books = {
            "cash": sum(each.applied for each in parts if each.method == "cash") - self.handed_back,
            "mpesa": sum(each.money + each.disputed for each in prompts)
            + self.overpaid
            + self.received_twice
            - self.missing,
            "mpesa_to_confirm": self.missing,
            "mpesa_unclaimed": -unclaimed,
            "payments_held": -held,
            "sales_revenue": -sum(each.total - each.returned for each in done),
            "inventory": sum(each.value for each in self.goods),
            "tokens": self.balance,
            **self.spent,
        }
        return {code: amount for code, amount in books.items() if amount}
