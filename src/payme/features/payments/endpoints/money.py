"""HTTP of payments: read them, ask about them, set up ways to be paid."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Query

from payme.features.payments.enums import PaymentStatus
from payme.features.payments.errors import (
    MethodIncomplete,
    MethodNotConfigured,
    MethodWithoutNotices,
    NothingToAsk,
    OtherEnvironment,
    PaymentNotFound,
    PaymentNotUnknown,
    PhoneInvalid,
    PromptMayStillCome,
    SmsNotUnderstood,
)
from payme.features.payments.schemas import (
    BalanceGapView,
    ConfigureMethod,
    MethodKind,
    MethodView,
    OutageView,
    PastedSmsView,
    PasteSms,
    PaymentView,
    ProbeView,
    RegistrationView,
    UnclaimedView,
)
from payme.features.payments.services import checks, manage, outages, probe_method, register_c2b, watch_balance
from payme.features.payments.services.read_sms import read_pasted_sms
from payme.kit.pagination import Page
from payme.runtime.database import UnitOfWork
from payme.runtime.http import Call, Paging, Response, Router

router = Router(prefix="/v1/businesses/{business_id}", tag="payments")


@router.get("/payments", operation="payments_list", response=Page[PaymentView], may="payments.read")
async def list_payments(
    call: Call,
    query: Paging,
    *,
    status: Annotated[PaymentStatus | None, Query()] = None,
    method: Annotated[str | None, Query()] = None,
) -> Response:
    """List payments, newest first."""

    async def work(uow: UnitOfWork, after: list[Any] | None, limit: int) -> list[PaymentView]:
        return await manage.list_payments(uow, after, limit, status=status, method=method)

    return await call.read_page(query, work, key=lambda row: [row.created_at.isoformat(), str(row.id)])


@router.get(
    "/payments/{payment_id}",
    operation="payments_get",
    response=PaymentView,
    may="payments.read",
    errors=(PaymentNotFound,),
)
async def get_payment(call: Call, payment_id: UUID) -> Response:
    """Read a payment."""
    return await call.read(lambda uow: manage.get_payment(uow, payment_id))


@router.post(
    "/payments/{payment_id}/check", operation="payments_check", status=202, response=PaymentView, may="payments.check",
    errors=(PaymentNotFound, NothingToAsk),
)  # fmt: skip
async def check_payment(call: Call, payment_id: UUID) -> Response:
    """Ask M-Pesa about a payment now, within its limits; the answer arrives on the payment."""

    async def work(uow: UnitOfWork) -> PaymentView:
        await checks.request_check(uow, payment_id)
        return await manage.get_payment(uow, payment_id)

    return await call.write(work, 202)


@router.post(
    "/payments/{payment_id}/no-prompt", operation="payments_no_prompt", response=PaymentView, may="payments.check",
    errors=(PaymentNotFound, PaymentNotUnknown, PromptMayStillCome),
)  # fmt: skip
async def say_no_prompt_came(call: Call, payment_id: UUID) -> Response:
    """Say that the customer's phone never rang, two minutes after sending at the earliest."""
    return await call.write(lambda uow: manage.say_no_prompt_came(uow, payment_id))


@router.post(
    "/payments/pasted-sms", operation="payments_read_sms", response=PastedSmsView, may="payments.claim",
    errors=(SmsNotUnderstood,),
)  # fmt: skip
async def read_sms(call: Call, command: PasteSms) -> Response:
    """Read a pasted SMS, so that a claim can be filled in; nothing is stored."""
    return await call.read(lambda uow: read_pasted_sms(uow, command))


@router.get("/unclaimed", operation="unclaimed_list", response=Page[UnclaimedView], may="payments.read")
async def list_unclaimed(
    call: Call,
    query: Paging,
    *,
    amount_cents: Annotated[int | None, Query(gt=0)] = None,
    search: Annotated[
        str | None, Query(min_length=2, max_length=60, description="In the M-Pesa code, the payer's name, the account.")
    ] = None,
) -> Response:
    """List money that arrived and belongs to nothing yet, newest first."""

    async def work(uow: UnitOfWork, after: list[Any] | None, limit: int) -> list[UnclaimedView]:
        return await manage.list_unclaimed(uow, after, limit, amount_cents=amount_cents, search=search)

    return await call.read_page(query, work, key=lambda row: [row.received_at.isoformat(), str(row.id)])


@router.get("/payment-methods", operation="payment_methods_list", response=list[MethodView], may="payments.read")
async def list_methods(call: Call) -> Response:
    """List the ways to be paid, without their secrets."""
    return await call.read(manage.list_methods)


@router.get(
    "/payment-methods/outages", operation="payment_methods_outages", response=list[OutageView], may="payments.read"
)
async def list_outages(call: Call) -> Response:
    """List the products of M-Pesa that give no answer now; empty when all is well."""
    return await call.read(outages.list_outages)


@router.get(
    "/payment-methods/balance-gaps", operation="payment_methods_balance_gaps", response=list[BalanceGapView], may="payments.read"
)  # fmt: skip
async def list_balance_gaps(call: Call) -> Response:
    """List short codes to which more money came within two days than is known of."""
    return await call.read(watch_balance.list_gaps)


@router.put(
    "/payment-methods/{kind}", operation="payment_methods_configure", response=MethodView, may="payments.configure",
    errors=(MethodIncomplete, OtherEnvironment, PhoneInvalid),
)  # fmt: skip
async def configure_method(call: Call, kind: MethodKind, command: ConfigureMethod) -> Response:
    """Set up or change a way to be paid."""
    return await call.update(
        lambda uow: manage.configure_method(uow, kind, command), rev=lambda uow: manage.revision_of_method(uow, kind)
    )


@router.post(
    "/payment-methods/{kind}/c2b", operation="payment_methods_register", status=202, response=RegistrationView,
    may="payments.configure", errors=(MethodWithoutNotices, MethodNotConfigured),
)  # fmt: skip
async def register_addresses(call: Call, kind: MethodKind) -> Response:
    """Have Safaricom tell us of payments that customers make by themselves; what it says appears in the list."""
    return await call.write(lambda uow: register_c2b.request_registration(uow, kind), 202)


@router.post(
    "/payment-methods/{kind}/probe", operation="payment_methods_probe", status=202, response=ProbeView,
    may="payments.configure", errors=(MethodNotConfigured,),
)  # fmt: skip
async def try_method(call: Call, kind: MethodKind) -> Response:
    """Have a way to be paid tried with real calls that move nothing; what is found appears in the list."""
    return await call.write(lambda uow: probe_method.request_probe(uow, kind), 202)


@router.get(
    "/payment-methods/{kind}/probe", operation="payment_methods_probes", response=list[ProbeView], may="payments.read"
)
async def list_probes(call: Call, kind: MethodKind) -> Response:
    """List what was found when a way to be paid was tried, newest first."""
    return await call.read(lambda uow: probe_method.list_probes(uow, kind))


@router.get(
    "/payment-methods/{kind}/c2b", operation="payment_methods_registrations", response=list[RegistrationView],
    may="payments.read",
)  # fmt: skip
async def list_registrations(call: Call, kind: MethodKind) -> Response:
    """List when Safaricom was asked to tell of payments, and what it said, newest first."""
    return await call.read(lambda uow: register_c2b.list_registrations(uow, kind))
