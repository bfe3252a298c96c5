"""Differences closed by somebody else: once, for a reason, and the books follow."""

import asyncio
from uuid import UUID

import pytest

from payme.features.approvals import MayNotApprove, OwnRequest
from payme.features.identity import Role
from payme.features.payments import ClaimNotOpen, ClaimStillAwaited, OwnClaim, configure_method, write_off_claim
from payme.features.payments.enums import Source
from payme.features.payments.repository import claims
from payme.features.payments.rules.claims import Verdict
from payme.features.payments.schemas import ConfigureMethod
from payme.features.payments.services.place_money import Arrival, place_money
from payme.features.reconciliation.errors import AlreadyEnded, NoteNeeded, ReasonDoesNotFit, ReconciliationNotFound
from payme.features.reconciliation.schemas import DifferenceView
from payme.kit.errors import DomainError
from tests.invariants import assert_invariants
from tests.reconciled import PRICE, Desk, open_desk, row
from tests.staff import Member, hire, owner_of
from tests.trade import TradingShop, cash, new_receipt, stk
from tests.unchanged import refused


@pytest.fixture(autouse=True)
async def sound_at_the_end(shop: TradingShop):
    yield
    await assert_invariants(shop.database, shop.business_id)


@pytest.fixture
async def owner(shop: TradingShop) -> Member:
    return await owner_of(shop)


@pytest.fixture
async def manager(shop: TradingShop) -> Member:
    return await hire(shop, Role.MANAGER)


@pytest.fixture
async def cashier(shop: TradingShop) -> Member:
    return await hire(shop, Role.CASHIER)


async def short(desk: Desk, manager: Member, missing: int = 3_000) -> DifferenceView:
    """Count less than was sold for."""
    await desk.shop.sell(desk.tea, tenders=[cash(PRICE)])
    await desk.count(PRICE - missing, shop=manager.shop)
    return await desk.one(await desk.run(), "cash_short")


async def test_a_closed_shortage_is_booked_once_and_stays_closed(desk: Desk, owner: Member, manager: Member):
    found = await short(desk, manager)
    closed = await desk.close(found, owner)
    assert (closed.state, closed.reason, closed.closed_by, closed.note) == (
        "closed",
        "wrong_change",
        owner.id,
        "Gave too much",
    )
    balances = await desk.shop.balances()
    assert (balances["cash"], balances["cash_over_short"]) == (PRICE - 3_000, 3_000)
    again = await desk.run()
    assert await desk.named(again) == [("cash_short", -3_000, "closed")]
    assert again.is_accounted_for
    assert {each.kind for each in await desk.lines(again)} >= {"cash.variance"}
    await refused(desk.shop, AlreadyEnded, lambda: desk.close(closed, owner))
    events = await desk.shop.rows("select payload from events where business_id = $1 and name = 'difference.closed'")
    assert len(events) == 1


async def test_money_that_is_too_much_is_booked_the_other_way(desk: Desk, owner: Member, manager: Member):
    await desk.shop.sell(desk.tea, tenders=[cash(PRICE)])
    await desk.count(PRICE + 4_000, shop=manager.shop)
    await desk.close(await desk.one(await desk.run(), "cash_over"), owner)
    balances = await desk.shop.balances()
    assert (balances["cash"], balances["cash_over_short"]) == (PRICE + 4_000, -4_000)


async def test_a_second_count_after_closing_is_weighed_against_what_was_booked(
    desk: Desk, owner: Member, manager: Member
):
    await desk.close(await short(desk, manager), owner)
    await desk.count(PRICE - 1_000, shop=manager.shop)
    view = await desk.run()
    assert await desk.named(view) == [("cash_over", 2_000, "needs_closing"), ("cash_short", -3_000, "closed")]
    await desk.close(await desk.one(view, "cash_over"), owner)
    assert (await desk.shop.balances())["cash"] == PRICE - 1_000


async def test_whoever_counted_does_not_close(desk: Desk, manager: Member, cashier: Member):
    found = await short(desk, manager)
    await refused(desk.shop, OwnRequest, lambda: desk.close(found, manager))
    await refused(desk.shop, MayNotApprove, lambda: desk.close(found, cashier))


async def test_what_nobody_made_is_closed_by_somebody_else_than_who_asked(desk: Desk, owner: Member, manager: Member):
    cancelled = await desk.shop.sell(desk.tea, tenders=[stk(PRICE)])
    await desk.shop.fails(cancelled.payments[0].id)
    await desk.shop.cancel(cancelled.id)
    await desk.shop.paid(cancelled.payments[0].id, PRICE)
    found = await desk.one(await desk.run(), "unclaimed")
    await refused(desk.shop, OwnRequest, lambda: desk.close(found, owner))
    assert (await desk.close(found, manager, "other", "Regular customer, will come back")).state == "closed"
    assert (await desk.shop.balances())["mpesa_unclaimed"] == -PRICE


async def test_a_reason_has_to_fit(desk: Desk, owner: Member, manager: Member):
    found = await short(desk, manager)
    await refused(desk.shop, NoteNeeded, lambda: desk.close(found, owner, "other", "  "))
    await refused(desk.shop, ReasonDoesNotFit, lambda: desk.close(found, owner, "written_off"))


async def test_another_shop_closes_nothing(desk: Desk, manager: Member, other_shop: TradingShop):
    found = await short(desk, manager)
    stranger = await owner_of(other_shop)
    theirs = await open_desk(other_shop)
    await refused(desk.shop, ReconciliationNotFound, lambda: theirs.close(found, stranger))


async def test_of_two_who_close_at_once_one_does(desk: Desk, owner: Member, manager: Member):
    clerk, second = await hire(desk.shop, Role.MANAGER), await hire(desk.shop, Role.MANAGER)
    found = await short(desk, clerk)
    results = await asyncio.gather(
        *(desk.close(found, each) for each in (owner, manager, second) for _ in range(3)), return_exceptions=True
    )
    assert [isinstance(each, DifferenceView) for each in results].count(True) == 1
    assert all(isinstance(each, DifferenceView | AlreadyEnded) for each in results)
    assert (await desk.shop.balances())["cash"] == PRICE - 3_000


async def test_a_day_is_reconciled_while_its_difference_is_closed(desk: Desk, owner: Member, manager: Member):
    found = await short(desk, manager)
    await asyncio.gather(desk.close(found, owner), *(desk.run() for _ in range(6)))
    assert await desk.named(await desk.run()) == [("cash_short", -3_000, "closed")]
    assert (await desk.shop.balances())["cash"] == PRICE - 3_000


# -- claims that were not borne out


async def not_found(desk: Desk, payment_id: UUID) -> None:
    await desk.shop.run(lambda uow: claims.set_verdict(uow, payment_id, Verdict.NOT_FOUND))


async def arrives(desk: Desk, receipt: str, amount_cents: int = PRICE) -> None:
    arrival = Arrival(Source.PULL, receipt, amount_cents, "174379", ["174379"])
    await desk.shop.run(lambda uow: place_money(uow, arrival))


async def books(desk: Desk) -> dict[str, int]:
    return {name: cents for name, cents in (await desk.shop.balances()).items() if name.startswith("mpesa")}


async def test_a_claim_that_nothing_proves_is_written_off_by_somebody_else(
    desk: Desk, manager: Member, cashier: Member
):
    sale = await desk.claimed(cashier.shop)
    await not_found(desk, sale.payments[0].id)
    found = await desk.one(await desk.run(), "claim_not_found")
    assert (found.made_by, found.amount_cents) == (cashier.id, -PRICE)
    await refused(desk.shop, OwnRequest, lambda: desk.close(found, cashier, "written_off"))
    await desk.close(found, manager, "written_off")
    assert await books(desk) == {"mpesa_losses": PRICE}
    assert await desk.named(await desk.run()) == [("claim_not_found", -PRICE, "closed")]


async def test_a_claim_that_is_still_awaited_is_not_written_off(desk: Desk, manager: Member, cashier: Member):
    await desk.claimed(cashier.shop)
    found = await desk.one(await desk.run(), "claim_waiting")
    await refused(desk.shop, ClaimStillAwaited, lambda: desk.close(found, manager, "written_off"))
    assert (await desk.close(found, manager, "seen_elsewhere")).state == "closed"
    assert await books(desk) == {"mpesa_to_confirm": PRICE}


async def covering(desk: Desk, shortcode: str) -> None:
    """Upload a statement of a short code that covers this moment and shows none of our money."""
    around = [row(new_receipt(), "-1.00", "Pay Bill Charge", minutes=minutes) for minutes in (-5, 5)]
    await desk.upload(*around, shortcode=shortcode)


async def test_a_claim_is_missing_only_where_every_short_code_was_looked_at(
    desk: Desk, manager: Member, cashier: Member
):
    till = {"shortcode": "651200", "till_number": "5651201", "environment": "sandbox", "consumer_key": "key"}
    keys = {"consumer_secret": "secret", "passkey": "passkey"}
    method = ConfigureMethod.model_validate(till | keys)
    await desk.shop.run(lambda uow: configure_method(uow, "till", method))
    await desk.claimed(cashier.shop)
    found = await desk.one(await desk.run(), "claim_waiting")
    await covering(desk, "5651201")
    await refused(desk.shop, ClaimStillAwaited, lambda: desk.close(found, manager, "written_off"))
    await covering(desk, "174379")
    assert (await desk.close(found, manager, "written_off")).state == "closed"
    assert (await books(desk))["mpesa_losses"] == PRICE


async def test_a_statement_of_another_time_says_nothing_of_a_claim(desk: Desk, manager: Member, cashier: Member):
    await desk.claimed(cashier.shop)
    found = await desk.one(await desk.run(), "claim_waiting")
    await desk.upload(*(row(new_receipt(), "-1.00", "Pay Bill Charge", minutes=minutes) for minutes in (-9, -3)))
    await refused(desk.shop, ClaimStillAwaited, lambda: desk.close(found, manager, "written_off"))


@pytest.mark.parametrize(
    ("came", "expected"),
    [
        (PRICE, {"mpesa": PRICE}),
        (PRICE - 1_000, {"mpesa": PRICE - 1_000, "mpesa_to_confirm": 1_000}),
        (PRICE + 500, {"mpesa": PRICE + 500, "mpesa_unclaimed": -500}),
    ],
)
async def test_what_is_found_after_all_undoes_the_write_off(
    desk: Desk, manager: Member, cashier: Member, came: int, expected: dict[str, int]
):
    receipt = new_receipt()
    sale = await desk.claimed(cashier.shop, receipt=receipt)
    await not_found(desk, sale.payments[0].id)
    await desk.close(await desk.one(await desk.run(), "claim_not_found"), manager, "written_off")
    for _ in range(2):
        await arrives(desk, receipt, came)
    assert await books(desk) == expected
    states = await desk.shop.rows("select state, amount_cents from claim_write_offs where business_id = $1")
    assert states == [("undone", PRICE)]
    view = await desk.run()
    assert all(each.is_whole for each in view.sums)
    named = await desk.named(view)
    assert (("claim_differs", -1_000, "needs_closing") in named) is (came < PRICE)


async def test_the_rest_of_a_claim_is_written_off_alone_and_once(desk: Desk, manager: Member, cashier: Member):
    receipt = new_receipt()
    sale = await desk.claimed(cashier.shop, receipt=receipt)
    await arrives(desk, receipt, PRICE - 1_000)
    await desk.close(await desk.one(await desk.run(), "claim_differs"), manager, "written_off")
    assert await books(desk) == {"mpesa": PRICE - 1_000, "mpesa_losses": 1_000}
    payment_id = sale.payments[0].id

    async def off(by: UUID) -> int:
        return await desk.shop.run(lambda uow: write_off_claim(uow, payment_id, written_off_by=by, is_covered=True))

    await refused(desk.shop, ClaimNotOpen, lambda: off(manager.id))
    await refused(desk.shop, OwnClaim, lambda: off(cashier.id))


async def test_money_that_comes_while_it_is_written_off_is_counted_once(desk: Desk, manager: Member, cashier: Member):
    for _ in range(5):
        receipt = new_receipt()
        sale = await desk.claimed(cashier.shop, receipt=receipt)
        payment_id = sale.payments[0].id
        await not_found(desk, payment_id)

        async def off(claim: UUID = payment_id) -> int | DomainError:
            try:
                return await desk.shop.run(
                    lambda uow: write_off_claim(uow, claim, written_off_by=manager.id, is_covered=True)
                )
            except ClaimNotOpen as refusal:
                return refusal

        await asyncio.gather(off(), arrives(desk, receipt), off())
    assert await books(desk) == {"mpesa": 5 * PRICE}


async def test_what_was_claimed_for_a_cancelled_sale_is_no_evidence(desk: Desk, cashier: Member):
    tenders = [
        {"method": "mpesa_claim", "amount_cents": PRICE, "mpesa_receipt_number": new_receipt()},
        stk(PRICE),
    ]
    sale = await cashier.shop.sell((desk.tea, 2), tenders=tenders)
    await desk.shop.fails(next(each.id for each in sale.payments if each.method == "mpesa_stk"))
    await desk.shop.cancel(sale.id)
    assert [each.is_whole for each in (await desk.run()).sums] in ([], [True])
