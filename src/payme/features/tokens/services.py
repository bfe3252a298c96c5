"""Use cases of the wallet: open with a welcome, charge, reserve, settle, buy, credit."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from payme.features import audit, ledger
from payme.features.ledger import AccountCode, Posting
from payme.features.payments import (
    PaymentFailed,
    PaymentSucceeded,
    PlatformAccount,
    WalletOverpaid,
    WalletPaid,
    request_stk,
    take_platform_money,
)
from payme.features.payments import settle as settle_payment
from payme.features.tokens import repository
from payme.features.tokens.errors import PackageUnknown, PurchaseNotFound
from payme.features.tokens.events import TokensPurchased
from payme.features.tokens.rules import bought_by_hand, bought_with, price_of, warning_for
from payme.features.tokens.schemas import BuyTokens, PackageView, PurchaseView, TokenMovement, TopUpView, WalletView
from payme.kit.ids import new_id
from payme.runtime.database import Deferred, UnitOfWork

PURPOSE: Final = "token_purchase"


@dataclass(frozen=True, slots=True)
class TokenPolicy:
    """What a new business is given, from settings."""

    welcome: int = 30
    overdraft: int = 200


_REQUEST_BOUND: Final = 0
_NO_DIGIT: Final = re.compile(r"\D")


async def open_wallet(uow: UnitOfWork, *, welcome: int, overdraft: int) -> None:
    """Give the business a wallet with its welcome grant; the accounts must be open. Granting twice is refused by the ledger."""
    await repository.insert_wallet(uow, overdraft)
    if welcome:
        repository.defer_credit(uow, welcome)
        ledger.post(
            uow, [Posting("token.welcome", AccountCode.TOKENS_GRANTED, AccountCode.TOKENS, welcome, uow.tenant)]
        )


async def grant(uow: UnitOfWork, quantity: int, *, reason: str) -> None:
    """Give tokens on the platform's account, with the reason in the audit log."""
    cause = new_id()
    repository.defer_credit(uow, quantity)
    ledger.post(uow, [Posting("token.grant", AccountCode.TOKENS_GRANTED, AccountCode.TOKENS, quantity, cause)])
    audit.record(uow, "tokens.granted", cause, quantity=quantity, reason=reason)


def charge(uow: UnitOfWork, cause: UUID, operation: str, *, is_fact: bool = False, is_gone: bool = False) -> Deferred:
    """Charge one token for an operation that is complete with this transaction; the reply says what is left.

    What a till handed over without a network (`is_gone`) is charged also beyond the overdraft, and the reply says `beyond`.
    Raises, at the flush: TokensExhausted, where it is not gone.
    """
    _book_charge(uow, cause, operation)
    if is_gone:
        return repository.defer_charge_of_gone(uow, 1)
    return repository.defer_charge(uow, 1, None if is_fact else _REQUEST_BOUND)


def reserve(uow: UnitOfWork, cause: UUID, operation: str, *, is_fact: bool = False) -> Deferred:
    """Set one token aside for an operation that has begun. Raises, at the flush: TokensExhausted, ReservationExists."""
    return repository.defer_reserve(uow, cause, operation, lower_bound=None if is_fact else _REQUEST_BOUND)


def settle(uow: UnitOfWork, cause: UUID, operation: str, *, completed: bool) -> Deferred:
    """End the reservation of an operation: charge it when completed, else release it; releasing nothing is not an error."""
    if completed:
        _book_charge(uow, cause, operation)
    return repository.defer_settle(uow, cause, charge=completed)


async def get_wallet(uow: UnitOfWork) -> WalletView:
    """Return what the business has left to operate with."""
    wallet = await repository.get_wallet(uow)
    assert wallet is not None, "every business gets its wallet in the transaction that makes it"
    return wallet.model_copy(update={"warning": warning_for(wallet.available), "top_up": await _top_up(uow)})


async def list_packages(uow: UnitOfWork) -> list[PackageView]:
    """Return the packages on sale."""
    return await repository.list_packages(uow)


async def list_movements(uow: UnitOfWork, after: list[Any] | None, limit: int) -> list[TokenMovement]:
    """Return what tokens were spent on and where they came from, newest first."""
    before = (datetime.fromisoformat(after[0]), UUID(after[1]), str(after[2])) if after else None
    return await repository.list_movements(uow, limit, before)


async def buy_tokens(uow: UnitOfWork, command: BuyTokens) -> PurchaseView:
    """Ask for the price of tokens by an M-Pesa prompt from the platform's own paybill.

    Raises: PackageUnknown, and what a prompt may be refused for.
    """
    packages = await _prices(uow)
    if command.package is not None and command.package not in packages:
        raise PackageUnknown(package=command.package)
    quantity = command.package or command.quantity or 0
    purchase_id = new_id()
    price_cents = price_of(quantity, packages)
    payment = await request_stk(
        uow, purpose=PURPOSE, purpose_id=purchase_id, amount_cents=price_cents, phone=command.phone, payee="platform"
    )
    purchase = PurchaseView(
        id=purchase_id,
        quantity=quantity,
        price_cents=price_cents,
        state="awaiting_payment",
        payment_id=payment.id,
        payment_status=payment.status,
        created_at=uow.now,
    )
    await repository.insert_purchase(uow, purchase)
    audit.record(uow, "tokens.purchase_requested", purchase_id, quantity=quantity, price_cents=price_cents)
    uow.touch("token_purchases", purchase_id)
    return purchase


async def credit_purchase(uow: UnitOfWork, event: PaymentSucceeded) -> None:
    """Credit the tokens of a paid purchase, once; a purchase that had failed is credited all the same.

    Where M-Pesa says that less came than was asked for, what it buys at the same price is credited. Raises: PurchaseNotFound.
    """
    purchase = await repository.lock_purchase(uow, event.purpose_id)
    if purchase is None:
        raise PurchaseNotFound(purchase_id=event.purpose_id)
    if purchase.state == "credited" or not await settle_payment(uow, event.payment_id, "applied"):
        return
    paid_cents = event.applied_cents
    quantity = bought_with(paid_cents, quantity=purchase.quantity, price_cents=purchase.price_cents)
    await repository.end_purchase(uow, purchase.id, "credited", credited=quantity)
    repository.defer_credit(uow, quantity)
    ledger.post(
        uow,
        [
            Posting("token.purchase", AccountCode.TOKENS_BOUGHT, AccountCode.TOKENS, quantity, purchase.id),
            Posting(
                "token.purchase_paid", AccountCode.OWNER_EQUITY, AccountCode.PLATFORM_FEES, paid_cents, purchase.id
            ),
        ],
    )
    audit.record(uow, "tokens.purchased", purchase.id, quantity=quantity, paid_cents=paid_cents)
    uow.touch("token_purchases", purchase.id)
    uow.publish(
        TokensPurchased(subject_id=purchase.id, quantity=quantity, paid_cents=paid_cents, payment_id=event.payment_id)
    )


async def credit_excess(uow: UnitOfWork, event: WalletOverpaid) -> None:
    """Credit what the platform was paid beyond a purchase as money by hand is: the largest packages first, the rest at KES 2 each."""
    excess_id, paid_cents = event.subject_id, event.amount_cents
    quantity = bought_by_hand(paid_cents, await _prices(uow))
    postings = [
        Posting("token.excess_paid", AccountCode.OWNER_EQUITY, AccountCode.PLATFORM_FEES, paid_cents, excess_id)
    ]
    if quantity:
        repository.defer_credit(uow, quantity)
        postings.append(Posting("token.excess", AccountCode.TOKENS_BOUGHT, AccountCode.TOKENS, quantity, excess_id))
    ledger.post(uow, postings)
    audit.record(uow, "tokens.excess_credited", event.purpose_id, quantity=quantity, paid_cents=paid_cents)
    uow.touch("token_purchases", event.purpose_id)
    uow.publish(
        TokensPurchased(
            subject_id=excess_id, quantity=quantity, paid_cents=paid_cents, payment_id=event.payment_id,
            booked_as=excess_id,
        )
    )  # fmt: skip


async def fail_purchase(uow: UnitOfWork, event: PaymentFailed) -> None:
    """Close a purchase whose payment failed; nothing was credited."""
    purchase = await repository.lock_purchase(uow, event.purpose_id)
    if purchase is not None and purchase.state == "awaiting_payment":
        await repository.end_purchase(uow, purchase.id, "failed")
        audit.record(uow, "tokens.purchase_failed", purchase.id)
        uow.touch("token_purchases", purchase.id)


class TopUpDesk:
    """Answers payments whose wallet an account names; people type codes with spaces and dashes."""

    async def find_wallet(self, uow: UnitOfWork, reference: str, amount_cents: int) -> UUID | None:
        """Return the business of a code, if the amount buys a token."""
        code = _NO_DIGIT.sub("", reference)
        if not code or not bought_by_hand(amount_cents, await _prices(uow)):
            return None
        return await repository.find_business_by_code(uow, code)


async def top_up(uow: UnitOfWork, paid: WalletPaid) -> None:
    """Record the purchase that money by hand stands for; its payment's success credits it. Hearing it again changes nothing."""
    purchase_id = new_id()
    payment_id = await take_platform_money(uow, paid, purpose=PURPOSE, purpose_id=purchase_id)
    if payment_id is None:
        return
    quantity = bought_by_hand(paid.amount_cents, await _prices(uow))
    purchase = PurchaseView(
        id=purchase_id, quantity=quantity, price_cents=paid.amount_cents, state="awaiting_payment", payment_id=payment_id,
        payment_status="succeeded", created_at=uow.now,
    )  # fmt: skip
    await repository.insert_purchase(uow, purchase)
    audit.record(uow, "tokens.paid_by_hand", purchase_id, quantity=quantity, price_cents=paid.amount_cents)
    uow.touch("token_purchases", purchase_id)


async def book_platform_revenue(uow: UnitOfWork, event: TokensPurchased) -> None:
    """Book a sale of tokens in the platform's own books, in which this unit of work must be."""
    cause = event.booked_as or event.payment_id
    ledger.post(uow, [Posting("token.sale", AccountCode.TOKEN_SALES, AccountCode.MPESA, event.paid_cents, cause)])


async def _prices(uow: UnitOfWork) -> dict[int, int]:
    return {each.quantity: each.price_cents for each in await repository.list_packages(uow)}


async def _top_up(uow: UnitOfWork) -> TopUpView | None:
    platform = uow.tool(PlatformAccount)
    code = await repository.find_code(uow) if platform.is_told else None
    return TopUpView(paybill=platform.shortcode, account=code) if code else None


def _book_charge(uow: UnitOfWork, cause: UUID, operation: str) -> None:
    ledger.post(uow, [Posting(f"token.{operation}", AccountCode.TOKENS, AccountCode.TOKENS_USED, 1, cause)])
