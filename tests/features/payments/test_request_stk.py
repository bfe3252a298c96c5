"""Asking a phone for money: what is refused leaves nothing behind."""

from uuid import uuid4

import pytest

from payme.features import payments
from payme.features.payments.schemas import PaymentView
from payme.kit.errors import DomainError
from payme.kit.time import FrozenClock
from payme.runtime.database import Database
from tests.payment_room import PHONE, Till, open_till


async def _request(shop: Till, **changes: object) -> PaymentView:
    wanted = {"purpose": "sale", "purpose_id": uuid4(), "amount_cents": 15_000, "phone": PHONE, "payee": "business"}
    return await shop.run(lambda uow: payments.request_stk(uow, **(wanted | changes)))  # type: ignore[arg-type]  # the test says what it changes


async def _written(shop: Till) -> int:
    found = await shop.rows("select count(*) from payments where business_id = $1")
    return found[0][0] + len(await shop.jobs("payments.send_stk_push"))


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"amount_cents": 15_050}, "payments.whole_shillings"),
        ({"amount_cents": 0}, "payments.amount_outside_limits"),
        ({"amount_cents": -15_000}, "payments.amount_outside_limits"),
        ({"amount_cents": 25_000_100}, "payments.amount_outside_limits"),
        ({"phone": "0722"}, "payments.phone_invalid"),
        ({"phone": "+44 20 7946 0000"}, "payments.phone_invalid"),
        ({"phone": "\u0660\u0667\u0661\u0661\u0660\u0660\u0660\u0661\u0660\u0660"}, "payments.phone_invalid"),
    ],
)
async def test_a_refusal_writes_nothing(shop: Till, changes: dict[str, object], code: str) -> None:
    with pytest.raises(DomainError) as refusal:
        await _request(shop, **changes)
    assert refusal.value.code == code
    assert await _written(shop) == 0


async def test_a_shop_without_a_paybill_is_refused(database: Database, clock: FrozenClock, owner_dsn: str) -> None:
    shop = await open_till(database, clock, owner_dsn=owner_dsn, configured=False)
    with pytest.raises(payments.MethodNotConfigured):
        await _request(shop)
    assert await _written(shop) == 0


async def test_one_prompt_at_a_time_for_one_purpose(shop: Till) -> None:
    purpose_id = uuid4()
    await _request(shop, purpose_id=purpose_id)
    with pytest.raises(payments.PromptAlreadyOpen):
        await _request(shop, purpose_id=purpose_id)
    assert await _written(shop) == 2


@pytest.mark.parametrize("amount_cents", [100, 25_000_000])
async def test_the_limits_themselves_are_allowed(shop: Till, amount_cents: int) -> None:
    payment = await _request(shop, amount_cents=amount_cents)
    assert (payment.status, payment.assurance, payment.amount_cents) == ("created", "none", amount_cents)


async def test_the_phone_is_stored_encrypted_and_shown_masked(shop: Till) -> None:
    payment = await _request(shop, phone="0711 000 100")
    assert payment.phone == "*********100"
    sealed, masked = (await shop.rows("select phone_encrypted, phone_masked from payments where business_id = $1"))[0]
    assert b"711000100" not in sealed
    assert masked == "*********100"


async def test_the_job_carries_no_phone_and_no_secret(shop: Till) -> None:
    payment = await _request(shop)
    assert await shop.jobs("payments.send_stk_push") == [
        {"business_id": str(shop.business_id), "payment_id": str(payment.id)}
    ]
