"""Ask M-Pesa what became of a prompt: on a bounded schedule, through one limiter for all processes.

Silence decides nothing: when the schedule is through, the payment stays as it is, for a callback or a person.
"""

import random
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from payme.features.payments.enums import Outcome, PaymentStatus, Source
from payme.features.payments.errors import MethodNotConfigured, NothingToAsk, PaymentNotFound
from payme.features.payments.repository import payments as repository
from payme.features.payments.repository import turns
from payme.features.payments.repository.payments import StoredPayment
from payme.features.payments.rules.transitions import Message
from payme.features.payments.services.gateway import Collector, DarajaAccess, collector_of
from payme.integrations.daraja import Reason, Standing, StkQuery, StkQueryResult, advice_for
from payme.runtime.database import Database, UnitOfWork

CHECK_JOB: Final = "payments.check_prompt"
_OUTCOME: Final = {
    Standing.PAID: Outcome.PAID,
    Standing.FAILED: Outcome.FAILED,
    Standing.PENDING: Outcome.PENDING,
    Standing.UNKNOWN: Outcome.UNKNOWN,
}


@dataclass(frozen=True, slots=True)
class MpesaRules:
    """How M-Pesa is asked and believed; from settings, so that tests can scale them down.

    `check_at`: how long after sending each question of the schedule is asked. `query_every`: the least time between two questions of
    one app. `grace`: how old a prompt is before a failed query, or an unreachable phone, counts as failed. `callback_sources`: the
    networks that callbacks come from; another source is written to the log. `environment`: Safaricom's world, sandbox or
    production; credentials of the other one are refused.
    """

    verify_above_cents: int = 1_000_000
    grace: timedelta = timedelta(seconds=60)
    check_at: tuple[timedelta, ...] = tuple(
        timedelta(seconds=s) for s in (20, 35, 65, 125, 300, 600, 1800, 3600, 10_800)
    )
    query_every: timedelta = timedelta(seconds=12)
    callback_sources: tuple[str, ...] = ()
    environment: str = "sandbox"


def schedule_check(uow: UnitOfWork, payment: StoredPayment, *, soon: bool = False) -> None:
    """Have M-Pesa asked about a payment after this transaction: at its next place in the schedule, or soon.

    A place of the schedule is asked at once, however many chains of questions lead to it; nothing is scheduled after the last.
    """
    rules = uow.tool(MpesaRules)
    age = uow.now - payment.asked_at
    if soon:
        _enqueue(uow, payment.id, after=max(timedelta(), rules.grace - age), place=f"soon:{payment.checks}")
        return
    place = next((number for number, at in enumerate(rules.check_at) if at > age), None)
    if place is not None:
        _enqueue(uow, payment.id, after=rules.check_at[place] - age, place=str(place))


async def request_check(uow: UnitOfWork, payment_id: UUID) -> None:
    """Have M-Pesa asked about a payment at once, within its limit; also about one that failed, never about one that succeeded.

    Locks the payment. Raises: PaymentNotFound, NothingToAsk.
    """
    payment = await _lock(uow, payment_id)
    if payment.status is PaymentStatus.SUCCEEDED:
        return
    if payment.checkout_request_id is None:
        raise NothingToAsk(payment_id=payment_id)
    document = {"payment_id": str(payment_id), "even_if_over": True}
    uow.enqueue(CHECK_JOB, document, dedupe_key=f"{CHECK_JOB}:{payment_id}:asked")


@dataclass(frozen=True, slots=True)
class Question:
    """What to ask, and as whom."""

    collector: Collector
    checkout_request_id: str


async def begin_check(uow: UnitOfWork, payment_id: UUID, *, even_if_over: bool = False) -> Question | None:
    """Return what to ask about a payment; None when nothing is in doubt any more or nobody can ask.

    `even_if_over`: a payment that failed is asked about as well. Locks the payment. Raises: PaymentNotFound.
    """
    payment = await _lock(uow, payment_id)
    is_wanted = payment.is_in_doubt or (even_if_over and payment.status is not PaymentStatus.SUCCEEDED)
    if not is_wanted or payment.checkout_request_id is None:
        return None
    try:
        collector = await collector_of(uow, payment.payee)
    except MethodNotConfigured:
        collector = None
    if collector is None or collector.account.shortcode != payment.shortcode:
        # The shop is paid another way by now: nobody here may ask for the old short code until it is set up again.
        schedule_check(uow, payment)
        return None
    return Question(collector, payment.checkout_request_id)


async def take_turn(uow: UnitOfWork, app_id: str, product: str) -> bool:
    """Take the right to ask a product once, in a transaction bound to the app's owner; False while it is another's."""
    return await turns.take_turn(uow, app_id, product, every=uow.tool(MpesaRules).query_every)


def turns_later(uow: UnitOfWork) -> timedelta:
    """Return when to try for a turn again: a few of them later, not everybody at once."""
    return uow.tool(MpesaRules).query_every * random.randint(100, 300) // 100  # noqa: S311 -- jitter is no secret


async def put_off(uow: UnitOfWork, payment_id: UUID, *, even_if_over: bool = False) -> None:
    """Have the question asked a turn or two later."""
    document = {"payment_id": str(payment_id), "even_if_over": even_if_over}
    uow.enqueue(CHECK_JOB, document, execute_after=turns_later(uow))


async def ask(access: DarajaAccess, database: Database, question: Question) -> Message:
    """Ask M-Pesa, with no transaction open, and return what it said; trouble is an unknown outcome, never a failure."""
    client = access.client(database, question.collector)
    return message_of(await client.stk_query(StkQuery(question.collector.account, question.checkout_request_id)))


def message_of(result: StkQueryResult) -> Message:
    """Return the answer of a query as a message; it knows neither amount nor receipt."""
    reason = result.reason.value if result.reason else None
    return Message(Source.QUERY, _OUTCOME[result.standing], reason=reason, result_code=result.result_code)


def words_for(message: Message) -> str | None:
    """Return what to tell people about a failure."""
    return advice_for(Reason(message.reason)).en if message.reason else None


async def _lock(uow: UnitOfWork, payment_id: UUID) -> StoredPayment:
    payment = await repository.lock_payment(uow, payment_id)
    if payment is None:
        raise PaymentNotFound(payment_id=payment_id)
    return payment


def _enqueue(uow: UnitOfWork, payment_id: UUID, *, after: timedelta, place: str) -> None:
    spread = after * random.randint(100, 110) // 100  # noqa: S311 -- jitter is no secret
    document = {"payment_id": str(payment_id)}
    uow.enqueue(CHECK_JOB, document, execute_after=spread, dedupe_key=f"{CHECK_JOB}:{payment_id}:{place}")
