"""A shop that has met everything the system can do to it, made through services: what a check of invariants should find sound.

Not a plugin; a conftest imports what it needs. No worker runs: what jobs would do is done here at once.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import partial
from typing import Any, Self, TypeVar
from uuid import UUID

from pydantic import SecretStr

from payme.entrypoints.features import wire
from payme.entrypoints.wiring import tools_of
from payme.features import audit, payments
from payme.features.approvals import ApprovalApproved, ApprovalRejected, approve, reject
from payme.features.businesses import (
    PLATFORM_BUSINESS_ID,
    CreateBusiness,
    create_business,
    ensure_platform_business,
)
from payme.features.businesses.schemas import ChangeBusiness
from payme.features.businesses.services import change_business
from payme.features.catalog import CreateProduct, VatClass, create_product
from payme.features.credit import OpenCreditAccount, RepayCredit, open_account, repay
from payme.features.credit.schemas import ClaimForAccount, TakeBack
from payme.features.credit.services.repay_by_mpesa import claim_for_account, take_back
from payme.features.credit.services.repay_by_mpesa import receive_payment as receive_repayment
from payme.features.customers import CreateCustomer, create_customer
from payme.features.expenses import (
    CancelExpense,
    PayExpense,
    RecordExpense,
    approve_expense,
    cancel_expense,
    pay_expense,
    record_expense,
    verify_expense,
)
from payme.features.identity import PERMISSIONS, Proven, SignUp, Visitor, sign_up
from payme.features.inventory.enums import SpoilageType
from payme.features.inventory.schemas import AdjustStock, ReceiveGoods, SpoilStock
from payme.features.inventory.services.correct_stock import adjust_stock, spoil_stock
from payme.features.inventory.services.receive_goods import receive_goods
from payme.features.payments import ConfigureMethod, PaymentFailed, PaymentSucceeded
from payme.features.payments.enums import Effect, Outcome, Source
from payme.features.payments.rules.payouts import News
from payme.features.payments.rules.transitions import Message
from payme.features.payments.services.apply_message import apply_message
from payme.features.payments.services.conclude_payout import Heard, hear
from payme.features.payments.services.send_payout import begin_sending_payout
from payme.features.sales import (
    CreateSale,
    RefundSale,
    RefundView,
    SaleView,
    VoidSale,
    cancel_sale,
    complete_refund,
    create_sale,
    fail_refund,
    list_refunds,
    refund_sale,
    void_sale,
)
from payme.features.sales.services.finish_refund import hear_of_approval, hear_of_refusal
from payme.features.sales.services.settle_sale import hear_of_failure, receive_payment
from payme.features.shifts import CloseShift, MoveDrawer, OpenShift, close_shift, move_drawer, open_shift
from payme.features.shifts.enums import Direction
from payme.features.tokens import TokensPurchased
from payme.features.tokens.schemas import BuyTokens
from payme.features.tokens.services import book_platform_revenue, buy_tokens, credit_purchase
from payme.kit.actor import Actor
from payme.kit.ids import new_id
from payme.runtime.database import Database, PoolLimits, UnitOfWork
from payme.runtime.settings import Settings
from tests.operators import certificate
from tests.people import PASSWORD, new_phone

Result = TypeVar("Result")
SETTINGS = {
    "APP_ENV": "test",
    "PASSWORD_MEMORY_KIB": "19456",
    "PASSWORD_ITERATIONS": "2",
    "MPESA_CONSUMER_KEY": "key-of-the-platform",
    "MPESA_CONSUMER_SECRET": "secret-of-the-platform",
    "MPESA_PASSKEY": "passkey-of-the-platform",
    "MPESA_CERTIFICATE": certificate().decode(),
}
ODD_CENTS, PRICE_CENTS, COST_CENTS = 15_040, 20_000, 12_000


def settings_for(dsn: str, **more: str) -> Settings:
    return Settings.from_values({**SETTINGS, "DATABASE_URL": dsn, **more})


async def open_database(dsn: str, role: str = "payme_app") -> Database:
    wiring = wire(tools_of(settings_for(dsn)))
    return await Database(dsn, role=role, limits=PoolLimits(connections=1), wiring=wiring).open()


@dataclass
class SoundShop:
    """A business, its owner, and what trade does."""

    database: Database
    business_id: UUID = field(default_factory=new_id)
    actor: Actor = field(init=False)
    receipts: int = 0

    async def open(self) -> Self:
        command = SignUp(name="Wanjiku", phone=new_phone(), password=SecretStr(PASSWORD))
        person = (await sign_up(self.database, command, visitor=Visitor("127.0.0.1", "a test"))).user
        self.actor = Actor("user", person.id, person.name, str(person.id), PERMISSIONS)
        await self.database.run(ensure_platform_business, business_id=PLATFORM_BUSINESS_ID)
        await self.run(partial(create_business, command=CreateBusiness(name="Duka"), owner_name="Wanjiku"))
        await self.run(partial(change_business, command=ChangeBusiness(cash_rounding_cents=100)))
        paybill = ConfigureMethod(
            shortcode="174379", account_reference="DUKA", environment="sandbox", consumer_key="key", consumer_secret="secret",
            passkey="passkey", initiator_name="dukaapi", initiator_password="Duka#2026%",
        )  # fmt: skip
        await self.run(lambda uow: payments.configure_method(uow, "paybill", paybill))
        return self

    async def run(self, work: Callable[[UnitOfWork], Awaitable[Result]], *, actor: Actor | None = None) -> Result:
        return await self.database.run(work, business_id=self.business_id, actor=actor or self.actor)

    async def stock(self, name: str, price_cents: int, *layers: tuple[int, int]) -> UUID:
        """Make a product that was bought in these layers, each a quantity and what one cost."""
        command = CreateProduct(name=name, price_cents=price_cents, vat_class=VatClass.B)
        product = await self.run(partial(create_product, command=command))
        for quantity, unit_cents in layers:
            await self.receive(product.id, quantity, quantity * unit_cents)
        return product.id

    async def receive(self, product: UUID, quantity: int, cost_cents: int) -> None:
        goods = ReceiveGoods(product_id=product, quantity=Decimal(quantity), total_cost_cents=cost_cents)
        await self.run(partial(receive_goods, command=goods))

    async def sell(self, product: UUID, *tenders: dict[str, Any], quantity: int = 1) -> SaleView:
        lines = [{"product_id": product, "quantity": Decimal(quantity)}]
        command = CreateSale.model_validate({"lines": lines, "tenders": list(tenders)})
        return await self.run(partial(create_sale, command=command))

    async def prompt(
        self, product: UUID, amount_cents: int = PRICE_CENTS, *others: dict[str, Any], quantity: int = 1
    ) -> SaleView:
        """Sell for a prompt that M-Pesa has accepted."""
        prompt = {"method": "mpesa_stk", "amount_cents": amount_cents, "phone": "254711000100"}
        sale = await self.sell(product, *others, prompt, quantity=quantity)
        await self.hear(_prompt_of(sale), Outcome.ACCEPTED, source=Source.ACCEPTANCE)
        return sale

    async def hear(
        self, payment_id: UUID, outcome: Outcome, *, source: Source = Source.CALLBACK, **facts: Any
    ) -> Effect:
        message = Message(source, outcome, result_code="0", **facts)
        return (await self.run(lambda uow: apply_message(uow, payment_id, message))).effect

    async def paid(self, sale: SaleView, amount_cents: int = PRICE_CENTS) -> None:
        """Hear that a prompt was paid, and have the sale hear of it."""
        await self.hear(_prompt_of(sale), Outcome.PAID, amount_cents=amount_cents, receipt=self.new_receipt())
        await self.applied(sale, amount_cents)

    async def applied(self, sale: SaleView, amount_cents: int = PRICE_CENTS) -> None:
        payment_id = _prompt_of(sale)
        event = PaymentSucceeded(
            subject_id=payment_id, payment_id=payment_id, purpose="sale", purpose_id=sale.id, applied_cents=amount_cents
        )
        await self.run(lambda uow: receive_payment(uow, event))

    async def repaid(self, account_id: UUID, amount_cents: int) -> UUID:
        """Have a prompt for a debt paid, and the debt hear of it."""
        command = RepayCredit(amount_cents=amount_cents, method="mpesa_stk", phone="254711000100")
        payment_id = (await self.run(partial(repay, account_id=account_id, command=command))).id
        await self.hear(payment_id, Outcome.PAID, amount_cents=amount_cents, receipt=self.new_receipt())
        event = PaymentSucceeded(
            subject_id=payment_id, payment_id=payment_id, purpose="credit_account", purpose_id=account_id,
            applied_cents=amount_cents,
        )  # fmt: skip
        await self.run(partial(receive_repayment, event=event))
        return payment_id

    async def failed(self, sale: SaleView) -> None:
        payment_id = _prompt_of(sale)
        await self.hear(payment_id, Outcome.FAILED, reason="cancelled")
        event = PaymentFailed(
            subject_id=payment_id, payment_id=payment_id, purpose="sale", purpose_id=sale.id, reason_code="cancelled"
        )
        await self.run(lambda uow: hear_of_failure(uow, event))

    async def refund(self, sale: SaleView, quantity: int, **more: Any) -> RefundView:
        """Give back a quantity of the only line of a sale."""
        line = {"sale_line_id": sale.lines[0].id, "quantity": Decimal(quantity), "restock": more.pop("restock", True)}
        command = RefundSale.model_validate({"lines": [line], "reason": "Torn", **more})
        return await self.run(lambda uow: refund_sale(uow, sale.id, command))

    async def paid_out(self, refund_id: UUID, news: News) -> None:
        """Have the payout of a refund sent, and M-Pesa say what became of it."""
        sql = "select id from payouts where business_id = $1 and purpose_id = $2"
        payout_id = await self.run(lambda uow: uow.fetchval(sql, self.business_id, refund_id))
        await self.run(partial(begin_sending_payout, payout_id=payout_id))
        await self.run(partial(hear, payout_id=payout_id, heard=Heard(news)))

    async def answered(self, refund: RefundView, *, agreed: bool) -> None:
        """Have somebody else decide about a refund, and have the refund hear of it."""
        approval_id, manager = refund.approval_id, replace(self.actor, id=new_id())
        assert approval_id is not None, "it does not wait for anybody"
        proven = Proven(business_id=self.business_id, user_id=manager.id)
        facts: dict[str, Any] = {
            "subject_id": approval_id, "kind": "refund", "about_id": refund.id, "decided_by": manager.id
        }  # fmt: skip
        if agreed:
            await self.run(partial(approve, approval_id=approval_id, proven=proven), actor=manager)
            await self.run(partial(hear_of_approval, event=ApprovalApproved(**facts)))
        else:
            await self.run(partial(reject, approval_id=approval_id), actor=manager)
            await self.run(partial(hear_of_refusal, event=ApprovalRejected(**facts)))

    async def buy_tokens(self) -> None:
        purchase = await self.run(partial(buy_tokens, command=BuyTokens(package=30, phone="254711000100")))
        payment_id, cents = purchase.payment_id, purchase.price_cents
        await self.hear(payment_id, Outcome.PAID, amount_cents=cents, receipt=self.new_receipt())
        event = PaymentSucceeded(
            subject_id=payment_id, payment_id=payment_id, purpose="token_purchase", purpose_id=purchase.id,
            applied_cents=cents,
        )  # fmt: skip
        await self.run(partial(credit_purchase, event=event))
        sold = TokensPurchased(
            subject_id=purchase.id, quantity=purchase.quantity, paid_cents=cents, payment_id=payment_id
        )
        await self.database.run(partial(book_platform_revenue, event=sold), business_id=PLATFORM_BUSINESS_ID)

    async def seal(self) -> None:
        """Seal the log so far; a row counts as finished once no transaction of the whole server is older than it."""
        async with asyncio.timeout(60):
            while (await self.run(audit.verify)).waiting:
                await self.run(audit.seal)
                await asyncio.sleep(0.02)

    def new_receipt(self) -> str:
        self.receipts += 1
        return f"UKM{str(self.business_id.int)[-3:]}{self.receipts:04d}"


async def trade(shop: SoundShop) -> None:
    """Do everything once: cash, M-Pesa paid, late, overpaid, twice, refused; goods owed, lost, corrected; tokens bought."""
    odd = await shop.stock("Chai", ODD_CENTS, (10, 10_000), (10, 12_000))
    even = await shop.stock("Unga", PRICE_CENTS, (20, COST_CENTS))
    scarce = await shop.stock("Sukari", PRICE_CENTS, (1, COST_CENTS))
    await shop.sell(odd, {"method": "cash", "amount_cents": 15_000, "received_cents": 20_000})
    paid = await shop.prompt(even)
    await shop.paid(paid)
    await shop.hear(_prompt_of(paid), Outcome.PAID, amount_cents=PRICE_CENTS, receipt=shop.new_receipt())
    late = await shop.prompt(even)
    await shop.failed(late)
    await shop.paid(late)
    await shop.seal()
    overpaid = await shop.prompt(even)
    await shop.hear(_prompt_of(overpaid), Outcome.PAID, amount_cents=25_000, receipt=shop.new_receipt())
    await shop.hear(_prompt_of(overpaid), Outcome.PAID, source=Source.QUERY)
    await shop.applied(overpaid)
    split = await shop.prompt(even, 10_000, {"method": "cash", "amount_cents": 10_000})
    await shop.failed(split)
    await shop.run(lambda uow: cancel_sale(uow, split.id))
    too_late = await shop.prompt(even)
    await shop.failed(too_late)
    await shop.run(lambda uow: cancel_sale(uow, too_late.id))
    await shop.paid(too_late)
    await shop.failed(await shop.prompt(even))
    await _sell_what_is_gone(shop, scarce)
    await shop.buy_tokens()
    await shop.run(
        partial(spoil_stock, command=SpoilStock(product_id=odd, quantity=Decimal(2), type=SpoilageType.DAMAGE))
    )
    for delta in (Decimal(3), Decimal(-1)):
        command = AdjustStock(product_id=even, quantity_delta=delta, reason="Counted")
        await shop.run(partial(adjust_stock, command=command))
    await shop.prompt(even)
    await shop.prompt(scarce)
    await _give_back(shop)
    await _work_a_shift(shop, even)
    await _sell_on_credit(shop, even)
    await _spend(shop)


async def _sell_what_is_gone(shop: SoundShop, product: UUID) -> None:
    """Sell the last one twice, because the first buyer's money came late; the next delivery settles what was owed."""
    first = await shop.prompt(product)
    await shop.failed(first)
    await shop.sell(product, {"method": "cash", "amount_cents": PRICE_CENTS})
    await shop.paid(first)
    await shop.receive(product, 5, 5 * COST_CENTS + 500)


async def _work_a_shift(shop: SoundShop, product: UUID) -> None:
    """Sell, give back and take out in a shift that is a shilling short; then in one whose count a second person has to believe."""
    for counted in (119_900, 500_000):
        shift = await shop.run(partial(open_shift, command=OpenShift(float_cents=100_000)))
        cash = {"method": "cash", "amount_cents": PRICE_CENTS}
        lines = [{"product_id": product, "quantity": Decimal(1)}]
        command = CreateSale.model_validate({"lines": lines, "tenders": [cash], "shift_id": shift.id})
        sale = await shop.run(partial(create_sale, command=command))
        await shop.run(partial(create_sale, command=command))
        await shop.refund(sale, 1, shift_id=shift.id)
        for direction in (Direction.IN, Direction.OUT):
            move = MoveDrawer(direction=direction, amount_cents=5_000, reason="Change")
            await shop.run(partial(move_drawer, shift_id=shift.id, command=move))
        await shop.run(partial(close_shift, shift_id=shift.id, command=CloseShift(counted_cents=counted)))


async def _sell_on_credit(shop: SoundShop, product: UUID) -> None:
    """Sell on credit a sale that stays, one that comes back, one that comes to nothing; and be repaid."""
    customer = await shop.run(partial(create_customer, command=CreateCustomer(name="Achieng", phone="0712345678")))
    terms = OpenCreditAccount(customer_id=customer.id, limit_cents=20 * PRICE_CENTS)
    account = await shop.run(partial(open_account, command=terms))
    owed = {"method": "credit", "amount_cents": PRICE_CENTS, "credit_account_id": account.id}
    await shop.sell(product, owed)
    returned = await shop.sell(product, owed, {"method": "cash", "amount_cents": PRICE_CENTS}, quantity=2)
    await shop.refund(returned, 2)
    nothing = await shop.prompt(product, PRICE_CENTS, owed, quantity=2)
    await shop.failed(nothing)
    await shop.run(lambda uow: cancel_sale(uow, nothing.id))
    await shop.run(partial(repay, account_id=account.id, command=RepayCredit(amount_cents=5_000)))
    for _ in range(2):
        await shop.repaid(account.id, 2_000)
    taken_back = await shop.repaid(account.id, 3_000)
    await shop.run(
        partial(take_back, account_id=account.id, repayment_id=taken_back, command=TakeBack(reason="Not hers"))
    )
    sql = "select id from unclaimed_money where business_id = $1 and payment_id = $2"
    row = await shop.run(lambda uow: uow.fetchval(sql, shop.business_id, taken_back))
    await shop.run(partial(claim_for_account, account_id=account.id, command=ClaimForAccount(unclaimed_id=row)))


async def _spend(shop: SoundShop) -> None:
    """Record an expense that is paid, one that is cancelled, one that waits; and as many out of a drawer."""
    shift = await shop.run(partial(open_shift, command=OpenShift(float_cents=100_000)))
    for shift_id in (None, shift.id):
        for end in ("paid", "cancelled", "waits"):
            said = {"category": "supplies", "amount_cents": 3_000, "method": "cash", "shift_id": shift_id}
            expense = await shop.run(partial(record_expense, command=RecordExpense.model_validate(said)))
            if end == "cancelled":
                await shop.run(partial(cancel_expense, expense_id=expense.id, command=CancelExpense(reason="Twice")))
            if end == "paid":
                await shop.run(partial(verify_expense, expense_id=expense.id))
                approved = await shop.run(partial(approve_expense, expense_id=expense.id))
                if approved.state != "paid":
                    await shop.run(partial(pay_expense, expense_id=expense.id, command=PayExpense()))
    await shop.run(partial(close_shift, shift_id=shift.id, command=CloseShift(counted_cents=94_000)))


async def _give_back(shop: SoundShop) -> None:
    """Give back parts, wholes, spoiled goods and money by M-Pesa; void; with a second person's word and without."""
    product = await shop.stock("Maziwa", ODD_CENTS, (20, 9_001))
    cash = {"method": "cash", "amount_cents": 30_100}
    twice, spoiled = [await shop.sell(product, cash, quantity=2) for _ in range(2)]
    for restock in (True, False):
        await shop.refund(twice, 1, restock=restock)
    await shop.refund(spoiled, 1, restock=False)
    voided = await shop.sell(product, {"method": "cash", "amount_cents": 15_000})
    await shop.run(lambda uow: void_sale(uow, voided.id, VoidSale(reason="Mistake")))
    await _trade_in_notes(shop, product)
    dear = await shop.stock("Mchele", 70_000, (10, 40_000))
    by_mpesa = await shop.prompt(dear, 4 * 70_000, quantity=4)
    await shop.paid(by_mpesa, 4 * 70_000)
    sent, failed, _waiting = [await shop.refund(by_mpesa, 1, method="mpesa") for _ in range(3)]
    await shop.paid_out(sent.id, News.PAID)
    await shop.run(lambda uow: complete_refund(uow, sent.id, evidence={}))
    await shop.paid_out(failed.id, News.DENIED)
    await shop.run(lambda uow: fail_refund(uow, failed.id, reason="payout_refused"))
    for word in ("approved", "rejected", "nothing"):
        sale = await shop.sell(dear, {"method": "cash", "amount_cents": 2 * 70_000}, quantity=2)
        asked = await shop.refund(sale, 2)
        if word != "nothing":
            await shop.answered(asked, agreed=word == "approved")


async def _trade_in_notes(shop: SoundShop, product: UUID) -> None:
    """Give back as credit notes; spend one in parts on a sale that stays, one that is cancelled and one that is voided."""
    sold = await shop.sell(product, {"method": "cash", "amount_cents": 45_100}, quantity=3)
    numbers: list[str] = []
    for _ in range(2):
        refund = await shop.refund(sold, 1, method="credit_note")
        (found,) = [each for each in await shop.run(partial(list_refunds, sale_id=sold.id)) if each.id == refund.id]
        assert found.credit_note_number
        numbers.append(found.credit_note_number)
    note = {"method": "credit_note", "amount_cents": 5_000, "number": numbers[0]}
    cash = {"method": "cash", "amount_cents": 10_000}
    await shop.sell(product, note, cash)
    voided = await shop.sell(product, note, cash)
    await shop.run(lambda uow: void_sale(uow, voided.id, VoidSale(reason="Mistake")))
    waiting = await shop.prompt(product, 10_000, note)
    await shop.failed(waiting)


def _prompt_of(sale: SaleView) -> UUID:
    return next(each.id for each in sale.payments if each.method == "mpesa_stk")
