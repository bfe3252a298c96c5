"""The simulator as one ASGI application.

Lives here: which path belongs to what, and the task that keeps the clock running. Does not live here: behaviour.
Invariant: a path that no product answers is refused like any unknown resource, and still recorded.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from payme_sim.control.routes import control_routes
from payme_sim.daraja.table import PRODUCTS
from payme_sim.gateway import Refused, product_endpoint, refusal_response
from payme_sim.phone.pages import phone_routes
from payme_sim.transcript import Event, masked_authorization
from payme_sim.world import World

_EVERY_METHOD = ["GET", "POST", "PUT", "PATCH", "DELETE"]


def build_app(world: World) -> Starlette:
    """Join products, control API and phone page around one world."""
    daraja = [
        Route(path, product_endpoint(product, handler, method=method), methods=_EVERY_METHOD)
        for method, path, product, handler in PRODUCTS
    ]
    rest = [
        Route("/", _home, methods=["GET"]),
        Route("/{path:path}", _unknown_resource, methods=_EVERY_METHOD),
    ]
    app = Starlette(routes=[*daraja, *control_routes(), *phone_routes(), *rest], lifespan=_running_clock)
    app.state.world = world
    return app


@contextlib.asynccontextmanager
async def _running_clock(app: Starlette) -> AsyncGenerator[None]:
    world: World = app.state.world
    running = asyncio.ensure_future(world.clock.run())
    yield
    running.cancel()


async def _home(request: Request) -> Response:
    del request
    return RedirectResponse("/phone")


async def _unknown_resource(request: Request) -> Response:
    world: World = request.app.state.world
    world.transcript.record(
        Event.REQUEST,
        product="none",
        method=request.method,
        path=request.url.path,
        authorization=masked_authorization(request.headers.get("authorization")),
    )
    return refusal_response(world, Refused(404, "404.001.01", text="Resource not found"))
