"""Jobs of payments: send a prompt, understand a callback, ask about a prompt, have Safaricom tell us of payments."""

from datetime import timedelta
from typing import Final
from uuid import UUID

from payme.features.approvals import ApprovalApproved, ApprovalLapsed, ApprovalRejected
from payme.features.businesses import PLATFORM_BUSINESS_ID, list_business_ids
from payme.features.payments.rules.payouts import News
from payme.features.payments.services import (
    ask_status,
    checks,
    platform_money,
    probe_method,
    pull_payments,
    register_c2b,
    request_payout,
    send_payout,
    send_push,
)
from payme.features.payments.services.checks import CHECK_JOB
from payme.features.payments.services.conclude_check import conclude_check
from payme.features.payments.services.conclude_payout import ASK_JOB, Heard, hear
from payme.features.payments.services.gateway import DarajaAccess
from payme.features.payments.services.handle_callback import handle_callback
from payme.features.payments.services.policies import RECEIPT_JOB
from payme.features.payments.services.probe_method import PROBE_JOB
from payme.features.payments.services.pull_payments import PULL_JOB, Pulled
from payme.features.payments.services.receive_callback import CALLBACK_JOB
from payme.features.payments.services.register_c2b import REGISTER_JOB
from payme.features.payments.services.request_payout import SEND_JOB as PAYOUT_JOB
from payme.features.payments.services.request_stk import SEND_JOB
from payme.integrations.daraja import (
    DarajaRefused,
    DarajaUnavailable,
    DarajaUnknown,
    DuplicateRequest,
    InvalidCallbackUrl,
    InvalidRequest,
    Reason,
    StkAccepted,
)
from payme.runtime.database import UnitOfWork
from payme.runtime.fault_points import FaultPoint, reach
from payme.runtime.jobs import Backoff, JobContext, Superseded, Tasks

tasks = Tasks("payments")
_SEND_ATTEMPTS: Final = 4
_PAGE: Final = 1_000


@tasks.job(SEND_JOB, attempts=_SEND_ATTEMPTS, backoff=Backoff(first=timedelta(seconds=1), longest=timedelta(seconds=8)))
async def send_stk_push(job: JobContext) -> None:
    """Send a prompt, at most once."""
    payment_id = UUID(job.payload["payment_id"])
    errand = await job.run(lambda uow: send_push.begin_sending(uow, payment_id))
    if errand is None:
        return
    access: DarajaAccess = job.services.daraja
    reach(FaultPoint.PUSH_BEFORE_CALL)
    try:
        accepted = await send_push.push(access, job.database.database, errand)
    except DarajaRefused as refusal:
        reason = refusal
        await job.finish(lambda uow: send_push.record_refusal(uow, payment_id, reason))
    except DarajaUnknown as doubt:
        unknown = doubt
        await job.finish(lambda uow: send_push.record_doubt(uow, payment_id, unknown))
    except DarajaUnavailable as fault:
        unsent = fault
        await job.run(lambda uow: send_push.record_not_sent(uow, payment_id, unsent, give_up=job.last_attempt))
        if not job.last_attempt:
            raise
    else:
        reach(FaultPoint.PUSH_AFTER_CALL)
        await _keep_acceptance(job, payment_id, accepted)


async def _keep_acceptance(job: JobContext, payment_id: UUID, accepted: StkAccepted) -> None:
    try:
        await job.finish(lambda uow: send_push.record_acceptance(uow, payment_id, accepted))
    except Superseded:
        # Whoever overtook this attempt sends nothing and knows no id. The prompt is out: with its id it can be asked about.
        database = job.database.database
        await database.run(
            lambda uow: send_push.record_acceptance(uow, payment_id, accepted), business_id=job.business_id
        )
        raise


@tasks.job(CALLBACK_JOB)
async def understand_callback(job: JobContext) -> None:
    """Apply a stored callback, once."""
    inbox_id = UUID(job.payload["inbox_id"])
    await job.finish(lambda uow: handle_callback(uow, inbox_id))


@tasks.job(CHECK_JOB)
async def check_prompt(job: JobContext) -> None:
    """Ask M-Pesa what became of a prompt, and schedule the next question while it is open."""
    payment_id = UUID(job.payload["payment_id"])
    even_if_over = bool(job.payload.get("even_if_over"))
    question = await job.run(lambda uow: checks.begin_check(uow, payment_id, even_if_over=even_if_over))
    if question is None:
        return
    owner, app_id = question.collector.owner, question.collector.app.app_id
    if not await job.database.run(lambda uow: checks.take_turn(uow, app_id, "stkpushquery"), business_id=owner):
        await job.finish(lambda uow: checks.put_off(uow, payment_id, even_if_over=even_if_over))
        return
    message = await checks.ask(job.services.daraja, job.database.database, question)
    await job.finish(lambda uow: conclude_check(uow, payment_id, message))


@tasks.job(
    REGISTER_JOB, attempts=_SEND_ATTEMPTS, backoff=Backoff(first=timedelta(seconds=2), longest=timedelta(seconds=30))
)
async def have_payments_told(job: JobContext) -> None:
    """Register the addresses of a short code; asking again is harmless."""
    registration_id = UUID(job.payload["registration_id"])
    errand = await job.run(lambda uow: register_c2b.begin_registration(uow, registration_id))
    if errand is None:
        return
    try:
        said = await register_c2b.register(job.services.daraja, job.database.database, errand)
        state, note = said.state.value, f"C2B {said.version}"
    except (DarajaRefused, InvalidCallbackUrl) as refusal:
        state, note = "failed", str(refusal)
    except (DarajaUnavailable, DarajaUnknown) as fault:
        if not job.last_attempt:
            raise
        state, note = "failed", str(fault)
    await job.finish(lambda uow: register_c2b.record_registration(uow, registration_id, state, note=note))


@tasks.job(platform_money.LOOK_JOB)
async def look_for_holder(job: JobContext) -> None:
    """See whether a payment has come to hold the receipt of a notice that named no wallet."""
    inbox_id, receipt = UUID(job.payload["inbox_id"]), job.payload["receipt"]
    await job.finish(lambda uow: platform_money.look_for_holder(uow, inbox_id, receipt))


@tasks.every("41 * * * *", "payments.listen_for_platform")
async def listen_for_platform(job: JobContext) -> None:
    """Have the platform told of money that is sent to it by hand, where that was refused before."""
    await job.database.run(platform_money.listen_for_platform, business_id=PLATFORM_BUSINESS_ID)


@tasks.every("11 * * * *", "payments.begin_pulls")
async def begin_pulls(job: JobContext) -> None:
    """Have the payments of every short code pulled within the next minutes, spread so that they do not come at once."""
    after: UUID | None = None
    while ids := await job.database.run(
        lambda uow, last=after: list_business_ids(uow, after=last, limit=_PAGE), read_only=True
    ):
        for business_id in ids:
            await job.database.run(pull_payments.enqueue_pulls, business_id=business_id)
        after = ids[-1]


@tasks.job(
    PULL_JOB,
    attempts=_SEND_ATTEMPTS,
    backoff=Backoff(first=timedelta(seconds=10), longest=timedelta(minutes=2)),
    time_limit=timedelta(minutes=5),
)
async def pull_what_was_not_told(job: JobContext) -> None:
    """Pull the payments of one short code, and place those that nobody told us of; what gets no answer is pulled with the next."""
    kind = str(job.payload["kind"])
    errand = await job.run(lambda uow: pull_payments.begin_pull(uow, kind))
    if errand is None:
        return
    try:
        pulled = await pull_payments.pull(job.services.daraja, job.database.database, errand)
    except DarajaUnavailable as fault:
        if not job.last_attempt:
            raise
        pulled = Pulled((), is_whole=False, fault=fault.code)
    except DarajaUnknown as doubt:
        # It was only read: nothing is in doubt but what has come, and the next hour looks over the same time.
        pulled = Pulled((), is_whole=False, fault=doubt.code)
    for row in pulled.rows:
        await job.run(lambda uow, payment=row: pull_payments.place_pulled(uow, payment, errand))
    await job.finish(lambda uow: pull_payments.conclude_pull(uow, errand, pulled))


@tasks.within(ApprovalApproved)
async def send_what_was_agreed(uow: UnitOfWork, event: ApprovalApproved) -> None:
    """Have a payout sent in the transaction that agrees to it."""
    await request_payout.hear_of_approval(uow, event)


@tasks.within(ApprovalRejected)
async def end_what_was_refused(uow: UnitOfWork, event: ApprovalRejected) -> None:
    """End a payout in the transaction that says no to it."""
    await request_payout.hear_of_refusal(uow, event)


@tasks.within(ApprovalLapsed)
async def end_what_nobody_answered(uow: UnitOfWork, event: ApprovalLapsed) -> None:
    """End a payout that nobody said anything about."""
    await request_payout.hear_of_refusal(uow, event)


@tasks.job(
    PAYOUT_JOB, attempts=_SEND_ATTEMPTS, backoff=Backoff(first=timedelta(seconds=2), longest=timedelta(seconds=30))
)
async def send_a_payout(job: JobContext) -> None:
    """Send a payout, at most once; what was not answered is asked about."""
    payout_id = UUID(job.payload["payout_id"])
    errand = await job.run(lambda uow: send_payout.begin_sending_payout(uow, payout_id))
    if errand is None:
        return
    reach(FaultPoint.PUSH_BEFORE_CALL)
    try:
        conversation_id = await send_payout.send(job.services.daraja, job.database.database, errand)
    except DarajaRefused as refusal:
        heard = Heard(News.REFUSED, reason=refusal.reason, reason_code=refusal.error_code)
    except (InvalidRequest, InvalidCallbackUrl) as fault:
        # Found here, before anything left this machine.
        heard = Heard(News.REFUSED, reason=Reason.REQUEST, reason_code=fault.code)
    except (DarajaUnknown, DuplicateRequest) as doubt:
        heard = Heard(News.DOUBT, reason_code=doubt.code)
    except DarajaUnavailable as fault:
        if not job.last_attempt:
            await job.run(lambda uow: hear(uow, payout_id, Heard(News.NOT_SENT)))
            raise
        heard = Heard(News.REFUSED, reason=Reason.BUSY, reason_code=fault.code)
    else:
        reach(FaultPoint.PUSH_AFTER_CALL)
        heard = Heard(News.ACCEPTED, conversation_id=conversation_id or None)
    await job.finish(lambda uow: hear(uow, payout_id, heard))


@tasks.job(ASK_JOB)
async def ask_about_a_payout(job: JobContext) -> None:
    """Ask M-Pesa about a payout whose result has not come; the answer comes to its own address."""
    payout_id = UUID(job.payload["payout_id"])
    errand = await job.run(lambda uow: ask_status.begin_asking_about_payout(uow, payout_id))
    if errand is not None:
        await _ask(job, errand)


@tasks.job(RECEIPT_JOB)
async def ask_about_a_receipt(job: JobContext) -> None:
    """Ask M-Pesa about the receipt of a claim or of money in the tray; the answer comes to its own address."""
    kind, subject_id = str(job.payload["kind"]), UUID(job.payload["subject_id"])
    errand = await job.run(lambda uow: ask_status.begin_asking_about_receipt(uow, kind, subject_id))
    if errand is not None:
        await _ask(job, errand)


@tasks.job(PROBE_JOB)
async def try_a_method(job: JobContext) -> None:
    """Try a way to be paid, and record what was found."""
    probe_id = UUID(job.payload["probe_id"])
    errand = await job.run(lambda uow: probe_method.begin_probe(uow, probe_id))
    if errand is None:
        return
    checks = await probe_method.probe(job.services.daraja, job.database.database, errand)
    await job.finish(lambda uow: probe_method.record_probe(uow, probe_id, checks))


async def _ask(job: JobContext, errand: ask_status.StatusErrand) -> None:
    try:
        await ask_status.ask(job.services.daraja, job.database.database, errand)
    except (DarajaRefused, DarajaUnavailable, InvalidRequest, InvalidCallbackUrl) as fault:
        code = fault.code
        await job.run(lambda uow: ask_status.record_not_asked(uow, errand.question.id, code))
    except DarajaUnknown:
        return
