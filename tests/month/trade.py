"""One sale's world: the shop, the customer's phone, the dice, and what is noted of it for the proof at the end."""

from collections import Counter
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

import httpx2

from tests.month.provider import Provider
from tests.month.shops import PRICES, WEIGHTS, TownShop

OUTCOMES: Final = {
    "00": 800, "32": 50, "01": 20, "37": 20, "19": 8, "20": 10, "26": 6, "17": 4, "99": 4, "40": 20, "41": 15, "42": 15,
    "43": 10, "44": 8, "45": 10,
}  # fmt: skip
"""How often a phone does what its telling digits stand for in the simulator."""
PUSH_FAULTS: Final = {
    "": 960,
    "reset": 8,
    "hang": 1,
    "busy": 6,
    "html": 5,
    "empty_400": 3,
    "killed_token": 4,
    "empty_message": 3,
}
CALLBACK_FAULTS: Final = {"": 955, "late": 15, "lost": 15, "twice": 15}


@dataclass
class Notes:
    """What the proof must know: how much was done of everything, and whose phone each prompt went to."""

    done: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    phones: dict[str, str] = field(default_factory=dict)


@dataclass
class Trade:
    """A story's hands: everything is done through the API, or at the simulator as a customer does it."""

    shop: TownShop
    provider: Provider
    dice: Random
    notes: Notes

    def chance(self, share: float) -> bool:
        return self.dice.random() < share

    def phone(self, outcome: str = "") -> str:
        """Draw a number; the digits after 2547 say what becomes of prompts to it, and the last are as mixed as in life."""
        return f"2547{outcome or self._drawn(OUTCOMES)}{self.dice.randrange(1_000_000):06d}"

    def cart(self) -> tuple[list[dict[str, str]], int]:
        """Draw what is bought; return the lines and their total in cents."""
        (place,) = self.dice.choices(range(len(PRICES)), weights=WEIGHTS)
        product_id, price_cents = self.shop.products[place]
        quantity = self.dice.randint(1, 3) if place < len(PRICES) - 1 else 1
        return [{"product_id": str(product_id), "quantity": str(quantity)}], price_cents * quantity

    async def sell(self, lines: list[dict[str, str]], *tenders: dict[str, Any]) -> httpx2.Response:
        """Sell; a sale that was made is counted by its tenders."""
        await self.trouble(tenders)
        answer = await self.shop.call("POST", "/sales", {"lines": lines, "tenders": tenders})
        if answer.is_success:
            self.notes.done["sales"] += 1
            self.notes.done["sales " + " and ".join(sorted(each["method"] for each in tenders))] += 1
        self._noted(answer, tenders)
        return answer

    async def pay(self, sale_id: str, tender: dict[str, Any]) -> httpx2.Response:
        """Take another tender for a sale."""
        await self.trouble([tender])
        answer = await self.shop.call("POST", f"/sales/{sale_id}/payments", tender)
        self._noted(answer, [tender])
        return answer

    async def borrower(self, limit_cents: int) -> Any:
        """Let somebody new owe so much; return the credit account."""
        customer = await self.shop.call("POST", "/customers", {"name": "Achieng"})
        wanted = {"customer_id": customer.json()["id"], "limit_cents": limit_cents}
        answer = await self.shop.call("POST", "/credit-accounts", wanted)
        assert answer.is_success, answer.text
        return answer.json()

    async def ask_debtor(self, account: Any, amount_cents: int) -> httpx2.Response:
        """Ask a phone for what is owed."""
        prompt = {"method": "mpesa_stk", "amount_cents": amount_cents, "phone": self.phone()}
        await self.trouble([prompt])
        answer = await self.shop.call("POST", f"/credit-accounts/{account['id']}/repayments", prompt)
        if answer.is_success:
            self.notes.done["prompts"] += 1
            self.notes.done["debts asked for"] += 1
            self.notes.phones[answer.json()["payment_id"]] = prompt["phone"]
        return answer

    async def sale(self, sale_id: str) -> Any:
        """Read a sale."""
        return await self.shop.get(f"/sales/{sale_id}")

    async def trouble(self, tenders: Any) -> None:
        """Order what goes wrong with the prompts among these tenders."""
        for phone in (each["phone"] for each in tenders if each["method"] == "mpesa_stk"):
            if kind := self._drawn(PUSH_FAULTS):
                self.notes.done[f"push {kind}"] += 1
                await self.provider.fault("stkpush", kind, msisdn=phone, status=503, seconds=30)
            if kind := self._drawn(CALLBACK_FAULTS):
                self.notes.done[f"callback {kind}"] += 1
                await self.provider.fault("callback", kind, msisdn=phone, seconds=self.dice.randint(20, 9_000))
            await self.notice_trouble(phone)

    async def notice_trouble(self, phone: str) -> None:
        """Order what goes wrong with the notice of the next payment from a number."""
        if kind := self._drawn(CALLBACK_FAULTS):
            self.notes.done[f"notice {kind}"] += 1
            await self.provider.fault("confirmation", kind, msisdn=phone, seconds=self.dice.randint(20, 9_000))

    async def pay_by_hand(self, amount_cents: int, *, reference: str = "", phone: str = "") -> str | None:
        """Have a customer pay the shop by himself; return the receipt."""
        phone = phone or self.phone()
        await self.notice_trouble(phone)
        self.notes.done["payments by hand"] += 1
        return await self.provider.pay(phone, self.shop.number, amount_cents // 100, reference=reference)

    def refused(self, answer: httpx2.Response, *codes: str) -> str:
        """Return why something was refused, or nothing where it was done; any other refusal than these is a fault."""
        if answer.is_success:
            return ""
        code = answer.json()["code"]
        assert code in codes, f"{answer.request.method} {answer.request.url.path}: {answer.status_code} {answer.text}"
        self.notes.refused[code] += 1
        return code

    def _noted(self, answer: httpx2.Response, tenders: Any) -> None:
        asked = [each["phone"] for each in tenders if each["method"] == "mpesa_stk"]
        if not answer.is_success or not asked:
            return
        self.notes.done["prompts"] += 1
        prompts = [each["id"] for each in answer.json()["payments"] if each["method"] == "mpesa_stk"]
        (new,) = [each for each in prompts if each not in self.notes.phones]
        self.notes.phones[new] = asked[0]

    def _drawn(self, weights: dict[str, int]) -> str:
        return self.dice.choices(list(weights), weights=list(weights.values()))[0]
