"""Setting up ways to be paid: secrets go in encrypted and never come out."""

from typing import Any

import pytest

from payme.features import payments
from payme.features.payments import ConfigureMethod
from payme.features.payments.errors import MethodIncomplete
from payme.features.payments.schemas import MethodKind, MethodView
from payme.features.payments.services.gateway import collector_of
from payme.features.payments.services.manage import list_methods
from payme.kit.time import FrozenClock
from payme.runtime.database import Database
from tests.payment_room import ACCOUNT, Till, open_till

SECRETS = ("consumer_key", "consumer_secret", "passkey")


async def _configure(shop: Till, kind: MethodKind, **changes: Any) -> MethodView:
    document = {name: value for name, value in (ACCOUNT | changes).items() if value is not None}
    command = ConfigureMethod.model_validate(document)
    return await shop.run(lambda uow: payments.configure_method(uow, kind, command))


@pytest.fixture
async def bare(database: Database, clock: FrozenClock, owner_dsn: str) -> Till:
    return await open_till(database, clock, owner_dsn=owner_dsn, configured=False)


async def test_secrets_are_stored_encrypted_and_never_shown(bare: Till) -> None:
    view = await _configure(bare, "paybill")
    assert view.has_credentials
    row = (await bare.rows("select payment_methods::text from payment_methods where business_id = $1"))[0][0]
    for name in SECRETS:
        assert ACCOUNT[name] not in row
        assert ACCOUNT[name].encode().hex() not in row
        assert ACCOUNT[name] not in view.model_dump_json()


@pytest.mark.parametrize("missing", [*SECRETS, "shortcode"])
async def test_a_paybill_without_a_part_is_refused(bare: Till, missing: str) -> None:
    with pytest.raises(MethodIncomplete) as refusal:
        await _configure(bare, "paybill", **{missing: None})
    assert refusal.value.facts["missing"] == [missing]
    assert await bare.run(list_methods) == []


async def test_a_till_needs_its_number_besides_the_stores(bare: Till) -> None:
    with pytest.raises(MethodIncomplete):
        await _configure(bare, "till")
    await _configure(bare, "till", till_number="5123456")
    collector = await bare.run(lambda uow: collector_of(uow, "business"))
    assert (collector.account.shortcode, collector.account.till_number) == ("174379", "5123456")


async def test_secrets_that_are_left_out_keep_what_is_stored(bare: Till) -> None:
    await _configure(bare, "paybill")
    changed = await _configure(
        bare, "paybill", shortcode="600100", consumer_key=None, consumer_secret=None, passkey=None
    )
    assert (changed.shortcode, changed.rev) == ("600100", 2)
    collector = await bare.run(lambda uow: collector_of(uow, "business"))
    assert collector.app.consumer_key == ACCOUNT["consumer_key"]
    assert collector.account.passkey == ACCOUNT["passkey"]
    await _configure(bare, "paybill", passkey="another-passkey")
    again = await bare.run(lambda uow: collector_of(uow, "business"))
    assert (again.account.passkey, again.app.consumer_secret) == ("another-passkey", ACCOUNT["consumer_secret"])


async def test_ways_without_an_api_need_no_credentials(bare: Till) -> None:
    command = ConfigureMethod(environment="production")
    for kind in ("pochi", "send_money"):
        view = await bare.run(lambda uow, kind=kind: payments.configure_method(uow, kind, command))
        assert not view.has_credentials


async def test_a_change_has_its_line_in_the_audit_log_without_secrets(bare: Till) -> None:
    await _configure(bare, "paybill")
    lines = await bare.rows(
        "select audit_log::text from audit_log where business_id = $1 and action = 'payment_method.configured'"
    )
    assert len(lines) == 1
    assert not any(ACCOUNT[name] in lines[0][0] for name in SECRETS)


async def test_another_shop_sees_nothing_of_it(bare: Till, shop: Till) -> None:
    await _configure(bare, "till", till_number="5123456")
    assert [method.kind for method in await shop.run(list_methods)] == ["paybill"]
