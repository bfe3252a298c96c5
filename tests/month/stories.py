"""What people do in a shop: a story a sale, from the cart until nobody thinks of it any more. Waits are in seconds.

Invariant: a story does what a person at a till can do and knows what such a person can see; only the simulator knows the truth.
"""

from collections.abc import AsyncGenerator, Callable
from typing import Any, Final

from tests.month.scale import REFUNDS
from tests.month.trade import Trade

Story = AsyncGenerator[float, None]
MINUTE, HOUR = 60.0, 3600.0
_OVER: Final = frozenset({"completed", "cancelled", "partly_refunded", "refunded"})
_PROMPT_REFUSALS: Final = ("payments.prompt_open",)
_CLAIM_REFUSALS: Final = (
    "payments.prompt_may_own_it", "payments.already_claimed", "payments.receipt_used", "payments.claim_limit",
    "payments.receipt_amount_differs", "payments.not_verified_yet", "payments.money_in_dispute",
)  # fmt: skip


def cash(amount_cents: int) -> dict[str, Any]:
    return {"method": "cash", "amount_cents": amount_cents}


def stk(amount_cents: int, phone: str) -> dict[str, Any]:
    return {"method": "mpesa_stk", "amount_cents": amount_cents, "phone": phone}


async def by_cash(trade: Trade) -> Story:
    """Pay with coins and notes."""
    lines, total = trade.cart()
    answer = await trade.sell(lines, cash(total))
    assert answer.status_code == 201, answer.text
    async for wait in _perhaps_back(trade, answer.json()["id"], ["cash"]):
        yield wait


async def by_prompt(trade: Trade) -> Story:
    """Ask a phone, and see a few minutes later what came of it."""
    lines, total = trade.cart()
    answer = await trade.sell(lines, stk(total, trade.phone()))
    assert answer.status_code == 201, answer.text
    async for wait in _until_paid(trade, answer.json()["id"]):
        yield wait


async def by_both(trade: Trade) -> Story:
    """Pay a part in cash and the rest by a prompt."""
    lines, total = trade.cart()
    part = total // 2 // 1_000 * 1_000 or 1_000
    answer = await trade.sell(lines, cash(part), stk(total - part, trade.phone()))
    assert answer.status_code == 201, answer.text
    async for wait in _until_paid(trade, answer.json()["id"]):
        yield wait


async def named(trade: Trade) -> Story:
    """Refuse a prompt, and pay by hand with the number of the receipt as the account."""
    lines, total = trade.cart()
    answer = await trade.sell(lines, stk(total, trade.phone("32")))
    assert answer.status_code == 201, answer.text
    sale = answer.json()
    yield 3 * MINUTE
    await trade.pay_by_hand(total, reference=(await trade.sale(sale["id"]))["receipt_number"].lower())
    async for wait in _until_paid(trade, sale["id"]):
        yield wait


async def fetched(trade: Trade) -> Story:
    """Have a prompt fail, pay from somebody else's phone, and have the cashier find it in the tray."""
    lines, total = trade.cart()
    answer = await trade.sell(lines, stk(total, trade.phone("37")))
    assert answer.status_code == 201, answer.text
    sale_id = answer.json()["id"]
    yield 4 * MINUTE
    receipt = await trade.pay_by_hand(total)
    for pause in (2 * MINUTE, 2 * HOUR):
        yield pause
        if receipt is None or await _fetch(trade, sale_id, receipt):
            break
    async for wait in _until_paid(trade, sale_id):
        yield wait


async def moved_phone(trade: Trade) -> Story:
    """Refuse a prompt, and pay by hand from the same phone, naming nothing."""
    lines, total = trade.cart()
    phone = trade.phone("32")
    answer = await trade.sell(lines, stk(total, phone))
    assert answer.status_code == 201, answer.text
    yield 5 * MINUTE
    await trade.pay_by_hand(total, phone=phone)
    async for wait in _until_paid(trade, answer.json()["id"]):
        yield wait


async def by_claim(trade: Trade) -> Story:
    """Pay by hand and show the SMS; now and then the code is one that nobody paid, or one that was shown before."""
    lines, total = trade.cart()
    receipt: str | None = _invented(trade)
    if trade.chance(0.97):
        receipt = await trade.pay_by_hand(total)
    else:
        trade.notes.done["claims of nothing"] += 1
    yield float(trade.dice.choice((2, 40)))
    claim = {
        "method": "mpesa_claim",
        "amount_cents": total,
        "mpesa_receipt_number": receipt,
        "channel": trade.shop.kind,
    }
    answer = await trade.sell(lines, claim if receipt else cash(total))
    if trade.refused(answer, *_CLAIM_REFUSALS):
        answer = await trade.sell(lines, cash(total))
    elif receipt and trade.chance(0.05):
        again = await trade.sell(lines, claim)
        assert trade.refused(again, "payments.receipt_used", "payments.already_claimed"), again.text
        trade.notes.done["claims of a code again"] += 1
    async for wait in _perhaps_back(trade, answer.json()["id"], ["cash"]):
        yield wait


async def stray(trade: Trade) -> Story:
    """Pay by mistake; sometimes it is asked back, and the manager agrees or does not."""
    receipt = await trade.pay_by_hand(
        trade.dice.randint(5, 400) * 1_000, reference=trade.dice.choice(("", "SHULE", "A1"))
    )
    if receipt is None or trade.chance(0.3):
        return
    yield trade.dice.uniform(5 * MINUTE, 20 * HOUR)
    row = await _in_tray(trade, receipt)
    if row is None:
        return
    await _payout_trouble(trade, "reversal", None)
    answer = await trade.shop.call("POST", f"/unclaimed/{row['id']}/return", {"reason": "Sent by mistake"})
    if trade.refused(answer, "payments.prompt_may_own_it", "payments.already_claimed", "payments.not_verified_yet"):
        return
    trade.notes.done["returns asked for"] += 1
    yield 10 * MINUTE
    decision = "approve" if trade.chance(0.85) else "reject"
    decided = await trade.shop.decide(f"/payouts/{answer.json()['id']}", decision)
    assert decided.is_success, decided.text


async def paid(trade: Trade) -> Story:
    """Pay something that nobody asks for."""
    await trade.pay_by_hand(trade.dice.randint(5, 40) * 1_000)
    for wait in ():
        yield wait


async def owed(trade: Trade) -> Story:
    """Buy on credit, and repay in parts: asked by a prompt, or by hand under the account's code; now and then it is taken back."""
    lines, total = trade.cart()
    account = await trade.borrower(total)
    tender = {"method": "credit", "amount_cents": total, "credit_account_id": account["id"]}
    answer = await trade.sell(lines, tender)
    assert answer.status_code == 201, answer.text
    first = total // 2 // 1_000 * 1_000 or 1_000
    for part in (first, total - first):
        yield trade.dice.uniform(1 * HOUR, 12 * HOUR)
        if trade.chance(0.5):
            trade.refused(await trade.ask_debtor(account, part), *_PROMPT_REFUSALS, "credit.more_than_owed")
            continue
        receipt = await trade.pay_by_hand(part, reference=account["code"] if trade.shop.kind == "paybill" else "")
        trade.notes.done["debts paid by hand"] += 1
        yield 2 * HOUR
        row = await _in_tray(trade, receipt) if receipt else None
        if row is not None:
            claim = {"unclaimed_id": row["id"]}
            answer = await trade.shop.call("POST", f"/credit-accounts/{account['id']}/claims", claim)
            trade.notes.done["debts paid from the tray"] += not trade.refused(answer, *_CLAIM_REFUSALS)
    yield 1 * HOUR
    statement = await trade.shop.get(f"/credit-accounts/{account['id']}/statement")
    repaid = [each["cause"] for each in statement["entries"] if each["kind"] == "repayment"]
    trade.notes.done["debts lowered by M-Pesa"] += len(repaid)
    if repaid and trade.chance(0.2):
        path = f"/credit-accounts/{account['id']}/repayments/{repaid[-1]}/take-back"
        back = await trade.shop.call("POST", path, {"reason": "Sent by somebody else"})
        assert back.is_success, back.text
        trade.notes.done["repayments taken back"] += 1


STORIES: Final[dict[str, Callable[[Trade], Story]]] = {
    "cash": by_cash,
    "prompt": by_prompt,
    "split": by_both,
    "named": named,
    "fetched": fetched,
    "moved_phone": moved_phone,
    "claim": by_claim,
    "stray": stray,
    "paid": paid,
    "owed": owed,
}


async def _until_paid(trade: Trade, sale_id: str) -> Story:
    """Look after a sale until it is over, or the customer has gone: other money, another prompt, or cancelled."""
    for pause in (3 * MINUTE, 4 * MINUTE, 15 * MINUTE, 3 * HOUR):
        yield pause
        sale = await trade.sale(sale_id)
        if sale["status"] in _OVER:
            break
        if sale["status"] == "awaiting_payment" and not sale["paid_cents"]:
            continue
        await _go_on(trade, sale)
    if sale["status"] == "completed":
        methods = [each["method"] for each in sale["payments"] if each["settlement"] == "applied"]
        async for wait in _perhaps_back(trade, sale_id, methods):
            yield wait


async def _go_on(trade: Trade, sale: Any) -> None:
    due, path = sale["total_cents"] - sale["paid_cents"], f"/sales/{sale['id']}"
    what = trade.dice.choices(("cash", "cancel", "again", "leave"), weights=(45, 25, 20, 10))[0]
    if what == "cash":
        answer = await trade.pay(sale["id"], cash(due))
        refused = trade.refused(answer, "sales.prompt_out", "sales.not_open", "sales.tenders_differ")
        trade.notes.done["paid in cash after all"] += not refused
    elif what == "cancel":
        answer = await trade.shop.call("POST", f"{path}/cancel")
        refused = trade.refused(answer, "sales.prompt_out", "sales.not_open")
        trade.notes.done["cancelled"] += not refused
    elif what == "again":
        answer = await trade.pay(sale["id"], stk(due, trade.phone()))
        trade.refused(answer, "sales.prompt_out", "sales.not_open", *_PROMPT_REFUSALS)


async def _perhaps_back(trade: Trade, sale_id: str, methods: list[str]) -> Story:
    """Now and then bring something back, hours later."""
    if not trade.chance(REFUNDS):
        return
    yield trade.dice.uniform(10 * MINUTE, 30 * HOUR)
    sale = await trade.sale(sale_id)
    if sale["status"] != "completed":
        return
    method = "mpesa" if "mpesa_stk" in methods and trade.chance(0.7) else "cash"
    if method == "mpesa":
        phones = [trade.notes.phones.get(each["id"], "") for each in sale["payments"]]
        await _payout_trouble(trade, "b2c", next(filter(None, phones), None))
    line = {"sale_line_id": sale["lines"][0]["id"], "quantity": "1", "restock": trade.chance(0.8)}
    answer = await trade.shop.call(
        "POST", f"/sales/{sale_id}/refunds", {"lines": [line], "method": method, "reason": "Torn"}
    )
    if not trade.refused(answer, "sales.mpesa_paid_less", "payments.money_in_dispute", "sales.refund_too_much"):
        trade.notes.done[f"refunds by {method}"] += 1


async def _payout_trouble(trade: Trade, product: str, phone: str | None) -> None:
    """Order what goes wrong with a payout; one that names no phone is struck where it comes first."""
    kinds = {"": 60, "result": 12, "queue_timeout": 8, "lost": 8, "twice": 5, "reset": 4, "busy": 3}
    kind = trade.dice.choices(list(kinds), weights=list(kinds.values()))[0]
    if kind:
        trade.notes.done[f"payout {kind}"] += 1
        await trade.provider.fault(product, kind, msisdn=phone, code="2040", seconds=trade.dice.randint(20, 4_000))


async def _in_tray(trade: Trade, receipt: str) -> Any:
    rows = (await trade.shop.get(f"/unclaimed?search={receipt}"))["data"]
    return next((each for each in rows if each["mpesa_receipt_number"] == receipt), None)


async def _fetch(trade: Trade, sale_id: str, receipt: str) -> bool:
    row = await _in_tray(trade, receipt)
    if row is None:
        return False
    answer = await trade.shop.call("POST", f"/unclaimed/{row['id']}/claim", {"purpose": "sale", "purpose_id": sale_id})
    if not trade.refused(answer, *_CLAIM_REFUSALS, "sales.not_open"):
        trade.notes.done["fetched from the tray"] += 1
    return True


def _invented(trade: Trade) -> str:
    letters = "ABCDEFGHJKLMNPQRSTUVWXYZ0123456789"
    return "UJ1" + "".join(trade.dice.choices(letters, k=7))
