from uuid import uuid4

from payme.features.payments.services.gateway import SharedTokens
from payme.runtime.security import FieldCipher
from tests.payment_room import Till

APP = "app-of-a-test"


async def test_a_lease_is_one_holders_who_may_take_it_again(shop: Till) -> None:
    tools = shop.database.wiring.tools
    tokens = SharedTokens(shop.database, shop.business_id, tools[FieldCipher])
    first, second = uuid4().hex, uuid4().hex
    assert await tokens.try_lease(APP, holder=first, seconds=45)
    assert not await tokens.try_lease(APP, holder=second, seconds=45)
    assert await tokens.try_lease(APP, holder=first, seconds=45)
    await tokens.release_lease(APP, holder=second)
    assert not await tokens.try_lease(APP, holder=second, seconds=45)
    await tokens.release_lease(APP, holder=first)
    assert await tokens.try_lease(APP, holder=second, seconds=45)
