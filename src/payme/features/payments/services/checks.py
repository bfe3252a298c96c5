"""Ask M-Pesa what became of a prompt: on a bounded schedule, through one limiter for all processes.

Silence decides nothing: when the schedule is through, the payment stays as it is, for a callback or a person.
"""

import random
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from payme.features.payments.enums import OPEN_STATUSES, Outcome, Source
from payme.features.payments.errors import NothingToAsk, PaymentNotFound
from payme.features.payments.repository import methods
from payme.features.payments.repository import payments as repository
from payme.features.payments.repository.payments import StoredPayment
from payme.features.payments.rules import Message
from payme.features.payments.services.gateway import Collector, DarajaAccess, collector_of
from payme.integrations.daraja import Reason, Standing, StkQuery, StkQueryResult, advice_for
from payme.runtime.database import UnitOfWork

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
    one app. `grace`: how old a prompt is before a failed query, or an unreachable phone, counts as failed.
    """

    verify_above_cents: int = 1_000_000
    grace: timedelta = timedelta(seconds=60)
    check_at: tuple[timedelta, ...] = tuple(
        timedelta(seconds=s) for s in (20, 35, 65, 125, 300, 600, 1800, 3600, 10_800)
    )
    query_every: timedelta = timedelta(seconds=12)


def schedule_check(uow: UnitOfWork, payment: StoredPayment, *, soon: bool = False) -> None:
    """Have M-Pesa asked about a payment after this transaction: at its next place in the schedule, or soon.

    Nothing is scheduled once the schedule is through.
    """
    rules = uow.tool(MpesaRules)
    age = uow.now - (payment.sent_at or payment.created_at)
    if soon:
        delay = max(timedelta(), rules.grace - age)
    elif payment.checks < len(rules.check_at):
        delay = max(timedelta(), rules.check_at[payment.checks] - age)
    else:
        return
    spread = delay * random.uniform(1.0, 1.1)  # noqa: S311 -- jitter is no secret
    kind = f"soon:{payment.checks}" if soon else str(payment.checks)
    uow.enqueue(
        CHECK_JOB, {"payment_id": str(payment.id)}, execute_after=spread, dedupe_key=f"{CHECK_JOB}:{payment.id}:{kind}"
    )


async def request_check(uow: UnitOfWork, payment_id: UUID) -> None:
    """Have M-Pesa asked about a payment at once, within its limit; a final payment is left alone.

    Locks the payment. Raises: PaymentNotFound, NothingToAsk.
    """
    payment = await repository.lock_payment(uow, payment_id)
    if payment is None:
        raise PaymentNotFound(payment_id=payment_id)
    if payment.status in OPEN_STATUSES and payment.checkout_request_id is None:
        raise NothingToAsk(payment_id=payment_id)
    if payment.status in OPEN_STATUSES:
        uow.enqueue(CHECK_JOB, {"payment_id": str(payment_id)}, dedupe_key=f"{CHECK_JOB}:{payment_id}:asked")


@dataclass(frozen=True, slots=True)
class Question:
    """What to ask, and as whom."""

    collector: Collector
    checkout_request_id: str


async def begin_check(uow: UnitOfWork, payment_id: UUID) -> Question | None:
    """Return what to ask about a payment; None when nothing is open any more or there is nothing to ask about.

    Locks the payment. Raises: PaymentNotFound.
    """
    payment = await repository.lock_payment(uow, payment_id)
    if payment is None:
        raise PaymentNotFound(payment_id=payment_id)
    disputed = await repository.lock_disputed(uow, payment_id)
    settled = payment.status not in OPEN_STATUSES and disputed is None
    if settled or payment.checkout_request_id is None:
        return None
    return Question(await collector_of(uow, payment.payee), payment.checkout_request_id)


async def take_turn(uow: UnitOfWork, question: Question) -> bool:
    """Take the right to ask once, in a transaction bound to the app's owner; False while it is another's."""
    rules = uow.tool(MpesaRules)
    return await methods.take_query_turn(uow, question.collector.app.app_id, rules.query_every)


async def put_off(uow: UnitOfWork, payment_id: UUID) -> None:
    """Have the question asked a turn or two later."""
    wait = uow.tool(MpesaRules).query_every * random.uniform(1.0, 3.0)  # noqa: S311 -- jitter is no secret
    uow.enqueue(CHECK_JOB, {"payment_id": str(payment_id)}, execute_after=wait)


async def ask(access: DarajaAccess, database: Any, question: Question) -> Message:
    """Ask M-Pesa, with no transaction open, and return what it said; trouble is an unknown outcome, never a failure."""
    client = access.client(database, question.collector)
    return message_of(await client.stk_query(StkQuery(question.collector.account, question.checkout_request_id)))


def message_of(result: StkQueryResult) -> Message:
    """Return the answer of a query as a message; it knows neither amount nor receipt."""
    reason = result.reason.value if result.reason else None
    return Message(Source.QUERY, _OUTCOME[result.standing], reason=reason, result_code=result.result_code)


def words_for(message: Message) -> dict[str, str]:
    """Return what to tell people about a failure, for the payment's `reason_text`."""
    return {"reason_text": advice_for(Reason(message.reason)).en} if message.reason else {}
