"""Row 33: encrypted values that somebody moved or flipped are refused, by each way that the product reads them."""

from uuid import UUID

import pytest

from payme.entrypoints.wiring import cipher_of
from payme.features.identity import get_profile
from payme.features.payments.services.gateway import collector_of
from payme.kit.ids import new_id
from payme.runtime.security import UnreadableField
from tests.fault_rows import FaultRow
from tests.payment_room import Till
from tests.people import make_person
from tests.sealed_town import APP, BEFORE, DURING, Town, move, read_all, settings_of, tokens_of, town

__all__ = ["town"]
pytestmark = pytest.mark.fault_row(33)


async def test_what_stands_where_it_was_put_is_read(town: Town, row: FaultRow):
    till, person = await town.shop(), await make_person(town.database)
    await read_all(town, till, person)


async def test_a_phone_number_moved_to_another_row_column_or_tenant_sends_no_prompt(town: Town, row: FaultRow):
    here, there = await town.shop(), await town.shop()
    first, second, third = await here.request(), await here.request(), await there.request()
    for source, target, till in ((first, second, here), (first, third, there)):
        await move(
            town.owner, "payments", column="phone_encrypted", source=f"id = '{source.id}'", target=f"id = '{target.id}'"
        )
        with pytest.raises(UnreadableField):
            await till.begin(target.id)
        assert (await till.payment(target.id)).status == "created"
        row.counts["refused"] += 1
    person, other = await make_person(town.database), await make_person(town.database)
    await move(town.owner, "users", column="phone_encrypted", source=f"id = '{person.id}'", target=f"id = '{other.id}'")
    await move(
        town.owner, "users", column="email_encrypted", other_column="phone_encrypted",
        source=f"id = '{person.id}'", target=f"id = '{person.id}'",
    )  # fmt: skip
    for each in (person, other):
        with pytest.raises(UnreadableField):
            await town.database.run(lambda uow, each=each: get_profile(uow, each.id))
        row.counts["refused"] += 1


async def test_credentials_moved_to_another_shop_way_or_column_collect_nothing(town: Town, row: FaultRow):
    for column, other, source, target in (
        ("passkey_encrypted", "", "there paybill", "here paybill"),
        ("passkey_encrypted", "", "here till", "here paybill"),
        ("consumer_key_encrypted", "consumer_secret_encrypted", "here paybill", "here paybill"),
    ):
        places = {"here": await town.shop(), "there": await town.shop()}

        def named(place: str, places: dict[str, Till] = places) -> str:
            shop, kind = place.split()
            return f"business_id = '{places[shop].business_id}' and kind = '{kind}'"

        await move(
            town.owner, "payment_methods", column=column, other_column=other, source=named(source), target=named(target)
        )
        with pytest.raises(UnreadableField):
            await places["here"].run(lambda uow: collector_of(uow, "business"))
        row.counts["refused"] += 1


async def test_an_access_token_moved_to_another_app_or_shop_is_not_used(town: Town, row: FaultRow):
    here, there = await town.shop(), await town.shop()
    await tokens_of(here).try_lease("a second", holder=UUID(int=2).hex, seconds=60)
    for till, app in ((here, "a second"), (there, APP)):
        await move(
            town.owner, "daraja_apps", column="access_token_encrypted",
            source=f"business_id = '{here.business_id}' and app_key = '{APP}'",
            target=f"business_id = '{till.business_id}' and app_key = '{app}'",
        )  # fmt: skip
        await town.owner.execute("update daraja_apps set token_issued_at = now(), token_expires_at = now()")
        with pytest.raises(UnreadableField):
            await tokens_of(till).find_token(app)
        row.counts["refused"] += 1


async def test_every_flip_is_refused(town: Town, row: FaultRow):
    cipher = cipher_of(settings_of(town.dsn, DURING))
    old = cipher_of(settings_of(town.dsn, BEFORE))
    rng = row.rng
    for _ in range(row.size(1_000, 10_000)):
        business_id, row_id = new_id(), new_id()
        place = {"table": "payments", "column": "phone_encrypted", "business_id": business_id, "row_id": row_id}
        envelope = bytearray(
            (cipher if rng.random() < 0.5 else old).encrypt(f"2547{rng.randrange(10**8):08d}", **place)
        )
        assert cipher.decrypt(bytes(envelope), **place).startswith("2547")
        for position in rng.sample(range(len(envelope)), rng.choice((1, 1, 1, 2, 5))):
            envelope[position] ^= rng.randrange(1, 256)
        with pytest.raises(UnreadableField):
            cipher.decrypt(bytes(envelope), **place)
        row.counts["refused"] += 1
