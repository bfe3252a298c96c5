"""The API process: `python -m payme.entrypoints.api`, or `payme.entrypoints.api:create` as an ASGI factory."""

import gc
import importlib
import importlib.util
import os
import pkgutil
import signal
import threading
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, nullcontext
from typing import Final

from fastapi import FastAPI
from granian.constants import Interfaces
from granian.server import Server

import payme.features
from payme.entrypoints.features import wire
from payme.entrypoints.rotation import takers_of
from payme.entrypoints.wiring import http_options, observe, pool_limits, tell_role, tools_of
from payme.features.identity import Identity, IdentityAuthenticator
from payme.runtime import fault_points
from payme.runtime.database import Database
from payme.runtime.database.migrate_cli import migrator_for
from payme.runtime.database.revisions import Phase
from payme.runtime.http import Feature, create_app
from payme.runtime.observability import TimedRequests
from payme.runtime.secrets import SecretsRefresh, load_settings
from payme.runtime.settings import Settings

_LOOK_SECONDS: Final = 0.5
_LAST_SECONDS: Final = 15.0
_ENDED_BY_FORCE: Final = 70
_CONNECTIONS: Final = 16_384
"""Open at once; by its own measure the server takes 1,024 and lets further ones, also idle, wait without an answer."""
_COLLECT_AFTER: Final = 20_000
"""Objects; the default of 700 makes the collector walk several times in every request."""


def create(settings: Settings | None = None) -> FastAPI:
    """Return the application of this process; settings come from the environment unless given. Raises: SettingsError."""
    is_given, settings = settings is not None, settings or load_settings()
    fault_points.choose(settings.fault_point)
    tools = tools_of(settings)
    database = Database(
        settings.database_url.get_secret_value(),
        limits=pool_limits(settings, settings.database_pool_size),
        wiring=wire(tools),
    )
    observe(settings, database, "api")
    authenticator = IdentityAuthenticator(database)
    direct = settings.direct_database_url()

    at_head = False

    async def migrations_at_head() -> bool:
        nonlocal at_head
        # Once there, a process stays there: what is applied later is for its successors.
        # A contract may wait for weeks, and nothing of this release waits for it.
        at_head = at_head or all(each.phase is Phase.CONTRACT for each in await migrator_for(settings).pending())
        return at_head

    app = create_app(
        http_options(settings),
        database=database,
        authenticator=authenticator,
        csrf=tools[Identity].csrf,
        features=all_features(),
        checks={"migrations": migrations_at_head},
    )
    if settings.sentry_dsn is not None:
        app.add_middleware(TimedRequests)
    takers = takers_of(tools, cursors=app.state.edge.cursors)
    # Whose signature was checked a moment ago would pass unchecked for another.
    refresh = SecretsRefresh(settings, [*takers, lambda _: authenticator.forget_all()])
    inner = app.router.lifespan_context

    @asynccontextmanager
    async def lifespan(running: FastAPI) -> AsyncGenerator[None]:
        await authenticator.listen(direct)
        try:
            # Settings that somebody gave by hand are read from nowhere again.
            async with inner(running), nullcontext() if is_given else refresh.running():
                tell_role(database)
                settle_memory()
                yield
        finally:
            await authenticator.close()

    app.router.lifespan_context = lifespan
    return app


def settle_memory() -> None:
    """Take what was loaded at the start out of the collector's sight, and let it look less often than a request allocates."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_COLLECT_AFTER)


def all_features() -> list[Feature]:
    """Return the HTTP side of every feature that has one."""
    names = [f"{each.name}.endpoints" for each in pkgutil.iter_modules(payme.features.__path__, "payme.features.")]
    return [importlib.import_module(name).feature for name in names if importlib.util.find_spec(name) is not None]


def create_in_worker() -> FastAPI:
    """Return the application of a worker that ends with the process that started it. Raises: SettingsError.

    Without that, a main process that was killed would leave a worker behind that serves on beside its successor.
    """
    watch = threading.Thread(target=_end_with, args=(os.getppid(),), name="parent-watch", daemon=True)
    watch.start()
    return create()


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_LOOK_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(_LAST_SECONDS)
    os._exit(_ENDED_BY_FORCE)


def main() -> None:
    """Serve until SIGTERM; a worker that died is replaced, and one that cannot live ends the process."""
    settings = load_settings()
    Server(
        "payme.entrypoints.api:create_in_worker",
        address=settings.host,
        port=settings.port,
        interface=Interfaces.ASGI,
        workers=1,
        backpressure=_CONNECTIONS,
        factory=True,
        respawn_failed_workers=True,
        log_access=False,
        websockets=False,
    ).serve()


if __name__ == "__main__":
    main()
