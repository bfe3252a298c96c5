"""Callbacks that come too early, too late, to the wrong door, or say something else than was agreed.

A callback is believed when it comes through the secret of its own prompt, with that prompt's id, amount and short code, and up
to the amount that the business believes unasked. Anything else moves no money until M-Pesa, asked, says that it was paid.
"""

import itertools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

import httpx2
import pytest

from payme.features.payments.services.send_push import record_doubt
from payme.integrations.daraja import DarajaUnknown
from payme.runtime.settings import Settings
from tests.application import client_of, make_application
from tests.fault_rows import FULL, FaultRow
from tests.faults.mpesa import SHORTCODE
from tests.faults.prompts import PRICE, Prompt, PromptShop, at_most, open_prompt_shop
from tests.payment_room import SETTINGS, stk_callback

NOT_PAID = "1032"
QUESTIONS = "65,600,7200"
LARGE = 100  # so many make more than KES 10,000, above which a callback alone is not believed
BELIEVED = ("early", "after a time-out", "after a failure")
DOUBTED = ("other id", "no such token", "another's token", "less", "more", "other short code", "large")
pytestmark = [pytest.mark.faults, pytest.mark.timeout(1_800 if FULL else 120)]


@dataclass(frozen=True)
class Odd:
    """A prompt, what is odd about its callback, and whether M-Pesa will say that it was paid when it is asked."""

    case: str
    prompt: Prompt
    is_paid: bool

    @property
    def named_cents(self) -> int:
        """What the callback names."""
        return self.prompt.amount_cents + {"less": -100, "more": 100}.get(self.case, 0)

    @property
    def is_disputed(self) -> bool:
        """Whether a person must decide: the callback names money of this very prompt, and M-Pesa knows of none."""
        return self.case in {"less", "more", "large"} and not self.is_paid

    @property
    def wanted(self) -> tuple[str, int | None, str | None]:
        """The status, the money and the receipt that the payment must end with."""
        if self.is_disputed:
            return "unknown", None, self.prompt.receipt
        if not self.is_paid:
            return "failed", None, None
        knows_receipt = self.case in {*BELIEVED, "less", "more", "large"}
        return "succeeded", self.named_cents, self.prompt.receipt if knows_receipt else None


@pytest.mark.fault_row(4)
async def test_nothing_is_credited_on_an_odd_callbacks_word(
    row: FaultRow, make_database: Callable[..., Awaitable[str]]
) -> None:
    dsn, count = await make_database(), row.size(12, 500)
    async with open_prompt_shop(dsn, tokens=10 * count + 100, MPESA_QUERY_SCHEDULE_SECONDS=QUESTIONS) as shop:
        settings = Settings.from_values(SETTINGS | {"DATABASE_URL": dsn})
        async with client_of(make_application(settings, shop.trade.database), None) as door:
            odd = await _waited_for(shop, count)
            odd += await _fresh(shop, count)
            row.rng.shuffle(odd)
            row.counts["sent"] = len(odd)
            row.counts["refused"] = await _call_back(shop, door, odd)
        early = [each for each in odd if each.case == "early"]
        await at_most(6, [lambda each=each: shop.accept(each.prompt) for each in early[::2]])
        await shop.worker.run_for(timedelta(seconds=1), tick=timedelta(seconds=1))
        await at_most(6, [lambda each=each: shop.accept(each.prompt) for each in early[1::2]])
        await _only_the_believed_are_credited(shop, odd)
        row.counts["applied"] = 3 * count
        shop.script.codes = {each.prompt.checkout_id: "0" if each.is_paid else NOT_PAID for each in odd}
        await shop.worker.run_for(timedelta(hours=30))
        await _ended_as_m_pesa_said(shop, odd)
        disputed = [each.prompt.payment_id for each in odd if each.is_disputed]
        row.counts["unknown"] = len(disputed)
        await shop.sound(for_a_person=disputed)


async def _waited_for(shop: PromptShop, count: int) -> list[Odd]:
    """Make the prompts whose callback comes after hours: the push timed out, or a question said that nobody was reached."""
    lost = await at_most(8, [lambda: shop.prompt(accepted=False)] * count)
    doubt = DarajaUnknown("daraja.timed_out")
    for each in lost:
        await shop.trade.run(lambda uow, each=each: record_doubt(uow, each.payment_id, doubt))
    unreached = await shop.prompts(count)
    shop.script.codes = {each.checkout_id: "1037" for each in unreached}
    await shop.worker.run_for(timedelta(hours=4))
    states = dict(await shop.trade.rows("select id, status from payments where business_id = $1"))
    assert {states[each.payment_id] for each in lost} == {"unknown"}
    assert {states[each.payment_id] for each in unreached} == {"failed"}
    await shop.sound(for_a_person=[each.payment_id for each in lost])
    return [Odd("after a time-out", each, is_paid=True) for each in lost] + [
        Odd("after a failure", each, is_paid=True) for each in unreached
    ]


async def _fresh(shop: PromptShop, count: int) -> list[Odd]:
    early = await at_most(8, [lambda: shop.prompt(accepted=False)] * count)
    odd = [Odd("early", each, is_paid=True) for each in early]
    for case in DOUBTED:
        quantity = LARGE if case == "large" else 1
        prompts = await at_most(8, [lambda quantity=quantity: shop.prompt(quantity=quantity)] * count)
        odd += [Odd(case, each, is_paid=number % 2 == 0) for number, each in enumerate(prompts)]
    return odd


async def _call_back(shop: PromptShop, door: httpx2.AsyncClient, odd: list[Odd]) -> int:
    """Call back for every prompt through the door of the API; return how many were turned away."""
    strangers = [each.prompt.token for each in odd if each.case == "another's token"]
    tokens = dict(zip(strangers, strangers[1:] + strangers[:1], strict=True))
    nowhere = (f"{number:064x}" for number in itertools.count())

    async def call(each: Odd) -> int:
        prompt = each.prompt
        named = "ws_CO_of_somebody_else" if each.case == "other id" else prompt.checkout_id
        body = stk_callback(named, amount=f"{each.named_cents / 100:.2f}", receipt=prompt.receipt)
        token = next(nowhere) if each.case == "no such token" else tokens.get(prompt.token, prompt.token)
        shortcode = "600999" if each.case == "other short code" else SHORTCODE
        headers = {"content-type": "application/json", "businessshortcode": shortcode}
        answer = await door.post(f"/d/{token}/stk", content=body, headers=headers)
        assert answer.status_code == (404 if each.case == "no such token" else 200), answer.text
        return answer.status_code

    statuses = await at_most(8, [lambda each=each: call(each) for each in odd])
    refused = statuses.count(404)
    ((stored,),) = await shop.trade.rows("select count(*) from callback_inbox where business_id = $1")
    assert stored == len(odd) - refused
    return refused


async def _only_the_believed_are_credited(shop: PromptShop, odd: list[Odd]) -> None:
    rows = await shop.trade.rows("select id, status from payments where business_id = $1")
    state = dict(rows)
    credited = {each.case for each in odd if state[each.prompt.payment_id] == "succeeded"}
    left_out = [each for each in odd if each.case in BELIEVED and state[each.prompt.payment_id] != "succeeded"]
    assert (credited, left_out) == (set(BELIEVED), [])
    doubted = {each.prompt.payment_id for each in odd if each.case in DOUBTED}
    booked = await shop.trade.rows("select cause from postings where business_id = $1 and kind = 'payment.received'")
    assert doubted & {row[0] for row in booked} == set()


async def _ended_as_m_pesa_said(shop: PromptShop, odd: list[Odd]) -> None:
    rows = await shop.trade.rows(
        "select id, status, paid_cents, mpesa_receipt_number from payments where business_id = $1"
    )
    ended = {row[0]: row[1:] for row in rows}
    wrong = [(each, found) for each in odd if (found := ended[each.prompt.payment_id]) != each.wanted]
    assert wrong == []
    tray = await shop.trade.rows(
        """select payment_id, reason, amount_cents, state from unclaimed_money
        where business_id = $1 and reason <> 'sale_not_open'"""
    )
    assert sorted(tray, key=str) == sorted((place for each in odd for place in _places_in_the_tray(each)), key=str)


def _places_in_the_tray(odd: Odd) -> list[tuple[object, ...]]:
    if odd.case not in {"less", "more"}:
        return []
    named = (odd.prompt.payment_id, "amount_differs", odd.named_cents, "claimed" if odd.is_paid else "unclaimed")
    excess = odd.named_cents - PRICE
    return [named, (odd.prompt.payment_id, "overpaid", excess, "unclaimed")] if odd.is_paid and excess > 0 else [named]
