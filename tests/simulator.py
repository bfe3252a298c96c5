"""The simulator as a real process, for tests that need a payment provider.

Lives here: starting and stopping it, its control API by name, and a receiver of callbacks.
Does not live here: calls to the provider's own API. Invariant: what is started here is stopped here, by its own id.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import httpx2
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import padding, rsa

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

_ROOT = Path(__file__).resolve().parent.parent
_START_SECONDS = 20.0
_ATTEMPTS = 3


class SimulatorProcess:
    """One simulator on a free port of the loopback; use it as a context manager, or call start and stop."""

    def __init__(self, *arguments: str) -> None:
        """Take further command line arguments, such as `--seed 7 --frozen`."""
        self._arguments = arguments
        self._process: subprocess.Popen[str] | None = None
        self.base_url = ""
        self.control = Control("")

    def start(self) -> Self:
        """Start the process and return when it answers; another port is tried when the first was taken meanwhile."""
        for _ in range(_ATTEMPTS):
            self._launch()
            if self._answers():
                return self
            self.stop()
        message = "the simulator did not start"
        raise RuntimeError(message)

    def stop(self) -> int:
        """End the process and return its exit code."""
        self.control.close()
        if self._process is None:
            return 0
        self._process.terminate()
        try:
            code = self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._process = None
        return code

    @property
    def pid(self) -> int:
        """Tell the process id."""
        assert self._process is not None, "the simulator is running"
        return self._process.pid

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _launch(self) -> None:
        command = [sys.executable, "-m", "payme_sim", "--port", "0", *self._arguments]
        environment = os.environ | {"PYTHONPATH": str(_ROOT / "simulator")}
        self._process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        words = self._process.stdout.readline().split()
        self.base_url = words[1] if len(words) > 1 else ""
        self.control = Control(self.base_url)

    def _answers(self) -> bool:
        deadline = time.monotonic() + _START_SECONDS
        assert self._process is not None
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                # The pid shows that it is this process which has the port.
                return self.control.call("GET", "/_sim/health")["pid"] == self._process.pid
            except httpx2.TransportError:
                time.sleep(0.02)
        return False


class Control:
    """The control API by name. Every method leaves the event loop free, so that a receiver on it can answer."""

    def __init__(self, base_url: str) -> None:
        """Speak to the simulator at `base_url`."""
        self._client = httpx2.Client(base_url=base_url, trust_env=False, timeout=30)

    def close(self) -> None:
        """Let go of the connection."""
        self._client.close()

    def call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Make one call, blocking, and return the JSON answer; raises httpx2.HTTPStatusError for a refusal."""
        answer = self._client.request(method, path, json=body)
        answer.raise_for_status()
        return answer.json()

    async def send(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Make one call without blocking the event loop."""
        return await asyncio.to_thread(self.call, method, path, body)

    async def reset(self, *, seed: int | None = None, now: datetime | None = None, frozen: bool | None = None) -> None:
        """Begin again from nothing."""
        instant = now.isoformat() if now else None
        await self.send("POST", "/_sim/reset", {"seed": seed, "now": instant, "frozen": frozen})

    async def advance(self, seconds: float) -> dict[str, Any]:
        """Move the clock; on return the callbacks that fell due have been delivered."""
        return await self.send("POST", "/_sim/clock", {"advance_seconds": seconds})

    async def freeze(self, *, frozen: bool = True) -> dict[str, Any]:
        """Let the clock stand still, or follow real time again."""
        return await self.send("POST", "/_sim/clock", {"frozen": frozen})

    async def fault(self, product: str, kind: str, **options: Any) -> dict[str, Any]:
        """Order a fault for a product; docs/guides/simulator.md lists products and kinds."""
        return await self.send("POST", "/_sim/faults", {"product": product, "kind": kind, **options})

    async def settings(self, **changes: Any) -> dict[str, Any]:
        """Change switches."""
        return await self.send("PATCH", "/_sim/settings", changes)

    async def prompts(self, msisdn: str | None = None) -> list[dict[str, Any]]:
        """List open prompts."""
        query = f"?msisdn={msisdn}" if msisdn else ""
        return (await self.send("GET", f"/_sim/prompts{query}"))["prompts"]

    async def answer(self, prompt_id: str, action: str = "pin", pin: str = "1234") -> dict[str, Any]:
        """Act as the person at the phone: `pin`, `cancel` or `ignore`; takes a prompt id or checkout request id."""
        return await self.send("POST", f"/_sim/prompts/{prompt_id}/answer", {"action": action, "pin": pin})

    async def wallet(self, msisdn: str, **changes: Any) -> dict[str, Any]:
        """Set a number's `pin` or `balance_cents`."""
        return await self.send("PATCH", f"/_sim/wallets/{msisdn}", changes)

    async def pay(self, msisdn: str, shortcode: str, amount: int, **options: Any) -> dict[str, Any]:
        """Pay a paybill or till by hand, in whole shillings; options are `reference`, `name` and `kind`."""
        order = {"msisdn": msisdn, "shortcode": shortcode, "amount": amount, **options}
        return await self.send("POST", "/_sim/pay", order)

    async def deposit(self, shortcode: str, amount_cents: int, account: str | None = None) -> dict[str, Any]:
        """Bring money from the bank into an account, or with a negative amount take it there."""
        order = {"shortcode": shortcode, "amount_cents": amount_cents, "account": account}
        return await self.send("POST", "/_sim/deposits", order)

    async def shortcode(self, shortcode: str, **changes: Any) -> dict[str, Any]:
        """Change a short code's `name`, `validation`, `initiator_name` or `initiator_password`."""
        return await self.send("PATCH", f"/_sim/shortcodes/{shortcode}", changes)

    async def certificate(self) -> bytes:
        """Fetch the certificate that security credentials are encrypted with, as PEM."""
        answer = await asyncio.to_thread(self._client.get, "/_sim/certificate")
        return answer.raise_for_status().content

    async def credential(self, password: str = "Safaricom999!*!") -> str:
        """Encrypt an operator's password as a security credential; every call gives another."""
        key = x509.load_pem_x509_certificate(await self.certificate()).public_key()
        assert isinstance(key, rsa.RSAPublicKey)
        return base64.b64encode(key.encrypt(password.encode(), padding.PKCS1v15())).decode()

    async def statement(self, shortcode: str, **options: str) -> str:
        """Fetch a statement as CSV; options are `account`, and `first` and `end`, ISO 8601."""
        names = {"first": "from", "end": "to"}
        query = {"shortcode": shortcode} | {names.get(name, name): value for name, value in options.items()}
        answer = await asyncio.to_thread(self._client.get, f"/_sim/statement?{httpx2.QueryParams(query)}")
        return answer.raise_for_status().text

    async def ledger(self) -> dict[str, Any]:
        """Show balances, payments and sums."""
        return await self.send("GET", "/_sim/ledger")

    async def transcript(self, **wanted: str) -> list[dict[str, Any]]:
        """List what happened, filtered by facts such as `event="callback_sent"`."""
        query = str(httpx2.QueryParams(wanted))
        return (await self.send("GET", f"/_sim/transcript?{query}"))["entries"]


@dataclass(frozen=True, slots=True)
class Received:
    """One callback as it arrived."""

    path: str
    headers: dict[str, str]
    raw: bytes

    @property
    def json(self) -> dict[str, Any]:
        """The body."""
        return json.loads(self.raw)

    @property
    def stk(self) -> dict[str, Any]:
        """The `stkCallback` object."""
        return json.loads(self.raw)["Body"]["stkCallback"]

    @property
    def result(self) -> dict[str, Any]:
        """The `Result` object."""
        return json.loads(self.raw)["Result"]

    @property
    def parameters(self) -> dict[str, Any]:
        """Result parameters by key; a key without a value maps to None."""
        return {each["Key"]: each.get("Value") for each in self.result["ResultParameters"]["ResultParameter"]}

    @property
    def items(self) -> dict[str, Any]:
        """Metadata by name; a name without a value maps to None."""
        return {item["Name"]: item.get("Value") for item in self.stk["CallbackMetadata"]["Item"]}


class CallbackReceiver:
    """A merchant's callback URL on the loopback, in a thread of its own; answers `status` and `reply`."""

    def __init__(self, status: int = 200) -> None:
        """Answer every callback with `status`, and with `reply` once it is set, after `pause` seconds."""
        self.status = status
        self.reply: dict[str, Any] | None = None
        self.pause = 0.0
        self.arrived: list[Received] = []
        self._news: queue.SimpleQueue[Received] = queue.SimpleQueue()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers.get("Content-Length", "0")))
                received = Received(self.path, dict(self.headers.items()), raw)
                receiver.arrived.append(received)
                reply = b"" if receiver.reply is None else json.dumps(receiver.reply).encode()
                time.sleep(receiver.pause)
                with contextlib.suppress(OSError):
                    self._answer(reply)
                receiver._news.put(received)

            def _answer(self, reply: bytes) -> None:
                self.send_response(receiver.status)
                self.send_header("Content-Length", str(len(reply)))
                self.end_headers()
                self.wfile.write(reply)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
                """Keep quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    def url(self, token: str = "b7c1", kind: str = "stk") -> str:
        """Spell a callback URL with this token in its path."""
        return f"http://127.0.0.1:{self._server.server_port}/d/{token}/{kind}"

    async def next(self, *, seconds: float = 10.0) -> Received:
        """Wait for a callback not yet taken; raises queue.Empty when none comes in time."""
        return await asyncio.to_thread(self._news.get, timeout=seconds)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
