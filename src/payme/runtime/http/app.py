"""The application: every feature's operations behind one edge, the middlewares around it, and its beginning and end."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware

from payme.runtime.database.notifications import NotificationLine
from payme.runtime.events.broadcaster import Broadcaster
from payme.runtime.http import live, probes, reference, webapps
from payme.runtime.http.dispatch import Dispatcher
from payme.runtime.http.draining import told_to_stop
from payme.runtime.http.edge import Edge
from payme.runtime.http.envelope import Envelope
from payme.runtime.http.gate import Gate
from payme.runtime.http.openapi import complete, described_route
from payme.runtime.http.problems import problem_response
from payme.runtime.http.rate_limits import RateLimiter
from payme.runtime.http.routing import Feature
from payme.runtime.http.shield import Shielded
from payme.runtime.http.upkeep import MaintenanceWatch

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping, Sequence

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import ASGIApp, Receive, Scope, Send

    from payme.runtime.database import Database
    from payme.runtime.http.access import Authenticator, CsrfGuard
    from payme.runtime.http.edge import Check
    from payme.runtime.http.operation import Operation
    from payme.runtime.http.options import HttpOptions

OWN_FEATURES: Final = (
    Feature("events", "What happens in a business, as it happens.", (live.router,)),
    Feature("service", "How the service is, and what it offers.", (probes.router, reference.router, webapps.router)),
)
_EXPOSED = (
    "ETag",
    "Link",
    "Retry-After",
    "RateLimit",
    "RateLimit-Policy",
    "X-Request-ID",
    "Idempotency-Replayed",
    "Deprecation",
    "Sunset",
)
_ACCEPTED = (
    "Authorization",
    "Content-Type",
    "Idempotency-Key",
    "If-Match",
    "If-None-Match",
    "Last-Event-ID",
    "X-CSRF-Token",
    "X-Request-ID",
)


class Application(FastAPI):
    """FastAPI behind our own layers.

    Operations are answered before the framework's layers, which would cost a sale as much as its body does; what no
    operation answers goes on to them.
    """

    def __init__(self, edge: Edge, operations: Sequence[Operation], **options: Any) -> None:
        super().__init__(**options)
        dispatcher: ASGIApp = Dispatcher(super().__call__, edge, operations=operations)
        shield = edge.options.shield
        inside: ASGIApp = Gate(Shielded(dispatcher, edge, shield=shield) if shield else dispatcher, edge)
        if edge.options.allowed_origins:
            inside = CORSMiddleware(
                inside,
                allow_origins=edge.options.allowed_origins,
                allow_credentials=True,
                allow_methods=("GET", "POST", "PUT", "PATCH", "DELETE"),
                allow_headers=_ACCEPTED,
                expose_headers=_EXPOSED,
                max_age=600,
            )
        self._edge_layers = Envelope(inside, edge)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request; the application's beginning and end are the framework's."""
        if scope["type"] == "http":
            scope["app"] = self
            await self._edge_layers(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


def create_app(
    options: HttpOptions,
    *,
    database: Database,
    authenticator: Authenticator,
    csrf: CsrfGuard,
    features: Sequence[Feature],
    checks: Mapping[str, Check] | None = None,
) -> FastAPI:
    """Return the application.

    The database is opened when the application starts, unless it is open, and closed by whoever opened it. `checks` are
    further conditions of `/readyz` by name, such as migrations being at their head.
    """
    line = NotificationLine(options.notify_dsn) if options.notify_dsn else None
    edge = Edge(
        options=options,
        database=database,
        authenticator=authenticator,
        csrf=csrf,
        limiter=RateLimiter(options.budgets, redis_url=options.redis_url, trusted_proxies=options.trusted_proxies),
        broadcaster=Broadcaster(database, line),
        database_check=probes.DatabaseCheck(database),
        checks=checks or {},
    )
    described = [*features, *OWN_FEATURES]
    operations = operations_of(described)
    app = Application(
        edge,
        operations,
        title="PayMe",
        version=options.version,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        lifespan=_lifespan,
        exception_handlers={HTTPException: _refuse},
    )
    app.state.edge = edge
    app.state.operations = operations
    app.router.redirect_slashes = False
    app.openapi = lambda: describe(app, operations, features=described)
    return app


def operations_of(features: Sequence[Feature]) -> list[Operation]:
    """Return all operations of these features; each has a name of its own."""
    operations = [operation for feature in features for router in feature.routers for operation in router.operations]
    names = [operation.name for operation in operations]
    assert len(names) == len(set(names)), (
        f"operations share a name: {sorted({each for each in names if names.count(each) > 1})}"
    )
    return operations


def describe(app: FastAPI, operations: Sequence[Operation], *, features: Sequence[Feature]) -> dict[str, Any]:
    """Return the OpenAPI document, made once."""
    if app.openapi_schema is None:
        document = get_openapi(
            title=app.title,
            version=app.version,
            summary="Runs a small Kenyan shop's money.",
            routes=[described_route(operation) for operation in operations],
            tags=[{"name": feature.name, "description": feature.description} for feature in features],
        )
        app.openapi_schema = complete(document, operations)
    return app.openapi_schema


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncGenerator[None]:
    edge: Edge = app.state.edge
    opened_here = not edge.database.is_open
    if opened_here:
        await edge.database.open()
    await edge.broadcaster.open()
    watch = MaintenanceWatch(edge)
    await watch.open()
    try:
        with told_to_stop(edge.drain):
            yield
    finally:
        edge.drain()
        await watch.close()
        await edge.broadcaster.close()
        await edge.limiter.close()
        if opened_here:
            await edge.database.close()


async def _refuse(request: Request, error: Exception) -> Response:
    return problem_response(error, request.scope)
