"""The answer to a push never comes: nothing is pushed again, and what became of it is found out or told to a person.

API, worker and simulator are processes; the pushes are counted where they arrive. M-Pesa takes a push and hangs, cuts the line
or answers with somebody's web page, or hangs and then takes nothing.
"""

from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from payme.features import tokens
from payme.runtime.database import Database, PoolLimits, UnitOfWork
from tests.fault_rows import FULL, FaultRow
from tests.faults.prompts import at_most
from tests.faults.settled import assert_nothing_left_waiting
from tests.invariants import assert_invariants
from tests.stack import Stack, StackShop, open_stack, until

PRICE = 15_000
pytestmark = [pytest.mark.faults, pytest.mark.timeout(1_800 if FULL else 180)]


@dataclass(frozen=True)
class Misfortune:
    """What happens to a push, the last digits of the phone that choose what the customer does, and how the payment ends."""

    fault: dict[str, Any]
    digits: str
    ends: tuple[str, int | None]
    is_persons: bool = False


HANG = {"kind": "hang", "seconds": 4}
MISFORTUNES = (
    Misfortune(HANG, "00", ("succeeded", PRICE)),
    Misfortune({"kind": "reset"}, "00", ("succeeded", PRICE)),
    Misfortune({"kind": "html", "after_accept": True}, "42", ("succeeded", PRICE)),
    # The callback names another amount: only an answer to a question settles it.
    Misfortune(HANG, "45", ("succeeded", PRICE - 100)),
    Misfortune(HANG, "32", ("failed", None)),
    # Paid, and nobody says so; or never taken, and nobody says so.
    Misfortune(HANG, "40", ("unknown", None), is_persons=True),
    Misfortune({**HANG, "after_accept": False}, "00", ("unknown", None), is_persons=True),
)


@dataclass(frozen=True)
class Pushed:
    """A sale whose push met a misfortune."""

    phone: str
    payment_id: UUID
    misfortune: Misfortune


@pytest.mark.fault_row(5)
async def test_a_push_without_an_answer_is_never_pushed_again(row: FaultRow, base_dsn: str, worker_name: str) -> None:
    count = row.size(35, 300)
    async with open_stack(base_dsn, f"extra_{worker_name}_unanswered") as stack:
        shop = await stack.make_shop(price_cents=PRICE, layers=((Decimal(2 * count), 10_000),))
        await stack.database.run(lambda uow: _grant(uow, count), business_id=shop.business_id)
        worker = Database(
            stack.dsn, role="payme_worker", wiring=stack.database.wiring, limits=PoolLimits(connections=1)
        )
        await worker.open()
        pushed = await at_most(6, [lambda number=number: _push(shop, number) for number in range(count)])
        await _ends(stack, shop, pushed)
        for_a_person = [each.payment_id for each in pushed if each.misfortune.is_persons]
        await assert_nothing_left_waiting(worker, shop.business_id, for_a_person=for_a_person)
        await _every_phone_rang_once(stack, pushed)
        row.counts.update(sent=count, unknown=len(for_a_person), applied=count - len(for_a_person))
        await _a_person_says_that_none_came(stack, shop, pushed)
        paid = [each.payment_id for each in pushed if each.misfortune.digits == "40"]
        await assert_nothing_left_waiting(worker, shop.business_id, for_a_person=paid)
        await _every_phone_rang_once(stack, pushed)
        await assert_invariants(worker, shop.business_id)
        await worker.close()


async def _push(shop: StackShop, number: int) -> Pushed:
    misfortune = MISFORTUNES[number % len(MISFORTUNES)]
    phone = f"25472{number:05d}{misfortune.digits}"
    await shop.stack.simulator.control.fault("stkpush", msisdn=phone, **misfortune.fault)
    sale = await shop.sell_by_prompt(phone, PRICE)
    return Pushed(phone, UUID(sale["payments"][0]["id"]), misfortune)


async def _ends(stack: Stack, shop: StackShop, pushed: list[Pushed]) -> None:
    """Wait until every payment has ended as it must, and everybody who had to hear of it has."""
    wanted = {each.payment_id: each.misfortune.ends for each in pushed}
    persons = [each.payment_id for each in pushed if each.misfortune.is_persons]

    async def settled() -> bool:
        stack.require_alive()
        await _no_phone_rang_twice(stack)
        rows = await shop.rows("select id, status, paid_cents, settlement from payments where business_id = $1")
        found = {row["id"]: (row["status"], row["paid_cents"]) for row in rows}
        decided = {each for each in persons if found[each][0] in {"failed", "expired", "succeeded"}}
        assert decided == set(), "nobody can know how these ended"
        is_heard = all(row["settlement"] for row in rows if row["status"] == "succeeded")
        return found == wanted and is_heard and await _sales(shop) == _sales_wanted(pushed)

    await until(settled, seconds=60 + len(pushed))


async def _sales(shop: StackShop) -> Counter[str]:
    rows = await shop.rows("select status, count(*) as count from sales where business_id = $1 group by 1")
    return Counter({row["status"]: row["count"] for row in rows})


def _sales_wanted(pushed: list[Pushed]) -> Counter[str]:
    ends = [each.misfortune.ends for each in pushed]
    done, failed = ends.count(("succeeded", PRICE)), sum(status == "failed" for status, _ in ends)
    return Counter(completed=done, payment_failed=failed, awaiting_payment=len(ends) - done - failed)


async def _pushes(stack: Stack) -> Counter[str]:
    """Return how many pushes arrived at M-Pesa for each phone."""
    return Counter(
        each["msisdn"] for each in await stack.simulator.control.transcript(event="request", product="stkpush")
    )


async def _every_phone_rang_once(stack: Stack, pushed: list[Pushed]) -> None:
    assert await _pushes(stack) == Counter(each.phone for each in pushed)


async def _no_phone_rang_twice(stack: Stack) -> None:
    twice = {phone for phone, times in (await _pushes(stack)).items() if times > 1}
    assert twice == set()


async def _a_person_says_that_none_came(stack: Stack, shop: StackShop, pushed: list[Pushed]) -> None:
    """Close what M-Pesa never took: refused while a prompt may still come, possible two minutes after the push."""
    lost = [each.payment_id for each in pushed if each.misfortune.is_persons and each.misfortune.digits == "00"]
    early = await shop.call("POST", f"/payments/{lost[0]}/no-prompt")
    assert (early.status_code, early.json()["code"]) == (409, "payments.prompt_may_still_come")
    await shop.rows(
        """update payments set sent_at = sent_at - interval '3 minutes' where business_id = $1 and id = any($2)""", lost
    )
    for payment_id in lost:
        assert (await shop.post(f"/payments/{payment_id}/no-prompt"))["status"] == "failed"
    sales = _sales_wanted(pushed)
    sales.update(payment_failed=len(lost), awaiting_payment=-len(lost))

    async def heard() -> bool:
        stack.require_alive()
        return await _sales(shop) == sales

    await until(heard)


async def _grant(uow: UnitOfWork, quantity: int) -> None:
    await tokens.grant(uow, quantity, reason="test")
