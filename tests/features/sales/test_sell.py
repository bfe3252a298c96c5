"""A sale that is paid at once: stock, cost, token, books and receipt move together, or nothing does."""

from decimal import Decimal
from uuid import UUID

import pytest

from payme.features.approvals import MayNotApprove, OwnRequest
from payme.features.businesses.schemas import ChangeBusiness
from payme.features.businesses.services import change_business
from payme.features.catalog import ProductNotFound
from payme.features.identity import Role
from payme.features.payments import AmountOutsideLimits, MethodNotConfigured, PhoneInvalid, WholeShillings
from payme.features.sales import errors
from payme.features.tokens import TokensExhausted
from payme.kit.ids import new_id
from payme.runtime.database import Database
from tests.invariants import assert_invariants
from tests.staff import hire, owner_of
from tests.stock_room import level, make_product, receive
from tests.trade import TradingShop, card, cash, open_shop, stk
from tests.unchanged import refused


async def test_first_in_first_out_to_the_cent(shop: TradingShop):
    unga = await make_product(shop, name="Unga", price_cents=20_000, vat_class="C")
    await receive(shop, unga, "10", 100_000)
    await receive(shop, unga, "10", 130_000)
    sale = await shop.sell((unga, 15), tenders=[cash(300_000, received_cents=400_000)])
    assert (sale.status, sale.total_cents, sale.cost_cents, sale.profit_cents) == (
        "completed",
        300_000,
        165_000,
        135_000,
    )
    assert (sale.paid_cents, sale.change_cents, sale.lines[0].cost_cents) == (300_000, 100_000, 165_000)
    stored = await shop.sale(sale.id)
    assert stored.receipt_number == "A1-000001"
    assert stored.model_copy(update={"receipt_number": ""}) == sale
    assert await level(shop, unga) == (5, 0, 65_000)
    assert await shop.wallet() == (29, 0)
    assert await shop.balances() == {
        "cash": 300_000, "cost_of_goods": 165_000, "goods_received": -230_000, "inventory": 65_000, "sales_revenue": -300_000,
        "tokens": 29, "tokens_granted": -30, "tokens_used": 1,
    }  # fmt: skip
    await assert_invariants(shop.database, shop.business_id)


async def test_vat_is_taken_out_of_revenue(shop: TradingShop):
    soda = await make_product(shop, price_cents=11_600, vat_class="B", track_stock=False)
    milk = await make_product(shop, price_cents=10_800, vat_class="E", track_stock=False)
    sale = await shop.sell(soda, milk, tenders=[card(22_400)])
    assert [line.vat_cents for line in sale.lines] == [1_600, 800]
    assert (sale.vat_cents, sale.cost_cents, sale.profit_cents) == (2_400, 0, 20_000)
    balances = await shop.balances()
    assert (balances["card"], balances["sales_revenue"], balances["vat_payable"]) == (22_400, -20_000, -2_400)


async def test_a_service_has_no_stock_and_no_cost(shop: TradingShop):
    haircut = await make_product(shop, price_cents=50_000, track_stock=False)
    tea = await make_product(shop, price_cents=10_000)
    await receive(shop, tea, "3", 900)
    sale = await shop.sell((haircut, 2), (tea, 1), (haircut, 1), tenders=[cash(160_000)])
    assert [line.cost_cents for line in sale.lines] == [0, 300, 0]
    assert await shop.rows("select product_id from stock_movements where business_id = $1 and kind = 'sale'") == [
        (tea,)
    ]
    await assert_invariants(shop.database, shop.business_id)


async def test_one_product_on_two_lines_shares_its_batches(shop: TradingShop):
    tea = await make_product(shop, price_cents=10_000)
    await receive(shop, tea, "3", 300)
    await receive(shop, tea, "3", 600)
    sale = await shop.sell((tea, 2), (tea, 2), tenders=[cash(40_000)])
    assert [line.cost_cents for line in sale.lines] == [200, 300]
    assert await level(shop, tea) == (2, 0, 400)
    short = await refused(shop, errors.StockShort, lambda: shop.sell((tea, 2), (tea, "0.5"), tenders=[cash(25_000)]))
    assert short.facts == {"products": [{"product_id": str(tea), "wanted": "2.5", "available": "2"}]}
    await assert_invariants(shop.database, shop.business_id)


async def test_a_price_of_ones_own_needs_permission(shop: TradingShop):
    tea = await make_product(shop, price_cents=10_000, track_stock=False)
    line = {"product_id": tea, "quantity": Decimal(2), "unit_price_cents": 9_000}
    cashier = shop.acting(Role.CASHIER)
    await refused(shop, errors.PriceOverrideForbidden, lambda: cashier.sell(line, tenders=[cash(18_000)]))
    sale = await shop.acting(Role.MANAGER).sell(line, tenders=[cash(18_000)])
    assert (sale.total_cents, sale.lines[0].unit_price_cents) == (18_000, 9_000)
    assert await shop.rows("select catalogue_price_cents from sale_lines where business_id = $1") == [(10_000,)]
    same = {"product_id": tea, "quantity": Decimal(1), "unit_price_cents": 10_000}
    assert (await cashier.sell(same, tenders=[cash(10_000)])).status == "completed"


async def test_a_discount_above_the_limit_needs_a_second_person(shop: TradingShop):
    tea = await make_product(shop, price_cents=10_000, track_stock=False)
    line = {"product_id": tea, "quantity": Decimal(1), "discount_cents": 500}
    cashier, manager = await hire(shop, Role.CASHIER), await hire(shop, Role.MANAGER, "Achieng")
    owner = await owner_of(shop)
    at_the_limit = await cashier.shop.sell(line, discount_cents=500, tenders=[cash(9_000)])
    assert (at_the_limit.discount_cents, at_the_limit.lines[0].discount_cents) == (1_000, 1_000)
    above = {"discount_cents": 501, "tenders": [cash(8_999)]}
    named = {manager.id: "Achieng", owner.id: "Wanjiku"}
    for who in (cashier, manager, owner):
        refusal = await refused(shop, errors.DiscountAboveLimit, lambda who=who: who.shop.sell(line, **above))
        assert refusal.facts["limit_basis_points"] == 1_000
        found = {UUID(each["user_id"]): each["display_name"] for each in refusal.facts["approvers"]}
        assert found == {key: name for key, name in named.items() if key != who.id}
        await refused(shop, OwnRequest, lambda who=who: who.shop.sell(line, proven=who.proven, **above))
    await refused(shop, MayNotApprove, lambda: manager.shop.sell(line, proven=cashier.proven, **above))
    sold = [
        await cashier.shop.sell(line, proven=manager.proven, **above),
        await manager.shop.sell(line, proven=owner.proven, **above),
    ]
    assert [each.total_cents for each in sold] == [8_999, 8_999]
    given = "select actor_id, facts from audit_log where business_id = $1 and subject_id = $2 and action = $3"
    for sale, asked, agreed in ((sold[0], cashier, manager), (sold[1], manager, owner)):
        facts = {"kind": "discount", "approved_by": str(agreed.id)}
        assert await shop.rows(given, sale.id, "approval.given_in_place") == [(asked.id, facts)]
    await shop.set_limits(discount_limit_basis_points=1_001)
    # The limit is of the whole cart: 10.01 % of 20,000 is 2,002.
    wide = {"product_id": tea, "quantity": Decimal(2), "discount_cents": 2_002}
    assert (await cashier.shop.sell(wide, tenders=[cash(17_998)])).status == "completed"
    too_much = {"discount_cents": 9_501, "tenders": []}
    await refused(shop, errors.DiscountTooLarge, lambda: shop.sell(line, proven=manager.proven, **too_much))
    await assert_invariants(shop.database, shop.business_id)


async def test_a_cashier_does_not_see_what_goods_cost(shop: TradingShop):
    tea = await make_product(shop, price_cents=10_000)
    await receive(shop, tea, "3", 300)
    cashier = shop.acting(Role.CASHIER)
    sale = await cashier.sell(tea, tenders=[cash(10_000)])
    for view in (sale, await cashier.sale(sale.id)):
        assert (view.cost_cents, view.profit_cents, view.lines[0].cost_cents) == (None, None, None)
    assert (await shop.sale(sale.id)).cost_cents == 100


async def test_rounding_is_booked_both_ways(shop: TradingShop):
    await shop.run(lambda uow: change_business(uow, ChangeBusiness(cash_rounding_cents=500)))
    gum = await make_product(shop, price_cents=1_300, vat_class="C", track_stock=False)
    sweet = await make_product(shop, price_cents=1_100, vat_class="C", track_stock=False)
    up = await shop.sell(gum, tenders=[cash(1_500)])
    down = await shop.sell(sweet, tenders=[cash(1_000)])
    exact = await shop.sell(gum, tenders=[card(1_300)])
    assert (up.rounding_cents, down.rounding_cents, exact.rounding_cents) == (200, -100, 0)
    assert (up.profit_cents, down.profit_cents) == (1_300, 1_100)
    balances = await shop.balances()
    assert (balances["cash_rounding"], balances["sales_revenue"], balances["cash"]) == (-100, -3_700, 2_500)
    await assert_invariants(shop.database, shop.business_id)


async def test_a_free_cart_is_a_sale_and_costs_a_token(shop: TradingShop):
    gift = await make_product(shop, price_cents=0, track_stock=False)
    sale = await shop.sell(gift, tenders=[])
    assert (sale.status, sale.total_cents, sale.payments) == ("completed", 0, [])
    assert await shop.wallet() == (29, 0)
    await refused(shop, errors.TendersDiffer, lambda: shop.sell(gift, tenders=[cash(100)]))
    await assert_invariants(shop.database, shop.business_id)


async def test_a_cart_that_rounds_to_nothing_needs_no_tender(shop: TradingShop):
    await shop.run(lambda uow: change_business(uow, ChangeBusiness(cash_rounding_cents=1_000)))
    sweet = await make_product(shop, price_cents=300, vat_class="C", track_stock=False)
    sale = await shop.sell(sweet, tenders=[])
    assert (sale.status, sale.total_cents, sale.rounding_cents) == ("completed", 0, -300)
    await assert_invariants(shop.database, shop.business_id)


async def test_split_between_cash_and_card(shop: TradingShop):
    tea = await make_product(shop, price_cents=10_000, vat_class="C", track_stock=False)
    sale = await shop.sell((tea, 3), tenders=[cash(12_000, received_cents=15_000), card(18_000, reference="A17")])
    assert (sale.status, sale.change_cents, [each.assurance for each in sale.payments]) == (
        "completed",
        3_000,
        ["counted"] * 2,
    )
    balances = await shop.balances()
    assert (balances["cash"], balances["card"], balances["sales_revenue"]) == (12_000, 18_000, -30_000)
    assert await shop.rows("select reference from payments where business_id = $1 and method = 'card_recorded'") == [
        ("A17",)
    ]
    await assert_invariants(shop.database, shop.business_id)


async def test_receipt_numbers_follow_each_till(shop: TradingShop):
    tea = await make_product(shop, price_cents=100, track_stock=False)
    first, second = [await shop.sell(tea, tenders=[cash(100)]) for _ in range(2)]
    assert [(await shop.sale(each.id)).receipt_number for each in (first, second)] == ["A1-000001", "A1-000002"]


async def test_two_hundred_lines(shop: TradingShop):
    products = [await make_product(shop, name=f"P{n}", price_cents=100 + n) for n in range(4)]
    for product in products:
        await receive(shop, product, "60", 601)
    lines = [(products[n % 4], 1) for n in range(200)]
    total = sum(100 + n % 4 for n in range(200))
    sale = await shop.sell(*lines, tenders=[cash(total)])
    assert (len(sale.lines), sale.cost_cents) == (200, sum(line.cost_cents or 0 for line in sale.lines))
    await assert_invariants(shop.database, shop.business_id)


async def test_what_is_wrong_with_the_cart(shop: TradingShop, other_shop: TradingShop):
    tea = await make_product(shop, price_cents=10_000)
    old = await make_product(shop, price_cents=10_000, active=False, track_stock=False)
    theirs = await make_product(other_shop, price_cents=10_000, track_stock=False)
    for product in (theirs, new_id()):
        facts = (await refused(shop, ProductNotFound, lambda p=product: shop.sell(p, tenders=[cash(10_000)]))).facts
        assert facts == {"product_id": product}
    await refused(shop, errors.ProductNotForSale, lambda: shop.sell(old, tenders=[cash(10_000)]))
    await refused(shop, errors.StockShort, lambda: shop.sell(tea, tenders=[cash(10_000)]))


@pytest.mark.parametrize(
    ("tenders", "error"),
    [
        ([], errors.TendersDiffer),
        ([cash(9_999)], errors.TendersDiffer),
        ([cash(10_001)], errors.TendersDiffer),
        ([cash(10_000, received_cents=9_999)], errors.ReceivedTooLittle),
        ([stk(5_000), stk(5_000)], errors.OnePromptPerSale),
        ([stk(5_050), cash(4_950)], WholeShillings),
        ([stk(10_000, phone="0201234567")], PhoneInvalid),
        ([stk(10_000, phone="")], PhoneInvalid),
    ],
)
async def test_what_is_wrong_with_the_tenders(shop: TradingShop, tenders: list, error: type):
    tea = await make_product(shop, price_cents=10_000, track_stock=False)
    await refused(shop, error, lambda: shop.sell(tea, tenders=tenders))


async def test_mpesa_moves_no_more_than_its_limit(shop: TradingShop):
    car = await make_product(shop, price_cents=25_000_100, track_stock=False)
    await refused(shop, AmountOutsideLimits, lambda: shop.sell(car, tenders=[stk(25_000_100)]))


async def test_without_a_paybill_no_prompt(database: Database):
    shop = await open_shop(database, paybill=False)
    tea = await make_product(shop, price_cents=10_000, track_stock=False)
    await refused(shop, MethodNotConfigured, lambda: shop.sell(tea, tenders=[stk(10_000)]))


async def test_without_tokens_nothing_is_sold(shop: TradingShop):
    tea = await make_product(shop, price_cents=10_000)
    await receive(shop, tea, "3", 300)
    await shop.set_tokens(1)
    await shop.sell(tea, tenders=[stk(10_000)])
    for tender in (cash(10_000), stk(10_000)):
        facts = (await refused(shop, TokensExhausted, lambda t=tender: shop.sell(tea, tenders=[t]))).facts
        assert facts == {"balance": 1, "available": 0}


async def test_a_till_or_a_branch_that_is_not_there(shop: TradingShop, other_shop: TradingShop):
    tea = await make_product(shop, price_cents=10_000, track_stock=False)
    mine, theirs = [
        (await each.rows("select id, branch_id from tills where business_id = $1"))[0] for each in (shop, other_shop)
    ]
    for place in ({"till_id": theirs[0]}, {"branch_id": theirs[1]}, {"till_id": mine[0], "branch_id": new_id()}):
        await refused(shop, errors.TillNotFound, lambda p=place: shop.sell(tea, tenders=[cash(10_000)], **p))
    sale = await shop.sell(tea, tenders=[cash(10_000)], till_id=mine[0], branch_id=mine[1])
    assert (sale.till_id, sale.branch_id) == mine


async def test_a_suspended_business_sells_nothing_and_takes_no_further_tender(shop: TradingShop):
    tea = await make_product(shop, price_cents=10_000, track_stock=False)
    waiting = await shop.sell(tea, tenders=[stk(10_000)])
    await shop.fails(waiting.payments[0].id)
    await shop.run(
        lambda uow: uow.execute("update businesses set status = 'suspended' where business_id = $1", uow.tenant)
    )
    await refused(shop, errors.BusinessSuspended, lambda: shop.sell(tea, tenders=[cash(10_000)]))
    await refused(shop, errors.BusinessSuspended, lambda: shop.pay(waiting.id, **cash(10_000)))
    await shop.paid(waiting.payments[0].id, 10_000)
    assert (await shop.sale(waiting.id)).status == "completed"


async def test_an_id_is_sold_under_once(shop: TradingShop):
    tea = await make_product(shop, price_cents=10_000, track_stock=False)
    sale_id = new_id()
    await shop.sell(tea, tenders=[cash(10_000)], id=sale_id)
    await refused(shop, errors.SaleExists, lambda: shop.sell(tea, tenders=[cash(10_000)], id=sale_id))


async def test_a_sale_of_another_business_is_not_there(shop: TradingShop, other_shop: TradingShop):
    tea = await make_product(other_shop, price_cents=10_000, track_stock=False)
    theirs = await other_shop.sell(tea, tenders=[cash(10_000)])
    for work in (shop.sale, shop.cancel, lambda each: shop.pay(each, **cash(100))):
        await refused(other_shop, errors.SaleNotFound, lambda w=work: w(theirs.id))
