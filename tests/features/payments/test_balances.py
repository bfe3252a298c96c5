"""A notice that was lost is seen by the balance of the next one, looked for by Pull, and shown while nothing explains it."""

from datetime import timedelta

import pytest

from payme.features.payments import ConfigureMethod, configure_method
from payme.features.payments.schemas import BalanceGapView
from payme.features.payments.services.pull_payments import Pulled, begin_pull, conclude_pull, place_pulled
from payme.features.payments.services.register_c2b import list_registrations, record_registration
from payme.features.payments.services.watch_balance import list_gaps
from payme.integrations.daraja import PulledPayment
from tests.payment_room import ACCOUNT, Till, a_receipt
from tests.payment_wall import Wall, wall_of

MINUTE = timedelta(minutes=1)


@pytest.fixture
async def wall(shop: Till) -> Wall:
    """A paybill that is told of and pulled."""
    pulled = ConfigureMethod.model_validate(ACCOUNT | {"pull_number": "0722000000"})
    await shop.run(lambda uow: configure_method(uow, "paybill", pulled))
    made = await wall_of(shop)
    (registration,) = await shop.run(lambda uow: list_registrations(uow, "paybill"))
    await shop.run(lambda uow: record_registration(uow, registration.id, "registered"))
    return made


async def pays(wall: Wall, amount: str, balance: str, **changes: str) -> str:
    wall.till.clock.advance(MINUTE)
    return await wall.told(amount, OrgAccountBalance=balance, **changes)


async def gaps(wall: Wall) -> list[BalanceGapView]:
    return await wall.till.run(list_gaps)


async def pull(wall: Wall, *rows: PulledPayment) -> None:
    errand = await wall.till.run(lambda uow: begin_pull(uow, "paybill"))
    assert errand is not None
    for row in rows:
        await wall.till.run(lambda uow, row=row: place_pulled(uow, row, errand))
    await wall.till.run(lambda uow: conclude_pull(uow, errand, Pulled(rows, is_whole=True)))


async def test_payments_that_were_all_told_of_leave_no_gap(wall: Wall) -> None:
    for amount, balance in (("100.00", "100.00"), ("50.00", "150.00"), ("30.00", "180.00")):
        await pays(wall, amount, balance)
    assert await gaps(wall) == []
    assert await wall.till.jobs("payments.pull") == []


async def test_a_lost_notice_has_the_short_code_pulled_at_once_and_is_shown_until_it_is_found(wall: Wall) -> None:
    await pays(wall, "100.00", "100.00")
    lost_at = wall.till.clock.now() + MINUTE / 2
    await pays(wall, "30.00", "180.00")
    await pays(wall, "5.00", "185.00")
    assert [each["kind"] for each in await wall.till.jobs("payments.pull")] == ["paybill"]
    (gap,) = await gaps(wall)
    assert (gap.kind, gap.shortcode, gap.missing_cents, gap.is_pulled) == ("paybill", wall.shortcode, 5_000, False)
    assert gap.until - gap.after == MINUTE
    wall.till.clock.advance(10 * MINUTE)
    await pull(wall)
    (gap,) = await gaps(wall)
    assert (gap.missing_cents, gap.is_pulled) == (5_000, True)
    lost = PulledPayment(
        a_receipt(), 5_000, written_at=lost_at.isoformat(), near=lost_at, msisdn="722999999", bill_reference="",
        transaction_type="c2b-pay-bill-debit", organization_name="DUKA",
    )  # fmt: skip
    await pull(wall, lost)
    assert await gaps(wall) == []
    assert await wall.till.broken(1, 5, 6, 7) == []


async def test_a_notice_that_comes_late_or_twice_closes_the_gap_and_opens_none(wall: Wall) -> None:
    await pays(wall, "100.00", "100.00")
    late_at = (wall.till.clock.now() + timedelta(hours=3, seconds=30)).strftime("%Y%m%d%H%M%S")
    await pays(wall, "30.00", "180.00")
    assert [each.missing_cents for each in await gaps(wall)] == [5_000]
    receipt = await wall.told("50.00", OrgAccountBalance="150.00", TransTime=late_at)
    assert await gaps(wall) == []
    await wall.told("50.00", OrgAccountBalance="150.00", TransTime=late_at, TransID=receipt)
    assert await gaps(wall) == []


@pytest.mark.parametrize("balance", ["", "soon", "-40.00", None])
async def test_a_balance_that_is_not_told_or_makes_no_sense_places_the_money_all_the_same(
    wall: Wall, balance: str | None
) -> None:
    await pays(wall, "100.00", "100.00")
    await wall.told("30.00", OrgAccountBalance=balance)
    assert sorted(row[1] for row in await wall.till.tray()) == [3_000, 10_000]
    assert await gaps(wall) == []


async def test_what_is_not_pulled_is_shown_to_a_person(shop: Till) -> None:
    wall = await wall_of(shop)
    (registration,) = await shop.run(lambda uow: list_registrations(uow, "paybill"))
    await shop.run(lambda uow: record_registration(uow, registration.id, "registered"))
    await pays(wall, "100.00", "100.00")
    await pays(wall, "30.00", "180.00")
    assert await shop.jobs("payments.pull") == []
    assert [(each.missing_cents, each.is_pulled) for each in await gaps(wall)] == [(5_000, False)]
