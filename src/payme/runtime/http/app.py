"""The application: every feature's operations behind one edge, the middlewares around it, and its beginning and end."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.exceptions import HTTPException

from payme.runtime.database.notifications import NotificationLine
from payme.runtime.events.broadcaster import Broadcaster
from payme.runtime.http.dispatch import Dispatcher
from payme.runtime.http.edge import Edge
from payme.runtime.http.openapi import complete, described_route
from payme.runtime.http.problems import problem_response
from payme.runtime.http.rate_limits import RateLimiter

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from starlette.requests import Request
    from starlette.responses import Response

    from payme.runtime.database import Database
    from payme.runtime.http.access import Authenticator, CsrfGuard
    from payme.runtime.http.operation import Operation
    from payme.runtime.http.options import HttpOptions
    from payme.runtime.http.routing import Feature


def create_app(
    options: HttpOptions,
    *,
    database: Database,
    authenticator: Authenticator,
    csrf: CsrfGuard,
    features: Sequence[Feature],
) -> FastAPI:
    """Return the application. The database is opened when it starts, unless it is open, and closed by whoever opened it."""
    line = NotificationLine(options.notify_dsn) if options.notify_dsn else None
    edge = Edge(
        options=options,
        database=database,
        authenticator=authenticator,
        csrf=csrf,
        limiter=RateLimiter(options.budgets, redis_url=options.redis_url, trusted_proxies=options.trusted_proxies),
        broadcaster=Broadcaster(database, line),
    )
    operations = [operation for feature in features for router in feature.routers for operation in router.operations]
    app = FastAPI(
        title="PayMe",
        version=options.version,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        lifespan=_lifespan,
        exception_handlers={HTTPException: _refuse, Exception: _refuse},
    )
    app.state.edge = edge
    app.router.routes.insert(0, Dispatcher(edge, operations))
    app.openapi = lambda: describe(app, operations, features)
    return app


def describe(app: FastAPI, operations: Sequence[Operation], features: Sequence[Feature]) -> dict[str, Any]:
    """Return the OpenAPI document, made once."""
    if app.openapi_schema is None:
        names = [operation.name for operation in operations]
        assert len(names) == len(set(names)), "two operations share a name"
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
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    edge: Edge = app.state.edge
    await edge.database.open()
    await edge.broadcaster.open()
    try:
        yield
    finally:
        edge.draining = True
        await edge.broadcaster.close()
        await edge.database.close()


async def _refuse(request: Request, error: Exception) -> Response:
    return problem_response(error, request.scope)
