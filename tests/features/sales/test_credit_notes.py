"""Credit notes: given for goods that came back, spent on sales, back on the note where the sale came to nothing."""

import asyncio
from collections import Counter
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from payme.features.identity import Role
from payme.features.payments import PaymentFailed
from payme.features.sales import SaleView, errors
from payme.features.sales.schemas.credit_notes import CreditNoteHistory, CreditNoteView
from payme.features.sales.services.credit_notes import get_credit_note, list_credit_notes
from payme.features.sales.services.settle_sale import hear_of_failure
from payme.kit.errors import DomainError
from payme.kit.ids import new_id
from tests.invariants import assert_invariants
from tests.staff import hire
from tests.stock_room import check_stock, level, make_product, receive
from tests.trade import TradingShop, by_note, cash, stk
from tests.unchanged import refused

PRICE = 11_600
Tender = dict[str, Any]


async def tea_of(shop: TradingShop, **facts: Any) -> UUID:
    product = await make_product(shop, **{"price_cents": PRICE, **facts})
    await receive(shop, product, "100", 500_000)
    return product


async def noted(shop: TradingShop, tea: UUID, quantity: int = 2) -> CreditNoteView:
    """Sell for cash, and give all of it back as a credit note."""
    sale = await shop.sell((tea, quantity), tenders=[cash(quantity * PRICE)])
    refund = await shop.refund(sale, method="credit_note")
    assert (refund.state, refund.sale_status) == ("completed", "refunded")
    return next(each for each in await shop.credit_notes() if each.refund_id == refund.id)


async def read(shop: TradingShop, key: object) -> CreditNoteHistory:
    return await shop.run(lambda uow: get_credit_note(uow, str(key)))


async def left_on(shop: TradingShop, note: CreditNoteView) -> int:
    return (await read(shop, note.id)).balance_cents


async def sound(shop: TradingShop) -> None:
    await check_stock(shop)
    await assert_invariants(shop.database, shop.business_id)


async def test_goods_come_back_for_a_note_and_the_books_owe_it(shop: TradingShop):
    tea = await tea_of(shop)
    before = await shop.balances()
    sale = await shop.sell((tea, 3), tenders=[cash(3 * PRICE)])
    first = await shop.refund(sale, (0, 1), method="credit_note")
    second = await shop.refund(sale, (0, 2), method="credit_note")
    assert (first.state, first.method, first.amount_cents) == ("completed", "credit_note", PRICE)
    notes = await shop.credit_notes()
    assert [(each.number, each.amount_cents, each.balance_cents) for each in notes] == [
        ("CN-A1-000001", PRICE, PRICE),
        ("CN-A1-000002", 2 * PRICE, 2 * PRICE),
    ]
    assert [(each.refund_id, each.sale_id, each.branch_id) for each in notes] == [
        (first.id, sale.id, sale.branch_id),
        (second.id, sale.id, sale.branch_id),
    ]
    assert [each.credit_note_number for each in await shop.refunds(sale.id)] == [each.number for each in notes]
    balances = await shop.balances()
    assert balances == {
        **before, "cash": 3 * PRICE, "credit_notes": -3 * PRICE, "tokens": 29, "tokens_used": 1
    }  # fmt: skip
    assert await level(shop, tea) == (100, 0, 500_000)
    actions = await shop.rows(
        "select action from audit_log where business_id = $1 and subject_id = any ($2::uuid[])", [n.id for n in notes]
    )
    assert actions == [("credit_note.issued",)] * 2
    await sound(shop)


async def test_each_branch_has_numbers_of_its_own(shop: TradingShop):
    tea = await tea_of(shop)
    branch, till = new_id(), new_id()
    for sql, more in (
        ("insert into branches (business_id, id, name, created_at) values ($1, $2, 'Mtaani', now())", [branch]),
        (
            "insert into tills (business_id, id, branch_id, name, receipt_prefix, created_at) values ($1, $2, $3, 'T', 'B7', now())",
            [till, branch],
        ),
    ):
        await shop.run(lambda uow, sql=sql, more=more: uow.execute(sql, uow.tenant, *more))
    for till_id in (None, till, till, None):
        sale = await shop.sell(tea, tenders=[cash(PRICE)], till_id=till_id)
        await shop.refund(sale, method="credit_note")
    assert [each.number for each in await shop.credit_notes()] == [
        "CN-A1-000001", "CN-A1-000002", "CN-B7-000001", "CN-B7-000002"
    ]  # fmt: skip


async def test_a_note_is_spent_in_parts_and_pays_like_money(shop: TradingShop):
    tea = await tea_of(shop)
    note = await noted(shop, tea)
    before = await shop.balances()
    whole = await shop.sell(tea, tenders=[by_note(note, PRICE)])
    assert (whole.status, whole.paid_cents, whole.payments[0].method) == ("completed", PRICE, "credit_note")
    assert whole.payments[0].assurance == "counted"
    mixed = await shop.sell((tea, 2), tenders=[by_note(note, 4_000), cash(2 * PRICE - 4_000)])
    assert mixed.status == "completed"
    history = await read(shop, note.number.lower())
    assert (history.amount_cents, history.balance_cents) == (2 * PRICE, PRICE - 4_000)
    assert [(each.kind, each.amount_cents, each.payment_id) for each in history.movements] == [
        ("spent", PRICE, whole.payments[0].id),
        ("spent", 4_000, mixed.payments[0].id),
    ]
    after = await shop.balances()
    assert after["credit_notes"] - before["credit_notes"] == PRICE + 4_000
    assert after["cash"] - before["cash"] == 2 * PRICE - 4_000
    await sound(shop)


async def test_a_free_choice_of_what_is_left(shop: TradingShop):
    tea = await tea_of(shop)
    spent, whole = await noted(shop, tea, 1), await noted(shop, tea, 1)
    await shop.sell(tea, tenders=[by_note(spent, PRICE)])
    for only_open, expected in ((True, [whole.id]), (False, [whole.id, spent.id])):
        found = await shop.run(lambda uow, o=only_open: list_credit_notes(uow, None, 10, only_open=o))
        assert [each.id for each in found] == expected
    position = [whole.issued_at.isoformat(), str(whole.id)]
    found = await shop.run(lambda uow: list_credit_notes(uow, position, 10, only_open=False))
    assert [each.id for each in found] == [spent.id]


async def test_more_than_is_left_is_refused(shop: TradingShop, other_shop: TradingShop):
    tea = await tea_of(shop)
    note = await noted(shop, tea)
    refusal = await refused(
        shop, errors.CreditNoteShort, lambda: shop.sell((tea, 3), tenders=[by_note(note, 3 * PRICE)])
    )
    assert refusal.facts == {"number": note.number, "wanted_cents": 3 * PRICE, "balance_cents": 2 * PRICE}
    # Each of two parts is there, both together are not: only the lock at the end can see it.
    halves = [by_note(note, 2 * PRICE), by_note(note, PRICE)]
    refusal = await refused(shop, errors.CreditNoteShort, lambda: shop.sell((tea, 3), tenders=halves))
    assert refusal.facts == {"number": note.number, "wanted_cents": 3 * PRICE, "balance_cents": 2 * PRICE}
    unknown = {**by_note(note, PRICE), "number": "CN-A1-999999"}
    await refused(shop, errors.CreditNoteNotFound, lambda: shop.sell(tea, tenders=[unknown]))
    theirs = await tea_of(other_shop)
    await refused(
        other_shop, errors.CreditNoteNotFound, lambda: other_shop.sell(theirs, tenders=[by_note(note, PRICE)])
    )
    for key in (note.id, note.number):
        await refused(other_shop, errors.CreditNoteNotFound, lambda key=key: read(other_shop, key))
    waiting = await shop.sell((tea, 3), tenders=[stk(3 * PRICE)])
    await shop.fails(waiting.payments[0].id)
    await refused(
        shop, errors.CreditNoteShort, lambda: shop.pay(waiting.id, method="credit_note", amount_cents=3 * PRICE, number=note.number)
    )  # fmt: skip
    assert await left_on(shop, note) == 2 * PRICE
    await sound(shop)


async def test_the_note_completes_a_sale_that_waits(shop: TradingShop):
    tea = await tea_of(shop)
    note = await noted(shop, tea)
    sale = await shop.sell((tea, 2), tenders=[stk(2 * PRICE)])
    await shop.fails(sale.payments[0].id)
    part = await shop.pay(sale.id, **by_note(note, PRICE))
    assert (part.status, part.paid_cents) == ("awaiting_payment", PRICE)
    await sound(shop)
    done = await shop.pay(sale.id, **by_note(note, PRICE))
    assert (done.status, done.paid_cents, await left_on(shop, note)) == ("completed", 2 * PRICE, 0)
    await sound(shop)


async def test_a_cancelled_sale_gives_the_note_back_what_it_took(shop: TradingShop):
    tea = await tea_of(shop)
    note = await noted(shop, tea)
    first = await shop.sell((tea, 2), tenders=[stk(2 * PRICE)])
    await shop.fails(first.payments[0].id)
    await shop.pay(first.id, **by_note(note, PRICE))
    assert await left_on(shop, note) == PRICE
    cancelled = await shop.cancel(first.id)
    assert (cancelled.status, cancelled.payments[1].settlement) == ("cancelled", "returned")
    history = await read(shop, note.id)
    assert (history.balance_cents, [each.kind for each in history.movements]) == (2 * PRICE, ["spent", "returned"])
    assert (await shop.balances())["credit_notes"] == -2 * PRICE
    await refused(shop, errors.SaleNotOpen, lambda: shop.cancel(first.id))
    await sound(shop)


async def test_when_the_other_tender_fails_the_note_is_whole_again(shop: TradingShop):
    tea = await tea_of(shop)
    note = await noted(shop, tea)
    alone = await shop.sell((tea, 2), tenders=[by_note(note, 2 * PRICE - 10_000), stk(10_000)])
    assert (alone.status, await left_on(shop, note)) == ("awaiting_payment", 10_000)
    await shop.fails(alone.payments[1].id)
    failed = await shop.sale(alone.id)
    assert (failed.status, failed.paid_cents, await left_on(shop, note)) == ("payment_failed", 0, 2 * PRICE)
    assert (await level(shop, tea))[1] == 0
    beside = await shop.sell((tea, 2), tenders=[by_note(note, PRICE), cash(1_600), stk(10_000)])
    await shop.fails(beside.payments[2].id)
    kept = await shop.sale(beside.id)
    assert (kept.status, kept.paid_cents, await left_on(shop, note)) == ("awaiting_payment", 1_600, 2 * PRICE)
    await sound(shop)
    # What is paid by note after the failure belongs to the next attempt, also when the failure is heard again.
    await shop.pay(beside.id, **by_note(note, PRICE))
    await shop.hear(again=True)
    assert ((await shop.sale(beside.id)).paid_cents, await left_on(shop, note)) == (PRICE + 1_600, PRICE)
    late = await shop.paid(alone.payments[1].id, 10_000)
    assert late.effect == "late_success"
    assert (await shop.sale(alone.id)).paid_cents == 10_000
    await sound(shop)


async def test_the_failure_of_another_attempt_takes_nothing_back(shop: TradingShop):
    tea = await tea_of(shop)
    note = await noted(shop, tea)
    sale = await shop.sell((tea, 2), tenders=[by_note(note, PRICE), stk(PRICE)])
    stranger = PaymentFailed(
        subject_id=new_id(), payment_id=new_id(), purpose="sale", purpose_id=sale.id, reason_code="cancelled"
    )
    await shop.accept(sale.payments[1].id)
    await shop.run(lambda uow: hear_of_failure(uow, stranger))
    assert ((await shop.sale(sale.id)).paid_cents, await left_on(shop, note)) == (PRICE, PRICE)
    await shop.paid(sale.payments[1].id, PRICE)
    assert (await shop.sale(sale.id)).status == "completed"
    await shop.run(lambda uow: hear_of_failure(uow, stranger))
    assert await left_on(shop, note) == PRICE
    await sound(shop)


async def test_a_failure_that_was_overtaken_by_a_success_takes_nothing_back(shop: TradingShop):
    tea = await tea_of(shop)
    note = await noted(shop, tea)
    sale = await shop.sell((tea, 3), tenders=[stk(3 * PRICE)])
    await shop.fails(sale.payments[0].id)
    await shop.pay(sale.id, **by_note(note, PRICE))
    prompted = await shop.pay(sale.id, **stk(PRICE))
    prompt_id = prompted.payments[-1].id
    await shop.fails(prompt_id, heard=False)
    await shop.paid(prompt_id, PRICE)
    found = await shop.sale(sale.id)
    assert (found.status, found.paid_cents, await left_on(shop, note)) == ("awaiting_payment", 2 * PRICE, PRICE)
    overtaken = PaymentFailed(
        subject_id=prompt_id, payment_id=prompt_id, purpose="sale", purpose_id=sale.id, reason_code="cancelled"
    )
    await shop.run(lambda uow: hear_of_failure(uow, overtaken))
    assert ((await shop.sale(sale.id)).paid_cents, await left_on(shop, note)) == (2 * PRICE, PRICE)
    await sound(shop)


async def test_a_failure_heard_after_the_sale_was_paid_takes_nothing_back(shop: TradingShop):
    tea = await tea_of(shop)
    note = await noted(shop, tea)
    sale = await shop.sell((tea, 2), tenders=[by_note(note, PRICE), stk(PRICE)])
    await shop.fails(sale.payments[1].id, heard=False)
    assert (await shop.pay(sale.id, **cash(PRICE))).status == "completed"
    await shop.hear()
    assert ((await shop.sale(sale.id)).paid_cents, await left_on(shop, note)) == (2 * PRICE, PRICE)
    await sound(shop)


async def test_a_void_restores_the_note(shop: TradingShop):
    tea = await tea_of(shop)
    note = await noted(shop, tea)
    before = await shop.balances()
    sale = await shop.sell((tea, 2), tenders=[by_note(note, PRICE), cash(PRICE)])
    void = await shop.void(sale.id)
    assert (void.state, void.sale_status, void.credit_note_number) == ("completed", "voided", None)
    assert await left_on(shop, note) == 2 * PRICE
    assert await shop.balances() == {**before, "tokens": before["tokens"] - 1, "tokens_used": before["tokens_used"] + 1}
    assert [each.kind for each in (await read(shop, note.id)).movements] == ["spent", "returned"]
    await sound(shop)


async def test_what_a_note_paid_goes_back_as_a_note_never_as_money(shop: TradingShop):
    tea = await tea_of(shop)
    note = await noted(shop, tea)
    sale = await shop.sell((tea, 3), tenders=[by_note(note, PRICE), cash(PRICE), stk(PRICE)])
    await shop.paid(sale.payments[2].id, PRICE)
    refusal = await refused(shop, errors.CreditNotePaidPart, lambda: shop.refund(sale, (0, 3)))
    assert refusal.facts == {"amount_cents": 3 * PRICE, "refundable_cents": 2 * PRICE}
    await shop.refund(sale, (0, 2))
    for method in ("cash", "mpesa"):
        await refused(shop, errors.CreditNotePaidPart, lambda method=method: shop.refund(sale, (0, 1), method=method))
    back = await shop.refund(sale, (0, 1), method="credit_note")
    assert (back.state, back.sale_status) == ("completed", "refunded")
    fresh = (await shop.credit_notes())[-1]
    assert (fresh.refund_id, fresh.balance_cents, await left_on(shop, note)) == (back.id, PRICE, PRICE)
    await sound(shop)


async def test_nothing_is_no_credit_note(shop: TradingShop):
    tea = await tea_of(shop)
    await shop.set_limits(discount_limit_basis_points=10_000)
    sale = await shop.sell(tea, tenders=[], discount_cents=PRICE)
    await refused(shop, errors.NothingToCredit, lambda: shop.refund(sale, method="credit_note"))


async def test_above_the_limit_a_note_waits_for_a_second_person(shop: TradingShop):
    sql = "update businesses set refund_limit_cents = $2 where business_id = $1"
    await shop.run(lambda uow: uow.execute(sql, uow.tenant, PRICE))
    cashier, manager = await hire(shop, Role.CASHIER), await hire(shop, Role.MANAGER)
    tea = await tea_of(shop)
    sale = await shop.sell((tea, 4), tenders=[cash(4 * PRICE)])
    asked = await cashier.shop.refund(sale, (0, 2), method="credit_note")
    assert (asked.state, await shop.credit_notes()) == ("awaiting_approval", [])
    approved = await cashier.shop.refund(sale, (0, 2), method="credit_note", proven=manager.proven)
    assert (approved.state, approved.approved_by) == ("completed", manager.id)
    (note,) = await shop.credit_notes()
    assert (note.refund_id, note.amount_cents, note.issued_by) == (approved.id, 2 * PRICE, cashier.id)
    await sound(shop)


async def attempt(work: Any) -> str:
    try:
        await work
    except DomainError as error:
        return error.code
    return "done"


async def test_one_note_pays_no_more_than_once_however_many_sales_spend_it(shop: TradingShop):
    await shop.set_tokens(40)
    tea = await tea_of(shop)
    milk = await tea_of(shop, name="Maziwa")
    notes = [await noted(shop, tea, 3) for _ in range(2)]
    retries = shop.database.retries

    async def sell(number: int) -> str:
        # Both notes in either order, over goods in either order: one lock order or a deadlock.
        first, second = notes if number % 2 else notes[::-1]
        goods = (tea, milk) if number % 3 else (milk, tea)
        return await attempt(shop.sell(*goods, tenders=[by_note(first, PRICE), by_note(second, PRICE)]))

    found = Counter(await asyncio.gather(*(sell(number) for number in range(16))))
    assert found == {"done": 3, errors.CreditNoteShort.code: 13}
    assert [await left_on(shop, each) for each in notes] == [0, 0]
    assert shop.database.retries == retries
    assert (await shop.balances()).get("credit_notes", 0) == 0
    await sound(shop)


async def test_a_note_is_spent_returned_and_issued_at_once(shop: TradingShop):
    await shop.set_tokens(60)
    tea = await tea_of(shop)
    note = await noted(shop, tea, 8)

    async def sell_and_cancel() -> str:
        sale = await shop.sell((tea, 2), tenders=[by_note(note, PRICE), stk(PRICE)])
        teller = TradingShop(shop.database, shop.business_id, shop.actor, heard=set(shop.heard))
        await teller.fails(sale.payments[1].id, heard=False)
        failed = PaymentFailed(
            subject_id=sale.payments[1].id, payment_id=sale.payments[1].id, purpose="sale", purpose_id=sale.id,
            reason_code="cancelled",
        )  # fmt: skip
        await asyncio.gather(
            attempt(shop.cancel(sale.id)), *(shop.run(lambda uow: hear_of_failure(uow, failed)) for _ in range(2))
        )
        return (await shop.sale(sale.id)).status

    async def sell_and_void() -> str:
        sale: SaleView = await shop.sell((tea, 2), tenders=[by_note(note, PRICE), cash(PRICE)])
        await asyncio.gather(*(attempt(shop.void(sale.id)) for _ in range(2)))
        return (await shop.sale(sale.id)).status

    async def give_back() -> str:
        sale = await shop.sell(tea, tenders=[cash(PRICE)])
        await shop.refund(sale, method="credit_note")
        return "noted"

    works = [work() for _ in range(4) for work in (sell_and_cancel, sell_and_void, give_back)]
    found = Counter(await asyncio.gather(*works))
    assert found["voided"] == 4
    assert found["noted"] == 4
    assert found["cancelled"] + found["payment_failed"] == 4
    assert await left_on(shop, note) == 8 * PRICE
    assert len({each.number for each in await shop.credit_notes()}) == 5
    await sound(shop)


async def test_the_table_itself_refuses_a_balance_below_zero(shop: TradingShop):
    note = await noted(shop, await tea_of(shop))
    sql = "update credit_notes set balance_cents = -1 where business_id = $1 and id = $2"
    with pytest.raises(asyncpg.CheckViolationError):
        await shop.run(lambda uow: uow.execute(sql, uow.tenant, note.id))
    assert await left_on(shop, note) == note.amount_cents
