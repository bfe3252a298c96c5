"""Keys that change while a process runs: the settings are read again on a schedule and on SIGHUP, and whoever holds keys takes them.

Not here: which keys those are (`payme.entrypoints.rotation`). Invariant: what cannot be read, or does not fit the keys that are held,
changes nothing, is counted and written down; a process never loses its keys by looking for new ones.
"""

import asyncio
import signal
import threading
from collections.abc import AsyncGenerator, Callable, Generator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Final

import structlog
from prometheus_client import Counter

from payme.kit.errors import PaymeError
from payme.runtime.secrets.sources import load_settings
from payme.runtime.settings import Settings

ROTATING: Final = frozenset(
    {"jwt_secret", "jwt_secret_previous", "encryption_key", "encryption_key_id", "encryption_keys_previous"}
)
Taker = Callable[[Settings], None]
_refreshes = Counter("payme_secrets_refreshes", "Changed keys that were met while running", ("outcome",))
_log = structlog.get_logger("payme.secrets")


class SecretsRefresh:
    """Looks for changed keys and has them taken, in order; a taker that refuses keeps those after it from taking."""

    def __init__(
        self, settings: Settings, takers: Sequence[Taker], *, load: Callable[[], Settings] = load_settings
    ) -> None:
        self._begun_with = self._held = settings
        self._takers = takers
        self._load = load
        self._told: set[str] = set()

    async def refresh(self) -> bool:
        """Read the settings again; tell whether other keys were taken."""
        try:
            fresh = await asyncio.to_thread(self._load)
            self._tell_of_others(fresh)
            if not _differing(self._held, fresh) & ROTATING:
                return False
            for take in self._takers:
                take(fresh)
        except PaymeError as error:
            _refreshes.labels("refused").inc()
            _log.error("secrets.refused", error=str(error))
            return False
        self._held = fresh
        _refreshes.labels("taken").inc()
        _log.info("secrets.taken", key_id=fresh.encryption_key_id)
        return True

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Look every SECRETS_REFRESH_SECONDS, and when the process hears SIGHUP."""
        asked = asyncio.Event()
        looking = asyncio.create_task(self._look(asked), name="secrets-refresh")
        try:
            with _on_hangup(asked):
                yield
        finally:
            looking.cancel()
            with suppress(asyncio.CancelledError):
                await looking

    async def _look(self, asked: asyncio.Event) -> None:
        settings = self._begun_with
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(settings.secrets_refresh_seconds):
                    await asked.wait()
            asked.clear()
            await self.refresh()

    def _tell_of_others(self, fresh: Settings) -> None:
        others = _differing(self._begun_with, fresh) - ROTATING
        for name in sorted(others - self._told):
            _log.warning("secrets.restart_needed", name=name.upper(), reason="it is read at start alone")
        self._told = others


def _differing(one: Settings, other: Settings) -> set[str]:
    return {name for name in Settings.model_fields if getattr(one, name) != getattr(other, name)}


@contextmanager
def _on_hangup(asked: asyncio.Event) -> Generator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    before = signal.signal(signal.SIGHUP, lambda _number, _frame: loop.call_soon_threadsafe(asked.set))
    try:
        yield
    finally:
        signal.signal(signal.SIGHUP, before)
