"""HTTP of payments: read them, ask about them, set up ways to be paid; and the door for Safaricom's callbacks."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Query
from pydantic import BaseModel

from payme.features.payments.enums import PaymentStatus
from payme.features.payments.errors import (
    CallbackRouteUnknown,
    MethodIncomplete,
    NothingToAsk,
    OtherEnvironment,
    PaymentNotFound,
    PaymentNotUnknown,
    PromptMayStillCome,
)
from payme.features.payments.schemas import ConfigureMethod, MethodKind, MethodView, PaymentView, UnclaimedView
from payme.features.payments.services import checks, manage
from payme.features.payments.services.receive_callback import receive_callback
from payme.kit.pagination import Page
from payme.runtime.database import UnitOfWork
from payme.runtime.http import Call, Feature, Paging, Response, Router, public

router = Router(prefix="/v1/businesses/{business_id}", tag="payments")
callbacks = Router(prefix="/d", tag="callbacks")


class Acknowledgement(BaseModel):
    """What Safaricom is answered once its message is stored."""

    ResultCode: int = 0
    ResultDesc: str = "Accepted"


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


@router.get("/unclaimed", operation="unclaimed_list", response=Page[UnclaimedView], may="payments.read")
async def list_unclaimed(call: Call, query: Paging) -> Response:
    """List money that arrived and belongs to nothing yet, newest first."""
    return await call.read_page(
        query, manage.list_unclaimed, key=lambda row: [row.received_at.isoformat(), str(row.id)]
    )


@router.get("/payment-methods", operation="payment_methods_list", response=list[MethodView], may="payments.read")
async def list_methods(call: Call) -> Response:
    """List the ways to be paid, without their secrets."""
    return await call.read(manage.list_methods)


@router.put(
    "/payment-methods/{kind}", operation="payment_methods_configure", response=MethodView, may="payments.configure",
    errors=(MethodIncomplete, OtherEnvironment),
)  # fmt: skip
async def configure_method(call: Call, kind: MethodKind, command: ConfigureMethod) -> Response:
    """Set up or change a way to be paid."""
    return await call.update(
        lambda uow: manage.configure_method(uow, kind, command), rev=lambda uow: manage.revision_of_method(uow, kind)
    )


@callbacks.post(
    "/{token}/stk", operation="callbacks_stk", access=public, response=Acknowledgement, errors=(CallbackRouteUnknown,),
    consumes="application/json", budget="callbacks",
)  # fmt: skip
async def stk_callback(call: Call, token: str) -> Response:
    """Take M-Pesa's word on a prompt: stored as it came, answered, understood later."""
    body = await call.read_body()
    headers = dict(call.request.headers)

    async def work(uow: UnitOfWork) -> Acknowledgement:
        await receive_callback(uow, token, kind="stk", headers=headers, body=body, remote_address=call.client_address)
        return Acknowledgement()

    return await call.write(work)


feature = Feature("payments", "Money asked for and money that arrived, and how sure it is.", (router, callbacks))
