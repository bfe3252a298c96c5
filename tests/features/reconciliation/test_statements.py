"""Uploaded statements: each row once, money that nobody told of brought in, and what differs named."""

import asyncio

import pytest

from payme.features.reconciliation.errors import ShortcodeNeeded, StatementOfAnother, StatementUnreadable, UploadRunning
from payme.features.reconciliation.schemas import UploadReport
from payme.features.reconciliation.services.take_in_statement import take_in_row
from payme.features.reconciliation.services.upload_statement import upload_statement
from payme.integrations.daraja import read_statement
from tests.invariants import assert_invariants
from tests.reconciled import PRICE, Desk, row, statement
from tests.trade import TradingShop, new_receipt, stk
from tests.unchanged import refused, unchanged

KSH = f"{PRICE / 100:.2f}"


@pytest.fixture(autouse=True)
async def sound_at_the_end(shop: TradingShop):
    yield
    await assert_invariants(shop.database, shop.business_id)


async def paid(desk: Desk, receipt: str) -> None:
    """Sell by a prompt that was sent a moment ago, and paid."""
    sale = await desk.shop.sell(desk.tea, tenders=[stk(PRICE)])
    payment_id = sale.payments[0].id
    await desk.shop.rows(
        "update payments set shortcode = '174379' where business_id = $1 and id = $2 returning id", payment_id
    )
    await desk.shop.paid(payment_id, PRICE, receipt=receipt)


async def test_a_statement_that_agrees_says_nothing_new(desk: Desk):
    receipt = new_receipt()
    await paid(desk, receipt)
    report = await desk.upload(row(receipt, KSH))
    assert (report.rows_read, report.rows_new, report.rows_faulty, report.shortcode) == (1, 1, 0, "174379")
    assert await desk.states() == [("payment", "known")]
    view = await desk.run()
    assert (await desk.named(view), view.is_accounted_for) == ([], True)
    (mpesa,) = [each for each in view.totals if each.account == "mpesa"]
    assert (mpesa.ledger_cents, mpesa.statement_cents, mpesa.lines) == (PRICE, PRICE, 1)


async def test_money_that_nobody_told_of_is_brought_in_and_the_difference_goes_by_itself(desk: Desk):
    receipt = new_receipt()
    report = await desk.upload(row(receipt, "70.00", party="254722000111 - JANE"), taken_in=False)
    view = await desk.run()
    assert ("missing_with_us", 7_000, "needs_closing") in await desk.named(view)
    assert await desk.shop.unclaimed() == []
    await desk.take_in(report.id)
    assert await desk.shop.unclaimed() == [(7_000, "no_match")]
    again = await desk.run()
    assert await desk.named(again) == [
        ("missing_with_us", 7_000, "resolved"),
        ("unclaimed", 7_000, "needs_closing"),
    ]
    assert {(each.kind.value, each.reason) for each in await desk.found(again)} == {
        ("missing_with_us", "brought_in"),
        ("unclaimed", None),
    }
    assert [(each.received_cents, each.unclaimed_cents) for each in again.sums] == [(7_000, 7_000)]
    kept = await desk.shop.rows("select raw::text from statement_rows where business_id = $1")
    assert "2547 ***** 111" in kept[0][0]
    assert "722000111" not in kept[0][0]


async def test_a_receipt_number_typed_as_the_account_pays_its_sale(desk: Desk):
    sale = await desk.shop.sell(desk.tea, tenders=[stk(PRICE)])
    await desk.shop.fails(sale.payments[0].id)
    number = (await desk.shop.sale(sale.id)).receipt_number
    await desk.upload(row(new_receipt(), KSH, account=number))
    assert (await desk.shop.sale(sale.id)).status == "completed"


async def test_a_cashiers_word_is_proved_by_it(desk: Desk):
    receipt = new_receipt()
    sale = await desk.claimed(receipt=receipt)
    await desk.upload(row(receipt, KSH))
    assert (await desk.shop.sale(sale.id)).payments[0].verdict == "verified"
    assert await desk.states() == [("payment", "known")]
    assert (await desk.run()).is_accounted_for


async def test_what_was_there_before_changes_nothing(desk: Desk):
    first = [row(new_receipt(), KSH), row(new_receipt(), "-30.00", "Pay Bill Charge", party="174379 - Duka")]
    report = await desk.upload(*first)
    async with unchanged(desk.shop):
        again = await desk.upload(*first, taken_in=False)
    assert again == report
    wider = await desk.upload(*first, row(new_receipt(), "5.00"))
    assert (wider.rows_read, wider.rows_new) == (3, 1)
    assert await desk.shop.unclaimed() == [(PRICE, "no_match"), (500, "no_match")]


async def test_a_fee_is_booked_once_and_named_among_the_lines(desk: Desk):
    receipt = new_receipt()
    await paid(desk, receipt)
    fee = row(receipt, "-6.50", "Pay Bill Charge", party="174379 - Duka")
    await desk.upload(row(receipt, KSH), fee)
    await desk.upload(row(receipt, KSH), fee, row(new_receipt(), "1.00"))
    balances = await desk.shop.balances()
    assert (balances["mpesa"], balances["mpesa_fees"]) == (PRICE + 100 - 650, 650)
    view = await desk.run()
    fees = [each for each in await desk.lines(view) if each.kind == "statement.fee"]
    assert [(each.ledger_cents, each.statement_cents, each.receipt) for each in fees] == [(-650, -650, receipt)]
    assert {kind for kind, _, _ in await desk.named(view)} == {"missing_with_us", "unclaimed"}


async def test_what_the_statement_does_not_show_is_named_where_it_covers(desk: Desk):
    shown, hidden_one = new_receipt(), new_receipt()
    await paid(desk, hidden_one)
    await desk.upload(row(new_receipt(), "1.00", minutes=-2), taken_in=False)
    assert "missing_at_mpesa" not in {kind for kind, _, _ in await desk.named(await desk.run())}
    await paid(desk, shown)
    await desk.upload(row(new_receipt(), "1.00", minutes=-3), row(new_receipt(), "1.00", minutes=3), row(shown, KSH))
    named = await desk.named(await desk.run())
    assert [each for each in named if each[0] == "missing_at_mpesa"] == [
        ("missing_at_mpesa", -PRICE, "needs_closing"),
    ]


async def test_another_amount_under_a_receipt_is_named(desk: Desk):
    receipt = new_receipt()
    await paid(desk, receipt)
    await desk.upload(row(receipt, "60.00"))
    found = await desk.one(await desk.run(), "amount_differs")
    assert (found.amount_cents, found.receipt) == (6_000 - PRICE, receipt)


async def test_money_taken_to_the_bank_is_named(desk: Desk):
    await desk.upload(row(new_receipt(), "-500.00", "Organization Settlement to Bank", party="Bank"))
    assert await desk.named(await desk.run()) == [("moved_elsewhere", -50_000, "needs_closing")]


async def test_lines_that_cannot_be_used_are_told_one_by_one(desk: Desk):
    broken, failed = row("nonsense", KSH), row(new_receipt(), KSH, status="Failed")
    report = await desk.upload(row(new_receipt(), KSH), broken, failed)
    assert [(each.line, each.fault) for each in report.faults] == [(4, "receipt"), (5, "not_completed")]
    assert (report.rows_read, report.rows_faulty) == (1, 2)


@pytest.mark.parametrize(
    ("content", "refusal"),
    [
        (b"", StatementUnreadable),
        (b"name,price\nChai,60\n", StatementUnreadable),
        (statement(row("nonsense", KSH)), StatementUnreadable),
        (statement(row("UKM8RT2K1P", KSH), shortcode=""), ShortcodeNeeded),
        (statement(row("UKM8RT2K1P", KSH), shortcode="600999"), StatementOfAnother),
    ],
)
async def test_what_is_no_statement_of_this_shop_is_refused(desk: Desk, content: bytes, refusal: type):
    reading = read_statement(content)
    await refused(
        desk.shop, refusal, lambda: desk.shop.run(lambda uow: upload_statement(uow, content, reading=reading))
    )


async def test_a_row_that_two_workers_take_in_is_taken_in_once(desk: Desk):
    await desk.upload(
        *(row(new_receipt(), "1.00") for _ in range(5)),
        *(row(new_receipt(), "-1.00", "Pay Bill Charge") for _ in range(5)),
        taken_in=False,
    )
    ids = [each[0] for each in await desk.shop.rows("select id from statement_rows where business_id = $1")]
    await asyncio.gather(*(desk.shop.run(lambda uow, r=each: take_in_row(uow, r)) for each in ids for _ in range(3)))
    balances = await desk.shop.balances()
    assert (balances["mpesa_unclaimed"], balances["mpesa_fees"]) == (-500, 500)
    assert balances.get("mpesa") is None


async def test_a_file_that_two_upload_at_once_is_kept_once(desk: Desk):
    content = statement(row(new_receipt(), KSH), row(new_receipt(), "2.00"))
    reading = read_statement(content)
    results = await asyncio.gather(
        *(desk.shop.run(lambda uow: upload_statement(uow, content, reading=reading)) for _ in range(4)),
        return_exceptions=True,
    )
    assert all(isinstance(each, UploadReport | UploadRunning) for each in results)
    assert len({each.id for each in results if isinstance(each, UploadReport)}) == 1
    assert len(await desk.shop.rows("select id from statement_uploads where business_id = $1")) == 1
    assert len(await desk.states()) == 2


async def test_a_receipt_of_another_shop_is_brought_in_nowhere(desk: Desk, other_shop: TradingShop):
    receipt = new_receipt()
    theirs = Desk(other_shop, desk.tea)
    await theirs.upload(row(receipt, KSH))
    await desk.upload(row(receipt, KSH))
    assert (await desk.shop.unclaimed(), await other_shop.unclaimed()) == ([], [(PRICE, "no_match")])
    assert await desk.named(await desk.run()) == [("missing_with_us", PRICE, "needs_closing")]
