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
from payme_sim.daraja.b2b import pay_organisation, remit_tax
from payme_sim.daraja.balance import query_balance
from payme_sim.daraja.c2b import register_urls, simulate_payment
from payme_sim.daraja.oauth import generate_token
from payme_sim.daraja.payouts import pay_person, pay_pochi
from payme_sim.daraja.reversal import reverse_payment
from payme_sim.daraja.status import query_status
from payme_sim.daraja.stk import push_prompt, query_prompt
from payme_sim.faults import Product
from payme_sim.gateway import Refused, product_endpoint, refusal_response
from payme_sim.phone.pages import phone_routes
from payme_sim.transcript import Event, masked_authorization
from payme_sim.world import World

_EVERY_METHOD = ["GET", "POST", "PUT", "PATCH", "DELETE"]


def build_app(world: World) -> Starlette:
    """Join products, control API and phone page around one world."""
    products = [
        ("/oauth/v1/generate", Product.OAUTH, "GET", generate_token),
        ("/mpesa/stkpush/v1/processrequest", Product.STK_PUSH, "POST", push_prompt),
        ("/mpesa/stkpushquery/v1/query", Product.STK_QUERY, "POST", query_prompt),
        ("/mpesa/c2b/v1/registerurl", Product.C2B_REGISTER, "POST", register_urls),
        ("/mpesa/c2b/v2/registerurl", Product.C2B_REGISTER, "POST", register_urls),
        ("/mpesa/c2b/v1/simulate", Product.C2B_SIMULATE, "POST", simulate_payment),
        ("/mpesa/c2b/v2/simulate", Product.C2B_SIMULATE, "POST", simulate_payment),
    ]
    products += [
        ("/mpesa/b2c/v1/paymentrequest", Product.B2C, "POST", pay_person),
        ("/mpesa/b2c/v3/paymentrequest", Product.B2C, "POST", pay_person),
        ("/mpesa/b2pochi/v1/paymentrequest", Product.B2POCHI, "POST", pay_pochi),
        ("/mpesa/b2b/v1/paymentrequest", Product.B2B, "POST", pay_organisation),
        ("/mpesa/b2b/v1/remittax", Product.REMITTAX, "POST", remit_tax),
        ("/mpesa/transactionstatus/v1/query", Product.STATUS, "POST", query_status),
        ("/mpesa/accountbalance/v1/query", Product.BALANCE, "POST", query_balance),
        ("/mpesa/reversal/v1/request", Product.REVERSAL, "POST", reverse_payment),
    ]
    daraja = [
        Route(path, product_endpoint(product, handler, method=method), methods=_EVERY_METHOD)
        for path, product, method, handler in products
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
