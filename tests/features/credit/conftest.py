"""A shop with tea at a hundred shillings and a customer who may owe five hundred."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest_asyncio

from payme.features.credit import (
    ChangeCreditAccount,
    CreditAccountView,
    OpenCreditAccount,
    RepayCredit,
    RepaymentView,
    change_account,
    get_account,
    open_account,
    repay,
)
from payme.features.credit.schemas import StatementView
from payme.features.credit.services.read_accounts import read_statement
from payme.features.customers import CreateCustomer, create_customer
from payme.features.sales import SaleView
from tests.invariants import assert_invariants
from tests.stock_room import make_product, receive
from tests.trade import TradingShop, database, other_shop, shop

__all__ = ["database", "other_shop", "shop"]
PRICE, LIMIT = 10_000, 50_000


@dataclass
class Counter:
    """A shop, what it sells, and who owes there."""

    shop: TradingShop
    tea: UUID
    account_id: UUID

    def on_credit(self, amount_cents: int = PRICE, account_id: UUID | None = None) -> dict[str, Any]:
        return {
            "method": "credit", "amount_cents": amount_cents, "credit_account_id": account_id or self.account_id
        }  # fmt: skip

    async def sell(self, quantity: int = 1, *tenders: dict[str, Any], **more: Any) -> SaleView:
        paid = list(tenders) or [self.on_credit(quantity * PRICE)]
        return await self.shop.sell((self.tea, quantity), tenders=paid, **more)

    async def repay(self, amount_cents: int, *, is_fact: bool = False, **more: Any) -> RepaymentView:
        command = RepayCredit.model_validate({"amount_cents": amount_cents, **more})
        return await self.shop.run(lambda uow: repay(uow, self.account_id, command, is_fact=is_fact))

    async def change(self, **said: Any) -> CreditAccountView:
        command = ChangeCreditAccount.model_validate(said)
        return await self.shop.run(lambda uow: change_account(uow, self.account_id, command=command))

    async def account(self) -> CreditAccountView:
        return await self.shop.run(lambda uow: get_account(uow, self.account_id))

    async def owes(self) -> int:
        """Return the debt, which the books agree with."""
        owed = (await self.account()).balance_cents
        assert (await self.shop.balances()).get("receivables", 0) == owed
        await assert_invariants(self.shop.database, self.shop.business_id)
        return owed

    async def statement(self, **days: Any) -> StatementView:
        asked = {"since": None, "until": None, **days}
        return await self.shop.run(lambda uow: read_statement(uow, self.account_id, **asked))


async def open_counter(shop: TradingShop) -> Counter:
    product = await make_product(shop, price_cents=PRICE)
    await receive(shop, product, "100", 500_000)
    customer = await shop.run(lambda uow: create_customer(uow, CreateCustomer(name="Achieng")))
    command = OpenCreditAccount(customer_id=customer.id, limit_cents=LIMIT, terms_days=30)
    account = await shop.run(lambda uow: open_account(uow, command))
    return Counter(shop, product, account.id)


@pytest_asyncio.fixture(loop_scope="session")
async def counter(shop: TradingShop) -> Counter:
    return await open_counter(shop)
