"""Tills that come back to a server over a socket: they keep what they sent, wait as they are told to, and mind its epoch.

A till here does what SYNC asks of one: it pushes its queue until each command has a verdict, pulls on from its checkpoint, and
when an answer carries another epoch it compares what was acknowledged with what is there, and sends again what is named.
"""

import asyncio
import random
from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import httpx2

from payme.features.sync.rules.verdicts import hash_of_range
from tests.tills import Till

FINAL = frozenset({"applied", "needs_review", "rejected"})
LONGEST_WAIT_SECONDS = 60.0


@dataclass
class ReturningTill(Till):
    """A till with its queue, what was acknowledged of it, and how far it has read."""

    queue: list[dict[str, Any]] = field(default_factory=list)
    verdicts: dict[str, dict[str, Any]] = field(default_factory=dict)
    sent: dict[str, dict[str, Any]] = field(default_factory=dict)
    documents: dict[str, dict[str, Any]] = field(default_factory=dict)
    checkpoint: dict[str, Any] = field(default_factory=dict)
    epoch: int = 1
    counts: Counter[str] = field(default_factory=Counter)
    waits: list[int] = field(default_factory=list)
    hurry: int = 1
    """By how much a wait that the server asks for is shortened."""

    def keep(self, *commands: dict[str, Any]) -> None:
        """Put commands into the queue."""
        self.queue.extend(commands)
        self.sent.update({each["id"]: each for each in commands})

    async def push_queue(self, *, at_once: int = 100) -> None:
        """Send the queue until nothing is left in it."""
        while self.queue:
            batch = self.queue[:at_once]
            answer = await self.ask("POST", "sync/commands", {"commands": batch})
            assert answer.status_code == 200, answer.text
            for each in answer.json()["results"]:
                self.counts["repeated"] += each["is_repeated"]
                if each["status"] in FINAL:
                    self.verdicts[each["id"]] = each
            self.queue = [each for each in self.queue if each["id"] not in self.verdicts]

    async def pull(self, collection: str = "commands") -> list[str]:
        """Read on from the checkpoint; return the ids that came."""
        came: list[str] = []
        while True:
            query = "&".join(f"{name}={each}" for name, each in {**self.checkpoint, "limit": 100}.items())
            answer = await self.ask("GET", f"sync/{collection}/pull?{query}")
            assert answer.status_code == 200, answer.text
            page = answer.json()
            self.documents.update({each["id"]: each for each in page["documents"]})
            self.checkpoint = page["checkpoint"]
            came += [each["id"] for each in page["documents"]]
            if len(page["documents"]) < 100:
                return came

    async def return_to(self, http: httpx2.AsyncClient) -> list[str]:
        """Come back to a server: push, pull, and settle with it where its epoch is another; return what it named as missing."""
        self.http = http
        known = self.epoch
        await self.push_queue()
        await self.pull()
        return await self.settle() if self.epoch != known else []

    async def settle(self) -> list[str]:
        """Compare what was acknowledged with what is there, and send again what the server lacks; return its ids."""
        held = {self.sent[each]["device_sequence"]: each for each in self.verdicts}
        span = {"device_sequence_from": min(held), "device_sequence_to": max(held)}
        whole = hash_of_range((number, UUID(each)) for number, each in held.items())
        compared = (await self.ask("POST", "sync/reconcile", {**span, "hash": whole})).json()
        if compared["matches"]:
            return []
        named = (await self.ask("POST", "sync/reconcile", {**span, "commands": held})).json()
        self.queue = [self.sent[each] for each in named["missing"]] + self.queue
        for each in named["missing"]:
            del self.verdicts[each]
        await self.push_queue()
        again = (await self.ask("POST", "sync/reconcile", {**span, "hash": whole})).json()
        assert again["matches"], again
        return named["missing"]

    async def ask(self, method: str, path: str, body: Any = None) -> httpx2.Response:
        """Ask; where the server is overloaded, come back when it said. Nothing but that and success is expected."""
        while True:
            answer = await self.http.request(method, path, json=body, headers=self.headers())
            if answer.status_code != 503:
                self.epoch = int(answer.headers.get("x-sync-epoch", self.epoch))
                return answer
            told = int(answer.headers["retry-after"])
            self.counts["told to come back"] += 1
            self.waits.append(told)
            async with asyncio.timeout(LONGEST_WAIT_SECONDS):
                await asyncio.sleep((told + random.random()) / self.hurry)


async def enrol(base_url: str, business_id: UUID, api_key: str, staff_id: UUID) -> ReturningTill:
    """Have the office make a code and a new till use it, both over HTTP."""
    async with client(base_url, business_id, api_key) as office:
        code = await office.post("devices/codes", json={"name": "Counter"})
        assert code.status_code == 201, code.text
        made = await office.post(f"{base_url}/v1/devices/register", json={"code": code.json()["code"]})
    assert made.status_code == 201, made.text
    known = made.json()
    http = client(base_url, business_id, known["credential"])
    return ReturningTill(http, business_id, UUID(known["device_id"]), known["receipt_prefix"], staff_id)


def client(base_url: str, business_id: UUID, token: str) -> httpx2.AsyncClient:
    """Return a client whose paths begin at a business."""
    headers = {"authorization": f"Bearer {token}"}
    return httpx2.AsyncClient(
        base_url=f"{base_url}/v1/businesses/{business_id}/", headers=headers, timeout=60, trust_env=False
    )
