"""The shops of the town, each with a short code of its own, an owner's key and a manager, spoken to through the whole API."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final, TypeVar
from uuid import UUID

import httpx2

from payme.features import payments
from payme.features.businesses import CreateBusiness, create_business
from payme.features.catalog import CreateProduct, VatClass, create_product
from payme.features.identity import PERMISSIONS, Role, add_member
from payme.features.identity.schemas import CreateApiKey
from payme.features.identity.services.api_keys import create_api_key
from payme.features.inventory.schemas import ReceiveGoods
from payme.features.inventory.services.receive_goods import receive_goods
from payme.features.payments import ConfigureMethod
from payme.features.tokens.services import grant
from payme.kit.actor import Actor
from payme.kit.ids import new_id
from payme.runtime.database import UnitOfWork
from tests.application import client_of
from tests.month.ground import Ground
from tests.people import PASSWORD, Person, make_person

PRICES: Final = (2_000, 5_500, 9_000, 15_000, 23_000, 34_000, 61_000, 120_000, 1_450_000)
"""In cents; the last is above what a notice alone is believed for."""
WEIGHTS: Final = (16, 16, 16, 16, 12, 10, 8, 5, 1)
ON_THE_SHELF: Final = 5_000
TOKENS: Final = 100_000
FLOAT_CENTS: Final = 5_000_000
"""What each shop has brought from the bank to pay refunds of."""
OPERATOR: Final = {"initiator_name": "testapi", "initiator_password": "Safaricom999!*!"}
PULL_NUMBER: Final = "254722000000"
Result = TypeVar("Result")


@dataclass
class TownShop:
    """One shop; `number` is what its customers pay to, and every call has an idempotency key of its own."""

    business_id: UUID
    kind: str
    shortcode: str
    number: str
    http: httpx2.AsyncClient
    anybody: httpx2.AsyncClient
    manager: Person
    products: list[tuple[UUID, int]] = field(default_factory=list)

    async def call(self, method: str, path: str, body: Any = None) -> httpx2.Response:
        """Make one call under the business with the owner's key."""
        headers = {} if method == "GET" else {"Idempotency-Key": str(new_id())}
        return await self.http.request(method, f"/v1/businesses/{self.business_id}{path}", json=body, headers=headers)

    async def get(self, path: str) -> Any:
        """Read something that must be there."""
        answer = await self.call("GET", path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def decide(self, path: str, decision: str) -> httpx2.Response:
        """Have the manager sign in and decide about something: `approve` with the password, or `reject`."""
        login = await self.anybody.post("/v1/auth/login", json={"identifier": self.manager.phone, "password": PASSWORD})
        assert login.is_success, login.text
        headers = {"Authorization": f"Bearer {login.json()['access_token']}"}
        body = {"proof": PASSWORD} if decision == "approve" else {"note": "No"}
        url = f"/v1/businesses/{self.business_id}{path}/{decision}"
        return await self.anybody.post(url, json=body, headers=headers)


async def open_shops(ground: Ground, wanted: Sequence[int]) -> dict[int, TownShop]:
    """Open the shops of these places, every third with a till, the others with a paybill; all are told of payments and pull them."""
    places = asyncio.Semaphore(4)

    async def make(place: int) -> TownShop:
        async with places:
            return await _open_shop(ground, place)

    made = await asyncio.gather(*(make(place) for place in wanted))
    for each in made:
        answer = await each.call("POST", f"/payment-methods/{each.kind}/c2b")
        assert answer.is_success, answer.text
    await ground.worker.run_due()
    for each in made:
        (registered,) = await each.get(f"/payment-methods/{each.kind}/c2b")
        assert registered["state"] == "registered", registered
    return dict(zip(wanted, made, strict=True))


async def _open_shop(ground: Ground, place: int) -> TownShop:
    owner, manager = await make_person(ground.database), await make_person(ground.database, "Otieno")
    business_id = new_id()
    actor = Actor("user", owner.id, "Wanjiku", str(owner.id), PERMISSIONS)

    async def run(work: Callable[[UnitOfWork], Awaitable[Result]]) -> Result:
        return await ground.database.run(work, business_id=business_id, actor=actor)

    await run(lambda uow: create_business(uow, CreateBusiness(name=f"Duka {place}"), owner_name="Wanjiku"))
    await run(lambda uow: add_member(uow, manager.id, display_name="Otieno", roles=[Role.MANAGER]))
    await run(lambda uow: grant(uow, TOKENS, reason="a month"))
    method = await _open_short_code(ground, place)
    kind = "till" if method["till_number"] else "paybill"
    await run(lambda uow: payments.configure_method(uow, kind, ConfigureMethod.model_validate(method)))
    key = await run(lambda uow: create_api_key(uow, CreateApiKey(name="Till", scopes=sorted(PERMISSIONS))))
    number = method["till_number"] or method["shortcode"]
    shop = TownShop(
        business_id, kind, method["shortcode"], number, client_of(ground.app, key.key), client_of(ground.app, None), manager
    )  # fmt: skip
    for price_cents in PRICES:
        shop.products.append((await run(lambda uow, cents=price_cents: _stocked(uow, cents)), price_cents))
    return shop


async def _open_short_code(ground: Ground, place: int) -> dict[str, Any]:
    shortcode = str(700_000 + place)
    till_number = f"5{shortcode}" if place % 3 == 2 else None
    made: dict[str, Any] = {"shortcode": shortcode, "name": "DUKA", "kind": "till" if till_number else "paybill"}
    if till_number:
        made["till_number"] = till_number
    passkey = (await ground.provider.send("POST", "shortcodes", made))["passkey"]
    app = {"name": f"duka {place}", "consumer_key": f"key-{place}", "consumer_secret": f"secret-{place}"}
    await ground.provider.send("POST", "apps", app)
    await ground.provider.send("POST", "deposits", {"shortcode": shortcode, "amount_cents": FLOAT_CENTS})
    return OPERATOR | {
        "shortcode": shortcode, "till_number": till_number, "account_reference": "DUKA", "environment": "sandbox",
        "consumer_key": app["consumer_key"], "consumer_secret": app["consumer_secret"], "passkey": passkey,
        "pull_number": PULL_NUMBER,
    }  # fmt: skip


async def _stocked(uow: UnitOfWork, price_cents: int) -> UUID:
    product = await create_product(
        uow, CreateProduct(name=f"Bidhaa {price_cents}", price_cents=price_cents, vat_class=VatClass.B)
    )
    cost_cents = price_cents * 7 // 10
    await receive_goods(
        uow,
        ReceiveGoods(product_id=product.id, quantity=Decimal(ON_THE_SHELF), total_cost_cents=ON_THE_SHELF * cost_cents),
    )
    return product.id
