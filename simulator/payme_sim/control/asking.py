"""What every endpoint of the control API does alike: read a body, answer, refuse.

Lives here: parsing and the control API's own refusals. Does not live here: any endpoint.
Invariant: a body that is not understood changes nothing and is answered with 422 and the reasons.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from payme_sim.prompts import PromptClosed
from payme_sim.world import World

# An answer waits this long, in real seconds, for the callback it sets off, so that callers may look at once.
SETTLE_SECONDS = 2.0

Body = TypeVar("Body", bound=BaseModel)
Endpoint = Callable[[Request], Awaitable[Response]]


class Unknown(Exception):
    """Nothing of this name exists here."""


class Command(BaseModel):
    """A body; fields it does not know are refused."""

    model_config = ConfigDict(extra="forbid")


def guarded(endpoint: Endpoint) -> Callable[[Request], Coroutine[Any, Any, Response]]:
    """Answer the control API's own refusals."""

    async def run(request: Request) -> Response:
        try:
            return await endpoint(request)
        except ValidationError as error:
            reasons = [{"field": ".".join(map(str, at["loc"])), "reason": at["msg"]} for at in error.errors()]
            return JSONResponse({"error": "invalid", "reasons": reasons}, 422)
        except ValueError as error:
            return JSONResponse({"error": "invalid", "reasons": [{"field": "", "reason": str(error)}]}, 422)
        except Unknown:
            return JSONResponse({"error": "unknown"}, 404)
        except PromptClosed:
            return JSONResponse({"error": "closed"}, 409)

    return run


def world_of(request: Request) -> World:
    """Find the run that a request is for."""
    world: World = request.app.state.world
    return world


async def read(request: Request, kind: type[Body]) -> Body:
    """Parse a body; an empty one is an empty object."""
    return kind.model_validate_json(await request.body() or b"{}")


def as_json(model: BaseModel) -> dict[str, Any]:
    """Write a model as JSON knows it."""
    return model.model_dump(mode="json")
