"""The simulator's own tests: one process a worker, begun anew for every test with a frozen clock."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest

from tests.simulator import CallbackReceiver, SimulatorProcess

SEED = 7
NOON = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)  # noon in Nairobi
STAMP = "20261122120000"
PASSKEY_174379 = "bfb279f9aa9bdbcf158e97dd71a467cd2e0c893059b10f78e6b72ada1ed2c919"


B2C, B2C_V1, POCHI = (f"/mpesa/{path}/paymentrequest" for path in ("b2c/v3", "b2c/v1", "b2pochi/v1"))
B2B, TAX = "/mpesa/b2b/v1/paymentrequest", "/mpesa/b2b/v1/remittax"
STATUS, BALANCE = "/mpesa/transactionstatus/v1/query", "/mpesa/accountbalance/v1/query"
REVERSAL = "/mpesa/reversal/v1/request"
_PERSON = {
    "Initiator": ...,
    "InitiatorName": "testapi",
    "CommandID": "BusinessPayment",
    "Amount": "10",
    "PartyB": "254705912645",
}
_ORGANISATION = {
    "CommandID": "BusinessBuyGoods",
    "SenderIdentifierType": "4",
    "RecieverIdentifierType": "4",
    "Amount": "190",
    "PartyB": "5651201",
    "AccountReference": "0019008",
}
ERRANDS: dict[str, dict[str, Any]] = {
    B2C: _PERSON | {"OriginatorConversationID": "pay-1"},
    B2C_V1: _PERSON,
    POCHI: _PERSON | {"OriginatorConversationID": "pay-1", "CommandID": "BusinessPayToPochi"},
    B2B: _ORGANISATION,
    TAX: _ORGANISATION | {"CommandID": "PayTaxToKRA", "PartyB": "572572"},
    STATUS: {"CommandID": "TransactionStatusQuery", "IdentifierType": "4", "TransactionID": "UKM0000001"},
    BALANCE: {"CommandID": "AccountBalance", "IdentifierType": "4"},
    REVERSAL: {
        "CommandID": "TransactionReversal",
        "PartyA": ...,
        "ReceiverParty": "650880",
        "RecieverIdentifierType": "11",
        "TransactionID": "UKM0000001",
        "Amount": "300",
    },
}


@dataclass
class Shop:
    """A merchant's side of the wire, written out by hand so that nothing of the product helps or hides."""

    client: httpx2.AsyncClient
    callback_url: str
    token: str = ""
    credential: str = ""
    shortcodes: dict[str, dict[str, Any]] = field(default_factory=dict)

    async def authorize(self, key: str = "payme-demo-key", secret: str = "payme-demo-secret") -> httpx2.Response:
        answer = await self.client.get("/oauth/v1/generate?grant_type=client_credentials", auth=(key, secret))
        if answer.content and answer.status_code == 200:
            self.token = answer.json()["access_token"]
        return answer

    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    def signed(self, shortcode: str = "174379", passkey: str = PASSKEY_174379) -> dict[str, Any]:
        password = base64.b64encode(f"{shortcode}{passkey}{STAMP}".encode()).decode()
        return {"BusinessShortCode": int(shortcode), "Password": password, "Timestamp": STAMP}

    def push_body(self, phone: str = "254711222300", amount: Any = 300, **changes: Any) -> dict[str, Any]:
        body = self.signed() | {
            "TransactionType": "CustomerPayBillOnline",
            "Amount": amount,
            "PartyA": int(phone),
            "PartyB": 174379,
            "PhoneNumber": int(phone),
            "CallBackURL": self.callback_url,
            "AccountReference": "INV-42",
            "TransactionDesc": "Duka 7",
        }
        return {key: value for key, value in (body | changes).items() if value is not ...}

    async def push(self, phone: str = "254711222300", amount: Any = 300, **changes: Any) -> httpx2.Response:
        body = self.push_body(phone, amount, **changes)
        return await self.client.post("/mpesa/stkpush/v1/processrequest", json=body, headers=self.headers())

    async def pushed(self, phone: str = "254711222300", amount: Any = 300, **changes: Any) -> str:
        answer = await self.push(phone, amount, **changes)
        assert answer.status_code == 200, answer.text
        return answer.json()["CheckoutRequestID"]

    async def query(self, checkout_id: str, **changes: Any) -> httpx2.Response:
        body = self.signed() | {"CheckoutRequestID": checkout_id} | changes
        return await self.client.post("/mpesa/stkpushquery/v1/query", json=body, headers=self.headers())

    async def post(self, path: str, body: dict[str, Any]) -> httpx2.Response:
        return await self.client.post(path, json=body, headers=self.headers())

    def urls(self) -> dict[str, str]:
        base = self.callback_url.removesuffix("/stk")
        return {"QueueTimeOutURL": f"{base}/timeout", "ResultURL": f"{base}/result"}

    async def errand(self, path: str, **changes: Any) -> httpx2.Response:
        body = {
            "Initiator": "testapi",
            "SecurityCredential": self.credential,
            "PartyA": "650880",
            "Remarks": "a remark",
        }
        asked = body | self.urls() | ERRANDS[path] | changes
        return await self.post(path, {key: value for key, value in asked.items() if value is not ...})

    async def register(self, shortcode: str = "650880", version: str = "v2", **changes: Any) -> httpx2.Response:
        base = self.callback_url.removesuffix("/stk")
        body = {
            "ShortCode": shortcode,
            "ResponseType": "Completed",
            "ConfirmationURL": f"{base}/confirmation",
            "ValidationURL": f"{base}/validation",
        }
        asked = {key: value for key, value in (body | changes).items() if value is not ...}
        return await self.post(f"/mpesa/c2b/{version}/registerurl", asked)


@pytest.fixture(scope="session")
def running_simulator() -> Iterator[SimulatorProcess]:
    with SimulatorProcess("--seed", str(SEED), "--frozen") as simulator:
        yield simulator


@pytest.fixture
async def simulator(running_simulator: SimulatorProcess) -> SimulatorProcess:
    await running_simulator.control.reset(seed=SEED, now=NOON, frozen=True)
    await running_simulator.control.settings(query_limit=False)
    return running_simulator


@pytest.fixture
def receiver() -> Iterator[CallbackReceiver]:
    with CallbackReceiver() as receiver:
        yield receiver


@pytest.fixture
async def shop(simulator: SimulatorProcess, receiver: CallbackReceiver) -> AsyncIterator[Shop]:
    async with httpx2.AsyncClient(base_url=simulator.base_url, trust_env=False, timeout=10) as client:
        shop = Shop(client, receiver.url())
        await shop.authorize()
        shop.credential = await simulator.control.credential()
        yield shop
