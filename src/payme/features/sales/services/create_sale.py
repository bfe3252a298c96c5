"""Make a sale: lock, decide, write, shared rows last.

One statement fetches the facts and locks the stock; the rules decide; everything is written by one more.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from payme.features import approvals, credit, payments
from payme.features.approvals import ApprovalKind, MayNotApprove, OwnRequest
from payme.features.catalog import ProductNotFound
from payme.features.identity import Proven
from payme.features.inventory import parse_stock
from payme.features.payments import Destination, PaymentView, Word
from payme.features.sales.enums import SaleStatus, TenderMethod
from payme.features.sales.errors import (
    BusinessSuspended,
    DiscountAboveLimit,
    LineTwice,
    ProductNotForSale,
    ReceiptNumberOfDevice,
    SaleExists,
    TillNotFound,
)
from payme.features.sales.repository import sales
from payme.features.sales.repository.sales import NewSale, SaleFacts
from payme.features.sales.rules.carts import (
    PAID_AT_ONCE,
    Cart,
    Item,
    Paying,
    Policy,
    are_counted,
    change_due,
    check_tenders,
    completes_at_once,
    price_cart,
    profit_cents,
)
from payme.features.sales.rules.facts import AtTill, as_printed, note_prices
from payme.features.sales.schemas.sales import (
    CreateSale,
    CreditNoteTender,
    CreditTender,
    MpesaClaimTender,
    MpesaStkTender,
    SaleLineView,
    SalePaymentView,
    SaleView,
    Tender,
)
from payme.features.sales.services import attribution, booking, credit_notes
from payme.features.sales.services.booking import Figures, Goods
from payme.kit.ids import new_id, read_id
from payme.runtime.database import UnitOfWork


async def create_sale(
    uow: UnitOfWork, command: CreateSale, *, proven: Proven | None = None, till: AtTill | None = None
) -> SaleView:
    """Sell a cart: completed when all of it is paid at once, else awaiting the M-Pesa prompt that it sends.

    A discount above the business's limit needs somebody else, who has shown at the till that they are there (`proven`). A
    registered till numbers its receipts itself; of what it has handed over already, nothing is refused for stock, tokens, price
    or limits, and what is odd is noted in `till`.

    The receipt number and what is left of the tokens are in `uow.patch` after the flush, and in the stored reply.
    Raises: ProductNotFound, ProductNotForSale, StockShort, TendersDiffer and the other refusals of `errors`,
    approvals.OwnRequest, approvals.MayNotApprove; at the flush TokensExhausted and SaleExists.
    """
    sale_id = command.id or new_id()
    gone = till if till is not None and till.is_handed_over else None
    is_approved = await _is_approved(uow, proven, sale_id, gone=gone)
    part = await attribution.take_part(uow, command, gone=gone)
    for account_id in [each.credit_account_id for each in command.tenders if isinstance(each, CreditTender)]:
        await credit.get_account(uow, account_id)
    facts = await sales.lock_facts(
        uow, [line.product_id for line in command.lines], sale_id=command.id, till_id=part.till_id,
        branch_id=command.branch_id, at=gone and gone.occurred_at,
    )  # fmt: skip
    if facts.is_known:
        raise SaleExists(sale_id=command.id)
    business = _open_business(facts.business, gone)
    tenders = [paying(tender) for tender in command.tenders]
    cart = await _price(
        uow,
        command,
        items=_items(command, facts, gone),
        policy=_policy(uow, business, is_approved=is_approved, gone=gone),
        gone=gone,
    )
    check_tenders(tenders, cart.total_cents)
    goods = [Goods(line.product_id, line.quantity, line.track_stock) for line in cart.lines]
    stock = parse_stock(facts.stock)
    plan = booking.plan_owed(goods, stock, gone) if gone else booking.plan_or_refuse(goods, stock)
    at_once = completes_at_once(tenders)
    sale = NewSale(
        id=sale_id,
        branch_id=read_id(business["branch_id"]),
        till_id=read_id(business["till_id"]),
        receipt_prefix=business["receipt_prefix"],
        status=SaleStatus.COMPLETED if at_once else SaleStatus.AWAITING_PAYMENT,
        paid_cents=sum(each.amount_cents for each in tenders if each.method in PAID_AT_ONCE),
        change_cents=change_due(tenders),
        line_ids=_line_ids(command),
        line_costs=booking.spread_costs(goods, plan) if at_once else None,
    )
    sales.defer_sale(uow, sale, cart)
    _place(uow, command, sale, till=till)
    attribution.attribute(uow, sale.id, part)
    held = not are_counted(tenders)
    paid = [await take_tender(uow, sale.id, tender, held=held, gone=gone) for tender in command.tenders]
    await attribution.note_cash(uow, part.drawer, attribution.HELD if held else attribution.SOLD, paid=paid)
    if at_once:
        figures = Figures(cart.total_cents, cart.rounding_cents, cart.vat_cents, plan.cost_cents, sale.till_id)
        booking.hand_over(uow, sale.id, plan, reserved=False, is_fact=False, is_gone=gone is not None)
        booking.book_completion(uow, sale.id, figures, payments=paid, held=held)
    else:
        booking.set_aside(uow, sale.id, goods, is_fact=gone is not None)
        booking.tell(uow, sale.id, SaleStatus.AWAITING_PAYMENT, total_cents=cart.total_cents)
    return _view(uow, sale, cart, paid=paid).model_copy(
        update={"customer_id": part.customer_id, "shift_id": part.shift_id}
    )


def paying(tender: Tender) -> Paying:
    """Return a tender as the rules see it."""
    return Paying(TenderMethod(tender.method), tender.amount_cents, getattr(tender, "received_cents", None))


async def take_tender(
    uow: UnitOfWork, sale_id: UUID, tender: Tender, *, held: bool, gone: AtTill | None = None
) -> PaymentView:
    """Record a tender that is paid at once, or have the prompt of one that is not sent after the commit."""
    if isinstance(tender, MpesaClaimTender):
        word = Word(tender.mpesa_receipt_number, tender.amount_cents, tender.channel)
        odd = None if gone is None else gone.odd
        return await payments.claim_receipt(uow, word, Destination("sale", sale_id), odd=odd)
    if isinstance(tender, CreditNoteTender):
        note = await credit_notes.get_by_number(uow, tender.number)
        by_note = payments.Counted(tender.method, tender.amount_cents, reference=note.number)
        payment = payments.record_counted(uow, by_note, purpose="sale", purpose_id=sale_id, held=held)
        credit_notes.spend(uow, note, payment)
        return payment
    if isinstance(tender, CreditTender):
        owed = payments.Counted(tender.method, tender.amount_cents, reference=str(tender.credit_account_id))
        payment = payments.record_counted(uow, owed, purpose="sale", purpose_id=sale_id, held=held)
        await _charge(uow, tender, payment, gone=gone)
        return payment
    if isinstance(tender, MpesaStkTender):
        return await payments.request_stk(
            uow,
            purpose="sale",
            purpose_id=sale_id,
            amount_cents=tender.amount_cents,
            phone=tender.phone,
            payee="business",
        )
    received, reference = getattr(tender, "received_cents", None), getattr(tender, "reference", "")
    counted = payments.Counted(tender.method, tender.amount_cents, received, reference)
    return payments.record_counted(uow, counted, purpose="sale", purpose_id=sale_id, held=held)


async def _charge(uow: UnitOfWork, tender: CreditTender, payment: PaymentView, *, gone: AtTill | None) -> None:
    if gone is not None:
        account = await credit.get_account(uow, tender.credit_account_id)
        if account.state == "closed":
            gone.note(credit.AccountClosed.code)
        if account.balance_cents + tender.amount_cents > account.limit_cents:
            gone.note(credit.LimitExceeded.code)
    await credit.charge(
        uow, tender.credit_account_id, payment_id=payment.id, sale_id=payment.purpose_id,
        amount_cents=tender.amount_cents, is_fact=gone is not None,
    )  # fmt: skip


def _open_business(business: dict[str, Any] | None, gone: AtTill | None) -> dict[str, Any]:
    if business is None or business["till_id"] is None:
        raise TillNotFound
    if business["status"] != "active":
        if gone is None:
            raise BusinessSuspended
        gone.note("business_suspended")
    return business


async def _is_approved(uow: UnitOfWork, proven: Proven | None, sale_id: UUID, *, gone: AtTill | None) -> bool:
    if proven is None:
        return False
    try:
        await approvals.verify_approver(uow, proven, kind=ApprovalKind.DISCOUNT, subject_id=sale_id)
    except (OwnRequest, MayNotApprove) as refusal:
        if gone is None:
            raise
        gone.note(refusal.code)
        return False
    return True


def _line_ids(command: CreateSale) -> list[UUID]:
    ids = [line.id or new_id() for line in command.lines]
    if len(set(ids)) < len(ids):
        raise LineTwice
    return ids


def _place(uow: UnitOfWork, command: CreateSale, sale: NewSale, *, till: AtTill | None) -> None:
    number = command.receipt_number
    if number is not None and (till is None or not number.startswith(f"{sale.receipt_prefix}-")):
        if till is None or not till.is_handed_over:
            raise ReceiptNumberOfDevice
        till.note("receipt_prefix_foreign")
        number = None
    if till is not None:
        strict = not till.is_handed_over
        sales.defer_place(uow, sale, receipt_number=number, occurred_at=till.occurred_at, strict=strict)


async def _price(
    uow: UnitOfWork, command: CreateSale, *, items: Sequence[Item], policy: Policy, gone: AtTill | None
) -> Cart:
    tenders = [paying(tender) for tender in command.tenders]
    try:
        cart = price_cart(items, tenders, policy=policy, cart_discount_cents=command.discount_cents)
        return cart if gone is None else as_printed(cart, tenders, gone)
    except DiscountAboveLimit as refusal:
        if gone is not None:
            gone.note("discount_above_limit")
            agreed = replace(policy, is_discount_approved=True)
            return await _price(uow, command, items=items, policy=agreed, gone=gone)
        # Who could agree is asked for only now, so that no other sale pays for it.
        approvers = await approvals.list_approvers(uow, ApprovalKind.DISCOUNT)
        raise DiscountAboveLimit(**refusal.facts, approvers=approvers) from None


def _policy(uow: UnitOfWork, business: dict[str, Any], *, is_approved: bool, gone: AtTill | None) -> Policy:
    return Policy(
        cash_rounding_cents=business["cash_rounding_cents"],
        discount_limit_basis_points=business["discount_limit_basis_points"],
        may_override_price=gone is not None or uow.actor.may("sales.override_price"),
        is_discount_approved=is_approved,
    )


def _items(command: CreateSale, facts: SaleFacts, gone: AtTill | None) -> list[Item]:
    known = {read_id(product["id"]): product for product in facts.products}
    items: list[Item] = []
    for line in command.lines:
        product = known.get(line.product_id)
        if product is None:
            raise ProductNotFound(product_id=line.product_id)
        if not product["active"]:
            if gone is None:
                raise ProductNotForSale(product_id=line.product_id)
            gone.note("product_inactive")
        today: int = product["price_cents"]
        items.append(
            Item(
                product_id=line.product_id, name=product["name"], quantity=line.quantity,
                unit_price_cents=line.unit_price_cents, discount_cents=line.discount_cents,
                catalogue_price_cents=facts.prices.get(product["id"], today), vat_class=product["vat_class"],
                rate_basis_points=product["rate_basis_points"], track_stock=product["track_stock"],
            )
        )  # fmt: skip
    if gone is not None:
        note_prices(items, gone)
    return items


def _view(uow: UnitOfWork, sale: NewSale, cart: Cart, *, paid: Sequence[PaymentView]) -> SaleView:
    shows_cost = sale.line_costs is not None and uow.actor.may("sales.read_cost")
    costs = list(sale.line_costs or ()) if shows_cost else [None] * len(cart.lines)
    lines = [
        SaleLineView(
            id=line_id, product_id=line.product_id, name=line.name, quantity=line.quantity, unit_price_cents=line.unit_price_cents,
            discount_cents=line.discount_cents, total_cents=line.total_cents, vat_class=line.vat_class, vat_cents=line.vat_cents,
            cost_cents=cost,
        )
        for line_id, line, cost in zip(sale.line_ids, cart.lines, costs, strict=True)
    ]  # fmt: skip
    cost_cents = sum(sale.line_costs or ()) if shows_cost else None
    return SaleView(
        id=sale.id, receipt_number="", status=sale.status, lines=lines, total_cents=cart.total_cents,
        discount_cents=cart.discount_cents, rounding_cents=cart.rounding_cents, vat_cents=cart.vat_cents, cost_cents=cost_cents,
        profit_cents=None if cost_cents is None else profit_cents(
            net_of_rounding_cents=cart.total_cents - cart.rounding_cents, vat_cents=cart.vat_cents, cost_cents=cost_cents
        ),
        paid_cents=sale.paid_cents, change_cents=sale.change_cents, payments=[as_sale_payment(each) for each in paid],
        branch_id=sale.branch_id, till_id=sale.till_id, created_at=uow.now,
        completed_at=uow.now if sale.status == SaleStatus.COMPLETED else None,
    )  # fmt: skip


def as_sale_payment(payment: PaymentView) -> SalePaymentView:
    """Return what a sale shows of one of its payments."""
    return SalePaymentView(
        id=payment.id, method=payment.method, status=payment.status, assurance=payment.assurance,
        amount_cents=payment.amount_cents, mpesa_receipt_number=payment.mpesa_receipt_number,
        settlement=payment.settlement, reason_code=payment.reason_code, verdict=payment.verdict,
    )  # fmt: skip
