"""A program of somebody else: it knows the reference of the API and the demo's `demo.json`, and imports nothing of ours.

Lives here: one HTTP client of the standard library, with a stream of events. Does not live here: what is expected of an answer.
"""

import http.client
import json
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self, TypeVar
from urllib.parse import urlsplit

Result = TypeVar("Result")
SECONDS = 15.0


@dataclass(frozen=True)
class Answer:
    """What came back; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def media_type(self) -> str:
        return self.headers.get("content-type", "").partition(";")[0]


@dataclass(frozen=True)
class Event:
    """One server-sent event with an id to resume from, where it carries one."""

    name: str
    id: str
    data: Any


@dataclass
class Shop:
    """The demo's shop, spoken to with its API key unless another token is given."""

    demo: dict[str, Any]
    token: str | None = field(default=None)

    @classmethod
    def from_file(cls, file: Path) -> Self:
        demo = json.loads(file.read_text())
        return cls(demo, demo["api_key"])

    @property
    def business_id(self) -> str:
        return self.demo["business_id"]

    def call(self, method: str, path: str, body: Any = None, *, key: str | None = None, **headers: str) -> Answer:
        """Call the API; a path that begins with `B/` is below the shop. Header names are written with underscores."""
        return self.ask(self.demo["base_url"] + self.place(path), method, body, key=key, **headers)

    def post(self, path: str, body: Any, *, key: str | None = None, **headers: str) -> Answer:
        """Post with an idempotency key, a new one unless given."""
        return self.call("POST", path, body, key=key or str(uuid.uuid4()), **headers)

    def get(self, path: str, **headers: str) -> Answer:
        return self.call("GET", path, **headers)

    def simulator(self, method: str, path: str, body: Any = None) -> Any:
        """Call the simulator's control API."""
        return Shop(self.demo).ask(self.demo["simulator_url"] + path, method, body).json

    def place(self, path: str) -> str:
        return path.replace("B", f"/v1/businesses/{self.business_id}", 1) if path.startswith("B/") else path

    def as_somebody(self, token: str | None) -> "Shop":
        return Shop(self.demo, token)

    def ask(self, url: str, method: str, body: Any = None, *, key: str | None = None, **headers: str) -> Answer:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.token is not None:
            sent.setdefault("Authorization", f"Bearer {self.token}")
        if key is not None:
            sent["Idempotency-Key"] = key
        data = None
        if body is not None:
            sent.setdefault("Content-Type", "application/json")
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
        request = urllib.request.Request(url, data=data, method=method, headers=sent)  # noqa: S310 -- the loopback, as demo.json has it
        try:
            with urllib.request.urlopen(request, timeout=SECONDS) as answer:  # noqa: S310 -- as above
                return _answer(answer)
        except urllib.error.HTTPError as refusal:
            with refusal:
                return _answer(refusal)

    def product(self, number: int = 0) -> dict[str, Any]:
        return self.demo["products"][number]

    def cart(self, *tenders: dict[str, Any], product: int = 0, quantity: int = 1) -> dict[str, Any]:
        """Return the body of a sale of one product."""
        return {
            "lines": [{"product_id": self.product(product)["id"], "quantity": str(quantity)}],
            "tenders": list(tenders),
        }

    def cash_cart(self, *, product: int = 0, quantity: int = 1) -> dict[str, Any]:
        """Return the body of a sale paid in cash, to the cent."""
        amount = self.product(product)["price_cents"] * quantity
        return self.cart({"method": "cash", "amount_cents": amount}, product=product, quantity=quantity)

    def prompt_cart(self, phone: str, *, product: int = 0, quantity: int = 1) -> dict[str, Any]:
        """Return the body of a sale paid by an M-Pesa prompt."""
        amount = self.product(product)["price_cents"] * quantity
        tender = {"method": "mpesa_stk", "amount_cents": amount, "phone": phone}
        return self.cart(tender, product=product, quantity=quantity)

    def sale_becomes(self, sale_id: str, *statuses: str) -> Any:
        """Wait until a sale is in one of these states, and return it."""

        def look() -> Any:
            sale = self.get(f"B/sales/{sale_id}").json
            return sale if sale["status"] in statuses else None

        return until(look, seconds=40)

    def listen(self, *, last_event_id: str | None = None) -> "Listener":
        return Listener(self, last_event_id)


class Listener:
    """An open stream of events; a context manager."""

    def __init__(self, shop: Shop, last_event_id: str | None) -> None:
        where = urlsplit(shop.demo["base_url"])
        assert where.hostname
        self._connection = http.client.HTTPConnection(where.hostname, where.port, timeout=SECONDS)
        headers = {"Authorization": f"Bearer {shop.token}", "Accept": "text/event-stream"}
        if last_event_id is not None:
            headers["Last-Event-ID"] = last_event_id
        self._connection.request("GET", shop.place("B/events"), headers=headers)
        self._answer = self._connection.getresponse()
        self.media_type = (self._answer.headers["content-type"] or "").partition(";")[0]

    def __enter__(self) -> Self:
        # The stream says something at once, so that whoever listens knows that it has begun.
        self._answer.readline()
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def until_event(self, name: str, subject_id: str) -> Event:
        """Read on to the event of this name about this subject."""
        found: dict[str, str] = {}
        while True:
            line = self._answer.readline().decode().rstrip("\n")
            if line:
                word, _, value = line.partition(": ")
                found[word] = value
                continue
            data = json.loads(found["data"]) if "data" in found else {}
            if found.get("event") == name and data.get("subject_id") == subject_id:
                return Event(name, found.get("id", ""), data)
            found = {}


def until(condition: Callable[[], Result | None], *, seconds: float) -> Result:
    """Poll until the condition gives something true, and return it."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.1)
    return found


def _answer(answer: Any) -> Answer:
    headers = {name.lower(): value for name, value in answer.headers.items()}
    return Answer(answer.status, headers, answer.read())
