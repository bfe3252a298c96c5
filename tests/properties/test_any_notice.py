"""Anything at all at the doors for M-Pesa: it is stored or turned away, understood without raising, and credits nothing.

What is sent is drawn by Hypothesis: bytes, any JSON, and sound messages with parts changed, left out, doubled, in another order
or another shape. The sound ones name a stranger, another amount or another order, so that no change makes them worth anything.
"""

import json
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import httpx2
import pytest
import pytest_asyncio
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from payme.features.payments import ConfigureMethod, configure_method
from payme.features.payments.services.ask_status import begin_asking_about_receipt
from payme.features.payments.services.handle_callback import handle_callback
from payme.runtime.settings import Settings
from tests.application import client_of, make_application
from tests.fault_rows import FULL, FaultRow
from tests.faults.mpesa import Money, operation_result
from tests.faults.payouts import agree, asked_for
from tests.faults.prompts import PULLED, PromptShop, at_most, open_prompt_shop
from tests.payment_room import SETTINGS, a_receipt, stk_callback
from tests.unit.daraja.json_values import VALUES, any_json

STRANGER = "2541 ***** 999"
HOSTILE = st.one_of(
    VALUES,
    st.sampled_from(
        [10**400, -(10**30), float("nan"), float("inf"), "\x00", "\ud800", "9" * 5_000, [[[]]], {"": {"": None}}]
    ),
)
pytestmark = [pytest.mark.faults, pytest.mark.timeout(1_800 if FULL else 120)]


def changed(sound: Any) -> st.SearchStrategy[Any]:
    """Return variants of a message: at every level parts are changed, left out, added, doubled and put in another order."""
    if isinstance(sound, dict):
        parts = [
            st.one_of(st.just((key, each)), changed(each).map(lambda new, key=key: (key, new)))
            for key, each in sound.items()
        ]
        whole = st.tuples(*parts).flatmap(st.permutations).map(dict)
        fewer = st.tuples(*parts).flatmap(lambda all_: st.lists(st.sampled_from(all_), max_size=len(all_))).map(dict)
        more = st.tuples(whole, st.dictionaries(st.text(max_size=6), HOSTILE, max_size=3)).map(
            lambda both: {**both[1], **both[0]}
        )
        return st.one_of(whole, fewer, more, st.just([sound, sound]), HOSTILE)
    if isinstance(sound, list):
        return st.one_of(
            st.permutations(sound),
            st.sampled_from(sound),
            st.lists(st.one_of(st.sampled_from(sound), HOSTILE), max_size=6),
        )
    return st.one_of(st.just(sound), HOSTILE)


def bodies_like(sound: bytes, count: int, start: int) -> list[bytes]:
    """Draw so many bodies for a door whose sound message is this one."""
    message, drawn = json.loads(sound), list[bytes]()
    names = sorted({*message, "Result", "Body", "stkCallback", "TransID", "TransAmount", "ResultCode"})
    as_bytes = st.one_of(changed(message), changed(message), any_json(names)).map(
        lambda value: json.dumps(value).encode()
    )
    torn = st.integers(0, len(sound)).map(lambda at: sound[:at])

    @seed(start)
    @settings(
        max_examples=count,
        database=None,
        phases=[Phase.generate],
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
    )
    @given(st.one_of(as_bytes, as_bytes, torn, st.binary(max_size=300)))
    def draw(body: bytes) -> None:
        drawn.append(body)

    draw()
    return drawn


@dataclass(frozen=True)
class Doors:
    """A shop with something to be told about, the API before it, and the sound message of each address."""

    shop: PromptShop
    client: httpx2.AsyncClient
    sound: dict[str, bytes]


@pytest_asyncio.fixture
async def doors(make_database: Callable[..., Awaitable[str]]) -> AsyncIterator[Doors]:
    dsn = await make_database()
    async with open_prompt_shop(dsn) as shop:
        strict = ConfigureMethod.model_validate(PULLED | {"strict_references": True})
        await shop.trade.run(lambda uow: configure_method(uow, "paybill", strict))
        confirm = httpx2.URL(await shop.be_told()).path
        application = make_application(Settings.from_values(SETTINGS | {"DATABASE_URL": dsn}), shop.trade.database)
        async with client_of(application, None) as client:
            prompt, order, question = await shop.prompt(), await ordered(shop), await asked(shop)
            notice = Money(a_receipt(), 77_700, STRANGER, shop.clock.now(), "nobody").notice()
            strange = operation_result("pm-of-somebody-else", TransactionAmount=2_500, TransactionReceipt=a_receipt())
            status = operation_result(
                "q",
                TransactionStatus="Completed",
                Amount="777.00",
                ReceiptNo=a_receipt(),
                CreditPartyName="600999 - OTHER",
            )
            yield Doors(shop, client, {
                f"/d/{prompt.token}/stk": stk_callback(prompt.checkout_id, amount="777.00"),
                confirm: notice, confirm.replace("confirm", "validate"): notice,
                order: strange, order.replace("result", "timeout"): strange, question: status,
            })  # fmt: skip


async def ordered(shop: PromptShop) -> str:
    """Have a person's payment ordered and accepted; return where its result goes."""
    await agree(shop, await asked_for(shop))
    await shop.worker.run_for(timedelta(seconds=2), tick=timedelta(seconds=1))
    return httpx2.URL(shop.script.orders[0]["ResultURL"]).path


async def asked(shop: PromptShop) -> str:
    """Have a question asked about a cashier's claim; return where its answer goes."""
    tender = {
        "method": "mpesa_claim",
        "amount_cents": 15_000,
        "mpesa_receipt_number": a_receipt(),
        "channel": "paybill",
    }
    claim = (await shop.trade.sell(shop.product, tenders=[tender])).payments[0]
    errand = await shop.trade.run(lambda uow: begin_asking_about_receipt(uow, "claim", claim.id))
    assert errand is not None, "the channel of a claim can be asked"
    return f"/d/{errand.token}/result"


@pytest.mark.fault_row(31)
async def test_whatever_comes_is_understood_and_credits_nothing(doors: Doors, row: FaultRow) -> None:
    shop, count = doors.shop, row.size(40, 400)
    for number, (url, sound) in enumerate(doors.sound.items()):
        bodies = [sound, *bodies_like(sound, count, row.seed + number)]
        answers = await at_most(8, [partial(doors.client.post, url, content=body) for body in bodies])
        failed = [
            (body[:200], answer.text) for body, answer in zip(bodies, answers, strict=True) if answer.status_code != 200
        ]
        assert failed == []
        row.counts["sent"] += len(bodies)
    stored = await shop.trade.rows("select id from callback_inbox where business_id = $1 and state = 'received'")
    row.counts["stored"] = len(stored)
    assert len(stored) >= count * (len(doors.sound) - 1), "all but what is asked before a payment is stored"
    faults = await at_most(6, [partial(_understand, shop, inbox_id) for (inbox_id,) in stored])
    assert [each for each in faults if each] == []
    states = Counter(row[0] for row in await shop.trade.rows("select state from callback_inbox where business_id = $1"))
    assert set(states) == {"handled", "malformed", "ignored"}, states
    row.counts.update(states)
    assert await shop.trade.rows(
        "select method, verdict from payments where business_id = $1 and status = 'succeeded'"
    ) == [("mpesa_claim", "waiting")]
    assert (
        await shop.trade.rows(
            "select state from payouts where business_id = $1 and state not in ('pending', 'unknown')"
        )
        == []
    )
    books = await shop.trade.balances()
    assert (books.get("payments_held", 0), books.get("mpesa_paid_out", 0)) == (0, 0)
    assert books["mpesa"] == -books["mpesa_unclaimed"]
    lying = await shop.trade.value("select sum(amount_cents)::bigint from unclaimed_money where business_id = $1")
    assert books["mpesa"] == lying
    await shop.sound()


async def _understand(shop: PromptShop, inbox_id: UUID) -> str:
    """Understand a stored message; return what was raised, with the message, where anything was."""
    try:
        await shop.trade.run(lambda uow: handle_callback(uow, inbox_id))
    except Exception as fault:
        body = await shop.trade.rows("select body from callback_inbox where business_id = $1 and id = $2", inbox_id)
        return f"{fault!r} of {body[0][0][:400]!r}"
    return ""
