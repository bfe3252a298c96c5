"""The whole application as the API process makes it, and two shops: one with somebody in every role, one full of things."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import httpx2
import pytest_asyncio

from payme.entrypoints.features import wire
from payme.entrypoints.wiring import tools_of
from payme.features.approvals import ApprovalKind, Wanted, request_approval
from payme.features.identity import Role
from payme.features.payments.enums import Source
from payme.features.payments.services.place_money import Arrival, place_money
from payme.kit.ids import new_id
from payme.kit.time import business_day
from payme.runtime.database import Database, PoolLimits
from payme.runtime.settings import Settings
from tests.api_process import GENEROUS
from tests.application import client_of, make_application
from tests.payment_room import a_receipt
from tests.people import Shop, hire, make_shop
from tests.reconciled import row, statement

OPERATED = {
    "shortcode": "651200", "till_number": "5651200", "environment": "sandbox", "consumer_key": "key", "consumer_secret": "secret",
    "passkey": "passkey", "initiator_name": "dukaapi", "initiator_password": "Duka#2026%", "active": False,
}  # fmt: skip
"""A till that sends no prompts, with an operator who pays out."""
MakeClient = Callable[[str | None], httpx2.AsyncClient]


@dataclass(frozen=True)
class Belongings:
    """What a shop has, by the names that paths and bodies know it by."""

    product_id: UUID
    sale_id: UUID
    payment_id: UUID
    branch_id: UUID
    till_id: UUID
    user_id: UUID
    invitation_id: UUID
    key_id: UUID
    approval_id: UUID
    unclaimed_id: UUID
    payout_id: UUID
    credit_note_id: UUID
    reconciliation_id: UUID
    difference_id: UUID
    upload_id: UUID
    conflict_id: UUID
    customer_id: UUID
    shift_id: UUID
    credit_account_id: UUID
    expense_id: UUID
    device_id: UUID
    command_id: UUID


@pytest_asyncio.fixture(scope="module")
async def settings(owner_dsn: str) -> Settings:
    return Settings.from_values({**GENEROUS, "DATABASE_URL": owner_dsn})


@pytest_asyncio.fixture(scope="module")
async def database(owner_dsn: str, settings: Settings) -> AsyncIterator[Database]:
    opened = await Database(owner_dsn, limits=PoolLimits(connections=6), wiring=wire(tools_of(settings))).open()
    yield opened
    await opened.close()


@pytest_asyncio.fixture(scope="module")
async def make_client(database: Database, settings: Settings) -> AsyncIterator[MakeClient]:
    app = make_application(settings, database)
    made: list[httpx2.AsyncClient] = []

    def make(token: str | None) -> httpx2.AsyncClient:
        made.append(client_of(app, token))
        return made[-1]

    yield make
    for client in made:
        await client.aclose()


@pytest_asyncio.fixture(scope="module")
async def staffed(database: Database) -> Shop:
    shop = await make_shop(database)
    for role in Role:
        shop.others[role.value] = shop.owner if role is Role.OWNER else await hire(shop, role.value)
    return shop


@pytest_asyncio.fixture(scope="module")
async def foreign(database: Database) -> Shop:
    return await make_shop(database, "Other")


@pytest_asyncio.fixture(scope="module")
async def own(make_client: MakeClient, staffed: Shop) -> Belongings:
    return await fill(make_client(staffed.owner.access_token), staffed)


@pytest_asyncio.fixture(scope="module")
async def theirs(make_client: MakeClient, foreign: Shop) -> Belongings:
    return await fill(make_client(foreign.owner.access_token), foreign)


async def fill(client: httpx2.AsyncClient, shop: Shop) -> Belongings:
    """Make one of everything in a shop, over HTTP as its owner."""

    async def post(path: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = await client.post(
            f"/v1/businesses/{shop.id}/{path}", json=body, headers={"idempotency-key": str(new_id())}
        )
        assert answer.status_code == 201, answer.text
        return answer.json()

    product = (await post("products", {"name": "Unga", "price_cents": 10_000, "barcode": "616110001"}))["id"]
    await post("stock/receipts", {"product_id": product, "quantity": "50", "total_cost_cents": 350_000})
    lines = [{"product_id": product, "quantity": "1"}]
    sale = await post("sales", {"lines": lines, "tenders": [{"method": "cash", "amount_cents": 10_000}]})
    line = {"sale_line_id": sale["lines"][0]["id"], "quantity": "0.5"}
    refund = {"lines": [line], "method": "credit_note", "reason": "Torn"}
    noted = await post(f"sales/{sale['id']}/refunds", refund)
    note = await client.get(f"/v1/businesses/{shop.id}/credit-notes/{noted['credit_note_number']}")
    customer = await post("customers", {"name": "Achieng", "phone": "0712345678"})
    account = await post("credit-accounts", {"customer_id": customer["id"], "limit_cents": 1_000_000})
    shift = await post("shifts", {"float_cents": 100_000})
    expense = await post("expenses", {"category": "rent", "amount_cents": 5_000, "method": "bank"})
    invitation = await post("invitations", {"roles": ["cashier"]})
    key = await post("api-keys", {"name": "Export", "scopes": ["sales.read"]})
    member = await hire(shop, "cashier")
    till = await client.put(f"/v1/businesses/{shop.id}/payment-methods/till", json=OPERATED)
    assert till.status_code == 201, till.text
    payout = await post("payouts", {"amount_cents": 50_000, "phone": "0712345678", "reason": "Labour"})
    arrival = Arrival(Source.C2B, a_receipt(), 12_300, "651200", ["651200"], payer_number="2547 ***** 999")
    await shop.database.run(lambda uow: place_money(uow, arrival), business_id=shop.id)
    (lying,) = (await client.get(f"/v1/businesses/{shop.id}/unclaimed")).json()["data"]
    wanted = Wanted(ApprovalKind.VARIANCE, UUID(sale["id"]), 2_000_000, {})
    asked = await shop.database.run(
        lambda uow: request_approval(uow, wanted), business_id=shop.id, actor=shop.acting(member, "cashier")
    )
    day = await post("reconciliations", {"date": business_day(datetime.now(UTC)).isoformat()})
    found = (await client.get(f"/v1/businesses/{shop.id}/reconciliations/{day['id']}/differences")).json()
    uploaded = await client.post(
        f"/v1/businesses/{shop.id}/reconciliations/{day['id']}/statement",
        content=statement(row(a_receipt(), "5.00"), shortcode="5651200"),
        headers={"idempotency-key": str(new_id()), "content-type": "text/csv"},
    )
    assert uploaded.status_code == 201, uploaded.text
    refused = [{"newDocumentState": {"id": product, "_deleted": True}}]
    assert (await client.post(f"/v1/businesses/{shop.id}/sync/products/push", json=refused)).status_code == 200
    (conflict,) = (await client.get(f"/v1/businesses/{shop.id}/sync/conflicts")).json()["data"]
    code = await post("devices/codes", {"name": "Counter"})
    registered = await client.post("/v1/devices/register", json={"code": code["code"]})
    assert registered.status_code == 201, registered.text
    odd = {
        "id": str(new_id()), "device_id": registered.json()["device_id"], "device_sequence": 1, "name": "stock.spoil",
        "args": {"product_id": product, "quantity": "1", "type": "damage"}, "handed_over": True,
        "occurred_at": "2026-01-01T00:00:00Z", "staff_id": str(member.id),
    }  # fmt: skip
    pushed = await client.post(f"/v1/businesses/{shop.id}/sync/commands", json={"commands": [odd]})
    assert pushed.json()["results"][0]["status"] == "needs_review", pushed.text
    return Belongings(
        product_id=UUID(product),
        sale_id=UUID(sale["id"]),
        payment_id=UUID(sale["payments"][0]["id"]),
        branch_id=UUID(sale["branch_id"]),
        till_id=UUID(sale["till_id"]),
        user_id=member.id,
        invitation_id=UUID(invitation["id"]),
        key_id=UUID(key["id"]),
        approval_id=asked.id,
        unclaimed_id=UUID(lying["id"]),
        payout_id=UUID(payout["id"]),
        credit_note_id=UUID(note.json()["id"]),
        reconciliation_id=UUID(day["id"]),
        difference_id=UUID(found["data"][0]["id"]),
        upload_id=UUID(uploaded.json()["id"]),
        conflict_id=UUID(conflict["id"]),
        customer_id=UUID(customer["id"]),
        shift_id=UUID(shift["id"]),
        credit_account_id=UUID(account["id"]),
        expense_id=UUID(expense["id"]),
        device_id=UUID(registered.json()["device_id"]),
        command_id=UUID(odd["id"]),
    )
