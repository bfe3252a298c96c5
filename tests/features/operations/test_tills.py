"""What the operator sees of tills: one that owes numbers for a day, and an epoch begun after a restore."""

from typing import Any

import pytest

from payme.features import identity
from payme.features.identity import MakeDeviceCode
from payme.features.sync.schemas.devices import RegisterDevice
from payme.features.sync.services.devices import register_device
from payme.features.sync.services.inbox import Batch, take_in
from payme.kit.ids import new_id
from payme.kit.time import SystemClock
from tests.features.operations.commands import payme
from tests.trade import TradingShop, open_database, open_shop

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_the_doctor_names_the_numbers_that_a_till_owes(make_database: Any) -> None:
    dsn = await make_database()
    database = await open_database(dsn)
    try:
        shop = await open_shop(database, paybill=False)
        device = await enter(shop)
        await send(shop, device, [1, 2, 4, 7])
        code, output = await payme("doctor", DATABASE_URL=dsn)
        assert "nothing that a till has numbered is missing" in " ".join(output.split())
        await shop.value(
            "update sync_devices set gap_since = now() - interval '25 hours' where business_id = $1 returning 1"
        )
        code, output = await payme("doctor", DATABASE_URL=dsn)
        assert code == 1
        assert "3, 5, 6 since" in " ".join(output.split()), output
    finally:
        await database.close()


async def test_an_epoch_begins_in_every_business(make_database: Any) -> None:
    dsn = await make_database()
    database = await open_database(dsn)
    try:
        shop = await open_shop(database, paybill=False)
        before = await shop.value("select seq from sync_counters where business_id = $1")
        code, output = await payme("sync", "begin-epoch", "--yes", DATABASE_URL=dsn)
        assert (code, "in 2 businesses" in output) == (0, True), output
        ((epoch, seq),) = await shop.rows("select epoch, seq from sync_counters where business_id = $1")
        assert (epoch, seq >= before + 1_000_000) == (2, True)
        assert (
            await shop.value("select count(*) from audit_log where business_id = $1 and action = 'sync.epoch_begun'")
            == 1
        )
    finally:
        await database.close()


async def enter(shop: TradingShop) -> Any:
    code = await shop.run(lambda uow: identity.make_code(uow, MakeDeviceCode(name="Till")))
    return await register_device(shop.database, RegisterDevice(code=code.code))


async def send(shop: TradingShop, device: Any, numbers: list[int]) -> None:
    batch = Batch(shop.database, shop.business_id, shop.actor, device.device_id)
    await take_in(
        batch,
        [
            {
                "id": str(new_id()), "device_id": str(device.device_id), "device_sequence": number, "name": "none", "args": {},
                "occurred_at": SystemClock().now().isoformat(),
            }
            for number in numbers
        ],
    )  # fmt: skip
