"""Ends open streams when the process is told to stop, because the server waits for every open answer before it stops.

The server's own handler stays: the event loop hears of a signal through its wake-up descriptor, and the handler set here is run
besides it.
"""

from __future__ import annotations

import asyncio
import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)


@contextmanager
def told_to_stop(drain: Callable[[], None]) -> Generator[None]:
    """Have `drain` called in the event loop when the process is told to stop; a process without a handler keeps none."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    for number, handler in before.items():
        if callable(handler) and handler is not signal.default_int_handler:
            signal.signal(number, _both(handler, lambda: loop.call_soon_threadsafe(drain)))
            signal.siginterrupt(number, False)  # noqa: FBT003 -- the standard library's signature
    try:
        yield
    finally:
        for number, handler in before.items():
            if callable(handler) and handler is not signal.default_int_handler:
                signal.signal(number, handler)


def _both(handler: Callable[..., Any], also: Callable[[], object]) -> Callable[..., None]:
    def run(*arguments: Any) -> None:
        also()
        handler(*arguments)

    return run
