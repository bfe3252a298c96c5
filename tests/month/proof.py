"""The proof at the month's end: every shilling that the simulator moved against what the shops say of it, to the cent.

The simulator's ledger is the truth. A receipt belongs to the shop of its short code, once, with its whole amount; a prompt holds
money only of the phone that it went to; nothing stays open that nobody comes for.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from payme.features.payments.services.read_payouts import list_payouts
from tests.faults.settled import left_waiting
from tests.month.ground import Ground
from tests.month.money import Fate, ShopMoney
from tests.month.shops import TownShop
from tests.month.trade import Notes

NAIROBI: Final = ZoneInfo("Africa/Nairobi")
_PROMPTED: Final = frozenset({"Pay Bill Online", "Merchant Payment Online"})
_MANY: Final = 1_000
_BY_PERSON: Final = "payment that nobody asks about"
_COUNTS: Final = """select 'late successes' as what, count(*) from payments where business_id = $1 and late
  union all select 'prompts ' || status, count(*) from payments where business_id = $1 and method = 'mpesa_stk' group by status
  union all select 'evidence ' || effect, count(*) from payment_evidence where business_id = $1 group by effect
  union all select 'told by ' || source, count(*) from payment_evidence where business_id = $1 group by source
  union all select 'claims ' || verdict, count(*) from payments where business_id = $1 and verdict is not null group by verdict
  union all select 'tray ' || state, count(*) from unclaimed_money where business_id = $1 group by state
  union all select 'payouts ' || kind || ' ' || state, count(*) from payouts where business_id = $1 group by kind, state
  union all select 'refunds ' || method || ' ' || state, count(*) from refunds where business_id = $1 group by method, state
  union all select 'sales ' || status, count(*) from sales where business_id = $1 group by status"""
_OWNERLESS: Final = """with jobs as materialized (
    select entrypoint, convert_from(payload, 'UTF8')::jsonb as facts from pgqueuer where status in ('queued', 'picked'))
  select 'payout that nobody asks about: ' || p.state || ' ' || p.id as what from payouts p
  where p.business_id = $1 and p.state in ('approved', 'sending', 'pending', 'unknown')
    and p.id <> all($2::uuid[]) and not exists (select from jobs where facts ->> 'payout_id' = p.id::text)
  union all
  select 'refund without its payout: ' || r.id from refunds r
  where r.business_id = $1 and r.state = 'pending' and not exists (
    select from payouts p where p.business_id = $1 and p.purpose_id = r.id and p.state in ('approved', 'sending', 'pending', 'unknown'))
  union all
  select 'claim that nobody decides: ' || id from payments where business_id = $1 and verdict = 'waiting'"""


@dataclass
class Proof:
    """What was found; `by_day` is what became of the money of each day of the calendar, `by_shortcode` of each short code."""

    violations: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    by_day: dict[str, Fate] = field(default_factory=dict)
    by_shortcode: dict[str, dict[str, int]] = field(default_factory=dict)


async def prove(ground: Ground, shops: Sequence[TownShop], notes: Notes) -> Proof:
    """Hold every shop against the simulator's ledger."""
    moved = (await ground.provider.ledger())["movements"]
    proof = Proof()
    for shop in shops:
        money = await ShopMoney.read(ground.behind, shop.business_id)
        came = [each for each in moved if _customer_paid(each, shop)]
        left = [each for each in moved if each["debit"]["holder"] == shop.shortcode]
        for wrong in (
            *_receipts(shop, money, came, notes),
            *_payouts(money, left),
            *_sums(shop, money, came, left, proof),
        ):
            proof.violations.append(f"{shop.shortcode}: {wrong}")
        for each in came:
            _note_day(proof, each, money)
        await _look_for_the_open(ground, shop, proof)
        await _count(ground, shop, proof)
    return proof


def _customer_paid(movement: Any, shop: TownShop) -> bool:
    return movement["credit"]["holder"] == shop.shortcode and movement["debit"]["account"] == "Wallet"


def _receipts(shop: TownShop, money: ShopMoney, came: Sequence[Any], notes: Notes) -> Iterable[str]:
    """Compare receipt by receipt: amount, short code, and whose phone a prompt's money came from."""
    paid = {each["receipt"]: each for each in came}
    for invented in money.holders.keys() - paid.keys():
        yield f"{invented} is booked and was never paid"
    for receipt, movement in paid.items():
        amount_cents = movement["amount_cents"]
        if receipt not in money.holders:
            yield f"{receipt}: {amount_cents} cents of {movement['debit']['holder']} are booked nowhere"
            continue
        told = money.evidence.get(receipt)
        if told is None or (told["least"], told["most"]) != (amount_cents, amount_cents):
            yield f"{receipt}: {amount_cents} cents were paid, and the evidence says {dict(told) if told else None}"
        if (fate := money.fate_of(receipt)).total != amount_cents:
            yield f"{receipt}: {amount_cents} cents were paid, and they are {fate}"
        if money.holders[receipt]["shortcode"] not in {shop.shortcode, shop.number}:
            yield f"{receipt}: booked for {money.holders[receipt]['shortcode']}"
    for payment in money.payments.values():
        yield from _prompt(payment, paid, notes)


def _prompt(payment: Any, paid: Mapping[str, Any], notes: Notes) -> Iterable[str]:
    if payment["method"] != "mpesa_stk" or payment["status"] != "succeeded":
        return
    movement = paid.get(payment["receipt"] or "")
    phone = notes.phones.get(str(payment["id"]))
    if movement is None:
        yield f"prompt {payment['id']} has succeeded without money: receipt {payment['receipt']}"
    elif movement["debit"]["holder"] != phone:
        yield f"prompt {payment['id']} to {phone} holds {payment['receipt']} of {movement['debit']['holder']}"


def _payouts(money: ShopMoney, left: Sequence[Any]) -> Iterable[str]:
    """Compare by receipt; what M-Pesa told of as reversed alone has no receipt of its own, and is compared by amount."""
    succeeded = [each for each in money.payouts if each["state"] == "succeeded"]
    truly = {each["receipt"]: each["amount_cents"] for each in left}
    told = {each["receipt"]: each["amount_cents"] for each in succeeded if each["receipt"]}
    nameless = Counter(each["amount_cents"] for each in succeeded if not each["receipt"])
    for receipt in truly.keys() | told.keys():
        if receipt not in told and nameless[truly[receipt]]:
            nameless[truly[receipt]] -= 1
        elif truly.get(receipt) != told.get(receipt):
            yield f"payout {receipt}: {truly.get(receipt)} cents left, and the shop says {told.get(receipt)}"
    for amount_cents in nameless.elements():
        yield f"a payout of {amount_cents} cents without a receipt has succeeded, and nothing left"


def _sums(shop: TownShop, money: ShopMoney, came: Sequence[Any], left: Sequence[Any], proof: Proof) -> Iterable[str]:
    """Compare the sums of the short code, each counted in a way of its own."""
    fate = money.all_of_it()
    evidence = sum(each["most"] for each in money.evidence.values())
    truth = sum(each["amount_cents"] for each in came)
    proof.by_shortcode[shop.shortcode] = {
        "paid": truth, "evidence": evidence, "applied": fate.applied, "unclaimed": fate.unclaimed, "returned": fate.returned,
        "left": sum(each["amount_cents"] for each in left), "balance": money.balance_cents,
    }  # fmt: skip
    if not truth == evidence == fate.total:
        yield f"{truth} cents were paid, the evidence says {evidence}, and {fate.total} are somewhere: {fate}"
    if money.balance_cents != truth - proof.by_shortcode[shop.shortcode]["left"]:
        yield f"the books hold {money.balance_cents} cents: {proof.by_shortcode[shop.shortcode]}"


def _note_day(proof: Proof, movement: Any, money: ShopMoney) -> None:
    day = datetime.fromisoformat(movement["at"]).astimezone(NAIROBI).date().isoformat()
    fate = money.fate_of(movement["receipt"]) if movement["receipt"] in money.holders else Fate()
    proof.by_day[day] = proof.by_day.get(day, Fate()) + fate
    proof.counts["paid by prompt" if movement["reason"] in _PROMPTED else "paid by hand"] += 1


async def _look_for_the_open(ground: Ground, shop: TownShop, proof: Proof) -> None:
    theirs = await _left_to_a_person(ground, shop)
    proof.counts["payouts left to a person"] += len(theirs)
    for each in await left_waiting(ground.behind, shop.business_id, for_a_person=theirs):
        if each.startswith(_BY_PERSON):
            # Not a violation by itself: the list of unsettled payments shows it with a reason, or there is a second line.
            proof.counts["payments left to a person"] += 1
        else:
            proof.violations.append(f"{shop.shortcode}: {each}")
    rows = await ground.behind.run(
        lambda uow: uow.fetch(_OWNERLESS, shop.business_id, theirs), business_id=shop.business_id, read_only=True
    )
    proof.violations += [f"{shop.shortcode}: {row['what']}" for row in rows]


async def _left_to_a_person(ground: Ground, shop: TownShop) -> list[UUID]:
    """Return the payouts that the shop's own list shows as somebody's to decide."""
    found = await ground.behind.run(
        lambda uow: list_payouts(uow, None, _MANY, state=None, left_to_person=True),
        business_id=shop.business_id,
        read_only=True,
    )
    assert len(found) < _MANY, "the list is whole"
    return [each.id for each in found]


async def _count(ground: Ground, shop: TownShop, proof: Proof) -> None:
    rows = await ground.behind.run(
        lambda uow: uow.fetch(_COUNTS, shop.business_id), business_id=shop.business_id, read_only=True
    )
    for row in rows:
        proof.counts[row["what"]] += row["count"]
