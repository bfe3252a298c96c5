"""The prompts on people's phones, from the accepted push to its result.

Lives here: opening, answering, expiry, settlement against the ledger. Does not live here: HTTP, the callback's body.
Invariant: a phone has at most one open prompt, and a prompt gets exactly one result.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from payme_sim import outcomes
from payme_sim.daraja.stk_callback import stk_callback
from payme_sim.faults import FaultKind, Product
from payme_sim.ledger import PaymentRefused
from payme_sim.movements import WALLET, Movement, Order, Place
from payme_sim.outcomes import PAID, Delivery, Outcome, other_amount
from payme_sim.transcript import Event

if TYPE_CHECKING:
    from payme_sim.apps import ShortCode
    from payme_sim.c2b import C2b
    from payme_sim.clock import Timer
    from payme_sim.parts import Parts
    from payme_sim.settings import Settings

LONGEST_PROMPT_TEXT = 182
_FASTEST_SECONDS, _SLOWEST_SECONDS = 1.0, 3.0


class SubscriberLocked(Exception):
    """The phone still has an open prompt."""


class PromptClosed(Exception):
    """The prompt has been answered or has expired."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PushOrder:
    """An accepted request for a prompt; `amount` in whole shillings, `refused_with` set when no prompt can come of it."""

    shortcode: ShortCode
    phone: str
    payer: str
    amount: int
    reference: str
    callback_url: str
    refused_with: str | None = None


@dataclass(slots=True, kw_only=True)
class Push:
    """One prompt; `query_says` is the result code a query gets, None while the prompt is open."""

    id: str
    merchant_request_id: str
    checkout_request_id: str
    shortcode: ShortCode
    phone: str
    payer: str
    amount: int
    reference: str
    callback_url: str
    opened_at: datetime
    expires_at: datetime
    outcome: Outcome | None
    ignored: bool = False
    closed_at: datetime | None = None
    query_says: str | None = None
    result_code: str | None = None
    result_text: str | None = None
    payment: Movement | None = None
    timer: Timer | None = field(default=None, repr=False)

    @property
    def is_open(self) -> bool:
        """Tell whether the phone is still asking."""
        return self.closed_at is None

    @property
    def text(self) -> str:
        """Spell the question the phone asks."""
        account = f" account no. {self.reference}" if self.shortcode.till_number is None else ""
        return f"Do you want to pay KES {self.amount:,} to {self.shortcode.name}{account}?"


class Prompts:
    """Every prompt of this run, and what becomes of it."""

    def __init__(self, parts: Parts, c2b: C2b) -> None:
        """Begin with no prompts; what is paid is also told to the URLs that `c2b` holds."""
        self._clock = parts.clock
        self._dice = parts.dice
        self._ledger = parts.ledger
        self._faults = parts.faults
        self._courier = parts.courier
        self._transcript = parts.transcript
        self._settings = parts.settings
        self._c2b = c2b
        self.by_checkout_id: dict[str, Push] = {}
        self._latest: dict[str, Push] = {}

    def open(self, order: PushOrder, settings: Settings) -> Push:
        """Show a prompt, or begin the outcome its number stands for.

        Raises: SubscriberLocked; nothing has happened then.
        """
        latest = self._latest.get(order.phone)
        if latest is not None and latest.is_open:
            raise SubscriberLocked
        push = self._new_push(order, settings)
        self.by_checkout_id[push.checkout_request_id] = self._latest[push.phone] = push
        outcome = push.outcome
        if outcome is None or outcome.shown:
            self._record(Event.PROMPT_SHOWN, push, text=push.text)
        if outcome is None:
            push.timer = self._clock.call_at(push.expires_at, lambda: self._expire(push, settings))
        elif outcome.delivery is not Delivery.BEFORE_ANSWER:
            push.timer = self._clock.call_after(
                self._answer_seconds(outcome, settings), lambda: self.decide(push, outcome.code, settings=settings)
            )
        return push

    async def answer(self, push: Push, *, action: str, pin: str, settings: Settings) -> None:
        """Let the person at the phone type a PIN (`pin`), cancel, or ignore the prompt.

        Raises: PromptClosed.
        """
        if not push.is_open:
            raise PromptClosed
        self._record(Event.PROMPT_ANSWERED, push, action=action)
        if action == "ignore":
            push.ignored = True
            self._wait_until_expiry(push, settings)
        elif action == "cancel":
            await self.decide(push, outcomes.CANCELLED, settings=settings)
        elif pin == self._ledger.wallet(push.payer).pin:
            await self.decide(push, PAID, settings=settings)
        else:
            await self.decide(push, outcomes.WRONG_PIN, settings=settings)

    async def decide(self, push: Push, code: str, *, settings: Settings) -> None:
        """Close a prompt with this result, moving the money when it is paid; does nothing to a closed prompt."""
        if not push.is_open:
            return
        if push.timer is not None:
            push.timer.cancelled = True
        push.closed_at = self._clock.now()
        outcome = push.outcome
        if code == PAID and outcome and outcome.delivery is Delivery.AFTER_FAILURE:
            push.query_says = outcome.query_says
            seconds = outcome.callback_seconds * settings.callback_scale
            self._record(Event.CALLBACK_SCHEDULED, push, in_seconds=seconds, query_says=push.query_says)
            self._clock.call_after(seconds, lambda: self._finish(push, PAID))
        else:
            await self._finish(push, code)

    async def _finish(self, push: Push, code: str) -> None:
        if code == PAID:
            code = self._settle(push)
        push.result_code = push.query_says = code
        receipt = push.payment.receipt if push.payment else None
        self._record(Event.RESULT, push, result_code=code, receipt=receipt)
        delivery = push.outcome.delivery if push.outcome and push.payment else Delivery.ONCE
        telling = [self._courier.dispatch(stk_callback(push), delivery)]
        if push.payment and self._settings.stk_fires_c2b:
            confirming = self._c2b.confirm(push.payment, push.shortcode)
            telling.insert(0 if self._settings.stk_confirmation_first else 1, confirming)
        for each in telling:
            await each

    def _settle(self, push: Push) -> str:
        """Move the money and return the result code."""
        amount = push.amount
        fault = self._faults.take(Product.CALLBACK, push.phone, kinds={FaultKind.OTHER_AMOUNT})
        if fault is not None:
            amount = fault.amount or other_amount(amount)
        elif push.outcome and push.outcome.amount_differs:
            amount = other_amount(amount)
        order = Order(
            debit=Place(push.payer, WALLET),
            credit=push.shortcode.receiving_place,
            amount_cents=amount * 100,
            reason=push.shortcode.prompted_reason,
            reference=push.reference,
            party=self._ledger.wallet(push.payer).name,
        )
        try:
            push.payment = self._ledger.move(order, started_at=push.opened_at)
        except PaymentRefused as refusal:
            return refusal.code
        return PAID

    async def _expire(self, push: Push, settings: Settings) -> None:
        if settings.unanswered_code == outcomes.UNREACHABLE:
            push.result_text = "No response from user."
        await self.decide(push, settings.unanswered_code, settings=settings)

    def _wait_until_expiry(self, push: Push, settings: Settings) -> None:
        if push.timer is not None:
            push.timer.cancelled = True
        push.timer = self._clock.call_at(push.expires_at, lambda: self._expire(push, settings))

    def _new_push(self, order: PushOrder, settings: Settings) -> Push:
        now = self._clock.now()
        push = Push(
            id=f"p{len(self.by_checkout_id) + 1}",
            merchant_request_id=self._dice.request_id(),
            checkout_request_id=self._new_checkout_id(order.phone),
            shortcode=order.shortcode,
            phone=order.phone,
            payer=order.payer,
            amount=order.amount,
            reference=order.reference,
            callback_url=order.callback_url,
            opened_at=now,
            expires_at=now + timedelta(seconds=settings.prompt_seconds),
            outcome=None,
        )
        push.outcome = self._choose_outcome(push, settings, order.refused_with)
        return push

    def _choose_outcome(self, push: Push, settings: Settings, refused_with: str | None) -> Outcome | None:
        if refused_with is not None:
            return Outcome(refused_with, "refused")
        if fault := self._faults.take(Product.STK_PUSH, push.phone, kinds={FaultKind.RESULT}):
            assert fault.code is not None, "FaultOrder requires it"
            return Outcome(fault.code, "ordered")
        if len(push.text) > LONGEST_PROMPT_TEXT:
            return Outcome(outcomes.PROMPT_NOT_SENT, "text too long")
        outcome = outcomes.outcome_for(push.phone, settings.telling_digits)
        if self._faults.take(Product.CALLBACK, push.phone, kinds={FaultKind.BEFORE_ANSWER}):
            return replace(outcome or Outcome(PAID, "ordered"), delivery=Delivery.BEFORE_ANSWER)
        return outcome

    def _new_checkout_id(self, phone: str) -> str:
        """Make `ws_CO_` + day, time and milliseconds in Nairobi + the nine local digits of the phone."""
        instant = self._clock.nairobi()
        while True:
            stamp = instant.strftime("%d%m%Y%H%M%S") + f"{instant.microsecond // 1000:03d}"
            checkout_id = f"ws_CO_{stamp}{phone[-9:]}"
            if checkout_id not in self.by_checkout_id:
                return checkout_id
            instant += timedelta(milliseconds=1)

    def _answer_seconds(self, outcome: Outcome, settings: Settings) -> float:
        if outcome.code == PAID and settings.auto_approve_seconds is not None:
            return settings.auto_approve_seconds
        return (
            self._dice.seconds_between("answer", low=_FASTEST_SECONDS, high=_SLOWEST_SECONDS) * settings.callback_scale
        )

    def _record(self, event: Event, push: Push, **facts: Any) -> None:
        self._transcript.record(
            event,
            checkout_request_id=push.checkout_request_id,
            callback_url=push.callback_url,
            msisdn=push.phone,
            **facts,
        )
