"""The doors for Safaricom: what it tells is stored as it came, answered, and understood later."""

from pydantic import BaseModel

from payme.features.payments.errors import CallbackRouteUnknown
from payme.features.payments.services import register_c2b
from payme.features.payments.services.handle_result import DOOR_HEADER, TIMEOUT_DOOR
from payme.features.payments.services.receive_callback import receive_callback
from payme.features.payments.services.send_payout import RESULT_KIND
from payme.features.payments.services.validate_c2b import find_objection
from payme.integrations.daraja import validation_accepts, validation_rejects
from payme.runtime.database import UnitOfWork
from payme.runtime.events import find_route
from payme.runtime.http import Call, Response, Router, public

callbacks = Router(prefix="/d", tag="callbacks")


class Acknowledgement(BaseModel):
    """What Safaricom is answered once its message is stored."""

    ResultCode: int = 0
    ResultDesc: str = "Accepted"


class ValidationAnswer(BaseModel):
    """What Safaricom is answered when it asks before a payment."""

    ResultCode: str = "0"
    ResultDesc: str = "Accepted"


@callbacks.post(
    "/{token}/stk", operation="callbacks_stk", access=public, response=Acknowledgement, errors=(CallbackRouteUnknown,),
    consumes="application/json", budget="callbacks",
)  # fmt: skip
async def stk_callback(call: Call, token: str) -> Response:
    """Take M-Pesa's word on a prompt: stored as it came, answered, understood later."""
    return await _keep(call, token, "stk")


@callbacks.post(
    "/{token}/c2b/confirm", operation="callbacks_c2b_confirm", access=public, response=Acknowledgement,
    errors=(CallbackRouteUnknown,), consumes="application/json", budget="callbacks",
)  # fmt: skip
async def confirm_c2b(call: Call, token: str) -> Response:
    """Take M-Pesa's word on money that a customer sent: stored as it came, answered, understood later."""
    return await _keep(call, token, register_c2b.C2B_KIND)


@callbacks.post(
    "/{token}/c2b/validate", operation="callbacks_c2b_validate", access=public, response=ValidationAnswer,
    errors=(CallbackRouteUnknown,), consumes="application/json", budget="callbacks",
)  # fmt: skip
async def validate_c2b(call: Call, token: str) -> Response:
    """Say whether money that a customer is about to send is welcome; nothing is stored, because none has moved."""
    body = await call.read_body()
    route = await call.database.run(lambda uow: find_route(uow, token, kind=register_c2b.C2B_KIND), read_only=True)
    if route is None:
        raise CallbackRouteUnknown
    objection = await call.database.run(
        lambda uow: find_objection(uow, route.subject_id, body), business_id=route.business_id, read_only=True
    )
    return call.answer(validation_rejects(objection) if objection else validation_accepts())


@callbacks.post(
    "/{token}/result", operation="callbacks_result", access=public, response=Acknowledgement,
    errors=(CallbackRouteUnknown,), consumes="application/json", budget="callbacks",
)  # fmt: skip
async def take_result(call: Call, token: str) -> Response:
    """Take the result of a payout or a reversal, or the answer to a question."""
    return await _keep(call, token, RESULT_KIND)


@callbacks.post(
    "/{token}/timeout", operation="callbacks_timeout", access=public, response=Acknowledgement,
    errors=(CallbackRouteUnknown,), consumes="application/json", budget="callbacks",
)  # fmt: skip
async def take_timeout(call: Call, token: str) -> Response:
    """Take the news that M-Pesa did not get to a request in time, which is no failure."""
    return await _keep(call, token, RESULT_KIND, door=TIMEOUT_DOOR)


async def _keep(call: Call, token: str, kind: str, *, door: str = "") -> Response:
    body = await call.read_body()
    headers = {name: each for name, each in call.request.headers.items() if name != DOOR_HEADER} | {DOOR_HEADER: door}

    async def work(uow: UnitOfWork) -> Acknowledgement:
        await receive_callback(uow, token, kind=kind, headers=headers, body=body, remote_address=call.client_address)
        return Acknowledgement()

    return await call.write(work)
