"""The sums that the daily proof carries forward are those over all evidence ever received, whatever happened since and when."""

import contextlib
import random
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from payme.features.payments import (
    Channel,
    Destination,
    MoneyInDispute,
    Word,
    claim_receipt,
    claim_unclaimed,
    settle,
    sum_by_shortcode,
)
from payme.features.payments.repository import sums
from payme.features.payments.repository.sums import BEGINNING, END, ShortcodeSum
from payme.kit.ids import new_id
from tests.payment_room import Till, a_receipt, stk_callback
from tests.payment_wall import Wall

STEPS = 40


async def carried(shop: Till) -> list[ShortcodeSum]:
    return await shop.run(sum_by_shortcode)


async def whole(shop: Till) -> list[ShortcodeSum]:
    return await shop.run(lambda uow: sums.sum_between(uow, BEGINNING, END))


async def prompt(shop: Till, _wall: Wall, dice: random.Random) -> None:
    _, token, checkout_id = await shop.sent(15_000)
    if dice.random() < 0.8:
        await shop.call_back(token, stk_callback(checkout_id, amount=dice.choice(("150.00", "150.00", "190.00"))))


async def by_hand(_shop: Till, wall: Wall, dice: random.Random) -> None:
    await wall.told(f"{dice.randint(1, 90)}.00")


async def claim(shop: Till, _wall: Wall, dice: random.Random) -> None:
    rows = await shop.rows("select id from unclaimed_money where business_id = $1 and state = 'unclaimed' order by id")
    if rows:
        (row,) = dice.choice(rows)
        with contextlib.suppress(MoneyInDispute):
            await shop.run(lambda uow: claim_unclaimed(uow, row, Destination("sale", new_id())))


async def shown(shop: Till, _wall: Wall, dice: random.Random) -> None:
    word = Word(a_receipt(), dice.randint(1, 90) * 100, Channel.PAYBILL)
    await shop.run(lambda uow: claim_receipt(uow, word, Destination("sale", new_id())))


async def proved(shop: Till, wall: Wall, dice: random.Random) -> None:
    rows = await shop.rows(
        "select mpesa_receipt_number, amount_cents from payments where business_id = $1 and verdict = 'waiting' order by id"
    )
    if rows:
        receipt, amount_cents = dice.choice(rows)
        await wall.told(f"{amount_cents // 100}.00", TransID=receipt)


async def settled(shop: Till, _wall: Wall, dice: random.Random) -> None:
    rows = await shop.rows(
        "select id, settlement from payments where business_id = $1 and status = 'succeeded' and coalesce(settlement, 'applied') = 'applied' order by id"
    )
    if rows:
        payment_id, settlement = dice.choice(rows)
        where = "unclaimed" if settlement else dice.choice(("applied", "unclaimed"))
        await shop.run(lambda uow: settle(uow, payment_id, where, was_applied=settlement is not None))


async def days_pass(shop: Till, _wall: Wall, dice: random.Random) -> None:
    shop.clock.advance(timedelta(hours=dice.choice((3, 20, 30, 80))))


DEEDS: tuple[Callable[[Till, Wall, random.Random], Awaitable[None]], ...] = (
    prompt, by_hand, claim, shown, proved, settled, settled, days_pass,
)  # fmt: skip


@pytest.mark.parametrize("seed", range(4))
async def test_what_is_carried_is_what_all_of_it_adds_up_to(shop: Till, wall: Wall, seed: int) -> None:
    dice = random.Random(seed)
    await carried(shop)
    for _ in range(2):
        await by_hand(shop, wall, dice)
        shop.clock.advance(timedelta(days=2))
    for _ in range(STEPS):
        await dice.choice(DEEDS)(shop, wall, dice)
        if dice.random() < 0.4:
            assert await carried(shop) == await whole(shop)
    shop.clock.advance(timedelta(days=3))
    found = await carried(shop)
    assert found == await whole(shop)
    assert sum(each.received_cents for each in found) > 0
    assert all(each.is_whole for each in found), found
    ((days,),) = await shop.rows("select count(distinct day) from mpesa_days where business_id = $1")
    assert days > 1


async def test_once_a_week_what_was_carried_wrongly_is_put_right_and_told(shop: Till, wall: Wall) -> None:
    await wall.told("90.00")
    shop.clock.advance(timedelta(days=3))
    true = await carried(shop)
    await shop.run(
        lambda uow: uow.execute("update mpesa_days set applied_cents = 1 where business_id = $1", uow.tenant)
    )
    shop.clock.advance(timedelta(days=1))
    assert await carried(shop) != true
    shop.clock.advance(timedelta(days=7))
    assert await carried(shop) == true == await whole(shop)
    told = "select count(*) from audit_log where business_id = $1 and action = 'payments.sums_corrected'"
    assert await shop.rows(told) == [(1,)]
