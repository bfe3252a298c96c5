import asyncio
import os
import signal

from payme.runtime.http.draining import told_to_stop


async def test_a_server_that_is_told_to_stop_lets_its_streams_end_and_keeps_its_own_handler():
    heard: list[str] = []
    before = signal.signal(signal.SIGTERM, lambda *_: heard.append("server"))
    try:
        drained = asyncio.Event()
        with told_to_stop(drained.set):
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.wait_for(drained.wait(), 5)
        assert heard == ["server"]
        os.kill(os.getpid(), signal.SIGTERM)
        async with asyncio.timeout(5):
            while len(heard) < 2:
                await asyncio.sleep(0.005)
    finally:
        signal.signal(signal.SIGTERM, before)


async def test_a_process_without_a_handler_keeps_none():
    before = signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        with told_to_stop(lambda: None):
            assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    finally:
        signal.signal(signal.SIGTERM, before)
