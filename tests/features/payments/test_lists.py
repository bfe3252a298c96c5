"""What people page through: payments and the money that belongs to nothing yet."""

from datetime import timedelta
from uuid import UUID

from payme.features.payments.services.manage import list_payments, list_unclaimed
from tests.payment_room import Till, stk_callback


async def listed(shop: Till, after: list[str] | None = None, *, limit: int = 10, **only: str) -> list[UUID]:
    wanted = {"status": None, "method": None, **only}
    return [each.id for each in await shop.run(lambda uow: list_payments(uow, after, limit, **wanted))]


async def test_payments_come_newest_first_and_page_by_page(shop: Till) -> None:
    made = []
    for number in range(4):
        # The last two are of the same moment, so that the id decides.
        shop.clock.advance(timedelta(seconds=1 if number < 3 else 0))
        made.append(await shop.request())
    newest_first = [each.id for each in sorted(made, key=lambda each: (each.created_at, each.id), reverse=True)]
    assert await listed(shop) == newest_first
    for last in range(4):
        page = await listed(shop, limit=last + 1)
        assert page == newest_first[: last + 1]
        oldest = next(each for each in made if each.id == page[-1])
        assert await listed(shop, [oldest.created_at.isoformat(), str(oldest.id)]) == newest_first[last + 1 :]


async def test_payments_are_filtered_by_status_and_method(shop: Till) -> None:
    created = await shop.request()
    pending, _, _ = await shop.sent()
    assert await listed(shop, status="pending") == [pending]
    assert await listed(shop, status="created") == [created.id]
    assert await listed(shop, status="succeeded") == []
    assert set(await listed(shop, method="mpesa_stk")) == {created.id, pending}
    assert await listed(shop, method="cash") == []


async def test_unclaimed_money_comes_page_by_page(shop: Till) -> None:
    for amount in ("149.00", "148.00"):
        _, token, checkout_id = await shop.sent()
        await shop.call_back(token, stk_callback(checkout_id, amount=amount))
        shop.clock.advance(timedelta(seconds=1))
    both = await shop.run(lambda uow: list_unclaimed(uow, None, 10, amount_cents=None, search=None))
    assert [each.amount_cents for each in both] == [14_800, 14_900]
    newest = await shop.run(lambda uow: list_unclaimed(uow, None, 1, amount_cents=None, search=None))
    assert newest == both[:1]
    place = [both[0].received_at.isoformat(), str(both[0].id)]
    assert await shop.run(lambda uow: list_unclaimed(uow, place, 10, amount_cents=None, search=None)) == both[1:]
