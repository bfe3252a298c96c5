"""`python -m payme_sim`: start the simulator and serve until told to stop.

Lives here: command line, server, signals. Does not live here: behaviour.
Invariant: one process, one event loop; a stop wakes every held answer, so that it takes no longer than a moment.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import socket
import sys
from datetime import datetime
from pathlib import Path

from granian.constants import HTTPModes, Interfaces
from granian.server.embed import Server

from payme_sim.app import build_app
from payme_sim.clock import NAIROBI
from payme_sim.settings import Settings
from payme_sim.world import Options, World


def main() -> None:
    """Serve with the options of the command line."""
    arguments = _parser().parse_args()
    settings = Settings(
        callback_scale=arguments.callback_scale,
        query_limit=not arguments.no_query_limit,
        repeat_rule=not arguments.no_repeat_rule,
        prompt_seconds=arguments.prompt_seconds,
    )
    options = Options(
        seed=arguments.seed,
        start=arguments.now,
        frozen=arguments.frozen,
        settings=settings,
        key_path=arguments.key_file,
    )
    port = arguments.port or _free_port(arguments.host)
    asyncio.run(_serve(World(options), host=arguments.host, port=port))
    # The server's own threads may still be waiting for the interpreter, and abort the process if it is taken down
    # under them. Everything is in memory, so nothing is lost by leaving at once.
    os._exit(0)


async def _serve(world: World, *, host: str, port: int) -> None:
    server = Server(
        build_app(world),
        address=host,
        port=port,
        interface=Interfaces.ASGI,
        http=HTTPModes.http1,
        websockets=False,
        log_enabled=False,
    )

    def stop() -> None:
        world.clock.wake_sleepers()
        server.stop()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    sys.stdout.write(f"payme_sim http://{host}:{port} phone http://{host}:{port}/phone seed {world.seed}\n")
    sys.stdout.flush()
    await server.serve()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m payme_sim", description="A payment provider that can misbehave.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8900, help="0 chooses a free one and prints it")
    parser.add_argument("--seed", type=int, help="makes ids, receipts and delays repeatable; drawn when left out")
    parser.add_argument(
        "--now", type=_instant, help="instant the virtual clock starts at, ISO 8601; Nairobi by default"
    )
    parser.add_argument("--frozen", action="store_true", help="the clock moves only through the control API")
    parser.add_argument("--callback-scale", type=float, default=1.0, help="factor on the simulator's answer delays")
    parser.add_argument("--prompt-seconds", type=float, default=60.0, help="how long a prompt waits for a person")
    parser.add_argument("--no-query-limit", action="store_true", help="let STK queries through at any rate")
    parser.add_argument("--no-repeat-rule", action="store_true", help="allow equal payments within two minutes")
    parser.add_argument("--key-file", type=Path, help="keeps the key pair of initiators; made when missing")
    return parser


def _instant(text: str) -> datetime:
    instant = datetime.fromisoformat(text)
    return instant if instant.tzinfo else instant.replace(tzinfo=NAIROBI)


def _free_port(host: str) -> int:
    with socket.socket() as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port


if __name__ == "__main__":
    main()
