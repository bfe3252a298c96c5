"""A shop whose number hangs on the wall, and Safaricom's notices of what customers pay to it by themselves.

Not a plugin; who needs them imports the fixtures `wall` and `till_wall`.
"""

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from payme.features.payments import ConfigureMethod, configure_method
from payme.features.payments.schemas import MethodKind
from payme.features.payments.services.handle_callback import handle_callback
from payme.features.payments.services.receive_callback import receive_callback
from payme.features.payments.services.register_c2b import begin_registration, request_registration
from payme.kit.phone import hash_of
from payme.runtime.database import UnitOfWork
from tests.payment_room import ACCOUNT, Till, a_receipt

MASKED, OTHER_MASKED, HASHED = "2547 ***** 100", "2547 ***** 999", hash_of("254711000100")


@dataclass
class Wall:
    """A shop whose number hangs on the wall: customers pay it by themselves."""

    till: Till
    token: str
    shortcode: str

    async def told(self, amount: str = "150.00", **changes: Any) -> str:
        """Have Safaricom tell of a payment; return its receipt."""
        notice = {
            "TransactionType": "Pay Bill", "TransID": a_receipt(), "TransTime": "20261122100100", "TransAmount": amount,
            "BusinessShortCode": self.shortcode, "BillRefNumber": "", "InvoiceNumber": "", "OrgAccountBalance": "900.00",
            "ThirdPartyTransID": "", "MSISDN": OTHER_MASKED, "FirstName": "JOHN", "MiddleName": "", "LastName": "",
        } | changes  # fmt: skip
        now = self.till.clock.now() + timedelta(hours=3)
        if "TransTime" not in changes:
            notice["TransTime"] = now.strftime("%Y%m%d%H%M%S")
        await self.post(json.dumps(notice).encode())
        return notice["TransID"]

    async def post(self, body: bytes) -> UUID:
        """Store a body as the API does, and understand it as the worker does."""

        async def work(uow: UnitOfWork) -> None:
            await receive_callback(uow, self.token, kind="c2b", headers={}, body=body, remote_address="196.201.214.200")

        await self.till.database.run(work)
        sql = "select id from callback_inbox where business_id = $1 and state = 'received' order by received_at, id limit 1"
        inbox_id: UUID = (await self.till.rows(sql))[0][0]
        await self.till.run(lambda uow: handle_callback(uow, inbox_id))
        return inbox_id


async def wall_of(shop: Till, kind: MethodKind = "paybill") -> Wall:
    view = await shop.run(lambda uow: request_registration(uow, kind))
    errand = await shop.run(lambda uow: begin_registration(uow, view.id))
    assert errand is not None
    return Wall(shop, errand.token, view.till_number or view.shortcode)


@pytest.fixture
async def wall(shop: Till) -> Wall:
    return await wall_of(shop)


@pytest.fixture
async def till_wall(shop: Till) -> Wall:
    """A shop that is paid by its till, whose notices name no account."""
    off = ConfigureMethod.model_validate(ACCOUNT | {"active": False})
    till = ConfigureMethod.model_validate(ACCOUNT | {"shortcode": "651200", "till_number": "5651201"})
    await shop.run(lambda uow: configure_method(uow, "paybill", off))
    await shop.run(lambda uow: configure_method(uow, "till", till))
    return await wall_of(shop, "till")
