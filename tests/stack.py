"""A whole PayMe for scenarios: API and worker as real processes on a database of their own, and the simulator of M-Pesa.

A plugin in all but name: a conftest imports the fixture `stack` (one for each test process, started when first asked for).
Time-outs are scaled down by settings, so that nothing takes longer than a few seconds. What is started here is ended here, by
its own id.
"""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Self, TypeVar
from urllib.parse import urlsplit
from uuid import UUID

import asyncpg
import httpx2
import pytest_asyncio
from pydantic import SecretStr

from payme.entrypoints.features import wire
from payme.entrypoints.wiring import tools_of
from payme.features import payments
from payme.features.businesses import (
    PLATFORM_BUSINESS_ID,
    BusinessUnknown,
    CreateBusiness,
    create_business,
    get_business,
)
from payme.features.catalog import CreateProduct, VatClass, create_product
from payme.features.identity import PERMISSIONS, SignUp, Visitor, sign_up
from payme.features.identity.schemas import CreateApiKey
from payme.features.identity.services.api_keys import create_api_key
from payme.features.inventory.schemas import ReceiveGoods
from payme.features.inventory.services.receive_goods import receive_goods
from payme.features.payments import ConfigureMethod
from payme.kit.actor import Actor
from payme.kit.ids import new_id
from payme.runtime.database import Database, PoolLimits, UnitOfWork
from payme.runtime.fault_points import KILLED
from payme.runtime.settings import Settings
from tests.postgres import copy_database, drop_database
from tests.simulator import SimulatorProcess

ROOT = Path(__file__).parent.parent
LOGS = ROOT / ".cache" / "stack"
SHOP_SHORTCODE, PLATFORM_SHORTCODE = "174379", "650880"
SIMULATOR = ("--seed", "7", "--callback-scale", "0.1", "--prompt-seconds", "2", "--no-query-limit", "--no-repeat-rule")
SCALED = {
    "APP_ENV": "test",
    "LOG_LEVEL": "warning",
    "PASSWORD_MEMORY_KIB": "19456",
    "PASSWORD_ITERATIONS": "2",
    "MPESA_PUSH_SECONDS": "1",
    "MPESA_QUERY_SECONDS": "2",
    "MPESA_PROMPT_SECONDS": "2.5",
    "MPESA_QUERY_SCHEDULE_SECONDS": "1.1,2.6,3.5,5,7,10,15,20",
    "MPESA_QUERY_GAP_SECONDS": "0.05",
    "MPESA_QUERIES_PER_MINUTE": "1200",
    "MPESA_BREAKER_FAILURES": "0",  # many rooms ask for failures in a row
    "RATE_LIMIT_PRINCIPAL": "100000/minute",
    "RATE_LIMIT_ANONYMOUS": "100000/minute",
    "RATE_LIMIT_CALLBACKS": "100000/minute",
    "RATE_LIMIT_PROMPTS": "1000/minute",
    "TOKENS_BY_HAND": "true",
    "MPESA_PULL_NUMBER": "0722000000",
}
READY_SECONDS = 60.0
DEADLINE_SECONDS = 30.0

Result = TypeVar("Result")
Layer = tuple[Decimal, int]
"""A quantity and what one of it cost, in cents."""


async def until(condition: Callable[[], Awaitable[Result]], *, seconds: float = DEADLINE_SECONDS) -> Result:
    """Poll until the condition gives something true, and return it; fail with the last answer when it never does."""
    end = time.monotonic() + seconds
    while True:
        found = await condition()
        if found:
            return found
        assert time.monotonic() < end, f"not within {seconds} s; last: {found!r}"
        await asyncio.sleep(0.05)


@dataclass
class StackShop:
    """A business of the stack, spoken to over HTTP with an API key that may do everything."""

    stack: "Stack"
    business_id: UUID
    http: httpx2.AsyncClient
    owner_phone: str
    products: list[UUID] = field(default_factory=list)

    async def call(self, method: str, path: str, body: Any = None, *, key: str | None = None) -> httpx2.Response:
        """Make one call under the business; a write gets an idempotency key of its own unless one is given."""
        headers = {} if method == "GET" else {"Idempotency-Key": key or str(new_id())}
        url = f"/v1/businesses/{self.business_id}{path}"
        return await self.http.request(method, url, json=body, headers=headers)

    async def get(self, path: str) -> Any:
        """Read something that must be there."""
        answer = await self.call("GET", path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def post(self, path: str, body: Any = None) -> Any:
        """Write something that must succeed."""
        answer = await self.call("POST", path, body)
        assert answer.is_success, answer.text
        return answer.json()

    async def sell(self, tenders: list[dict[str, Any]], *, quantity: str = "1", product: int = 0) -> Any:
        """Sell one product."""
        lines = [{"product_id": str(self.products[product]), "quantity": quantity}]
        return await self.post("/sales", {"lines": lines, "tenders": tenders})

    async def sell_by_prompt(self, phone: str, amount_cents: int, *, quantity: str = "1") -> Any:
        """Sell one product for an M-Pesa prompt."""
        tender = {"method": "mpesa_stk", "amount_cents": amount_cents, "phone": phone}
        return await self.sell([tender], quantity=quantity)

    async def sale_becomes(self, sale_id: str, *statuses: str) -> Any:
        """Wait until a sale is in one of these states, and return it."""

        async def look() -> Any:
            self.stack.require_alive()
            sale = await self.get(f"/sales/{sale_id}")
            return sale if sale["status"] in statuses else None

        return await until(look)

    async def payment_becomes(self, payment_id: str, *statuses: str) -> Any:
        """Wait until a payment is in one of these states, and return it."""

        async def look() -> Any:
            self.stack.require_alive()
            payment = await self.get(f"/payments/{payment_id}")
            return payment if payment["status"] in statuses else None

        return await until(look)

    async def rows(self, sql: str, *arguments: Any) -> list[Any]:
        """Return rows as the business sees them; `$1` is the business."""
        return await self.stack.rows(self.business_id, sql, *arguments)

    async def balances(self) -> dict[str, int]:
        """Return the balance of every account of the business's books, by code."""
        return await self.stack.balances(self.business_id)


@dataclass
class Stack:
    """The running processes, the database behind them and the simulator before them."""

    dsn: str
    simulator: SimulatorProcess
    environment: dict[str, str]
    base_url: str
    owner: asyncpg.Connection = field(init=False)
    database: Database = field(init=False)
    api: subprocess.Popen[bytes] | None = None
    worker: subprocess.Popen[bytes] | None = None
    _accounts: dict[str, dict[str, str]] = field(default_factory=dict)

    async def open(self) -> Self:
        """Start everything and return when the API is ready."""
        for name in ("api", "worker"):
            self._log(name).unlink(missing_ok=True)
        self.owner = await asyncpg.connect(self.dsn)
        await self._collect_accounts()
        settings = Settings.from_values(self.environment)
        self.database = Database(self.dsn, wiring=wire(tools_of(settings)), limits=PoolLimits(connections=2))
        await self.database.open()
        self.api = self._launch("api", "-m", "payme.entrypoints.api")
        self.start_worker()
        try:
            await self._await_ready()
            await until(self._has_platform)
        except BaseException:
            await self.close()
            raise
        return self

    async def close(self) -> None:
        """End every process, by its own id."""
        for process in (self.worker, self.api):
            if process is not None and process.poll() is None:
                process.terminate()
                try:
                    await asyncio.to_thread(process.wait, timeout=20)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
        await self.database.close()
        await self.owner.close()

    def start_worker(self, *, respawned: bool = False, **environment: str) -> None:
        """Start the worker process, with settings that differ from the stack's; `respawned`: again whenever it is killed."""
        program = ("respawned.py", "worker") if respawned else ("stack_worker.py",)
        script = str(Path(__file__).with_name(program[0]))
        environment["RESPAWN_SETTINGS"] = str(self._log("worker").with_suffix(".env"))
        self.worker = self._launch("worker", script, *program[1:], **environment)

    async def end_worker(self) -> None:
        """End the worker in order."""
        assert self.worker is not None, "a worker runs"
        self.worker.terminate()
        await asyncio.to_thread(self.worker.wait, timeout=20)
        self.worker = None

    def respawn_worker(self, **environment: str) -> None:
        """Kill the worker that is started again; those after it have these settings."""
        lines = "".join(f"{name}={value}\n" for name, value in environment.items())
        self._log("worker").with_suffix(".env").write_text(lines)
        self.kill_respawned()

    def kill_respawned(self) -> None:
        """Kill the worker that is started again, as a power cut would."""
        if worker := self.respawned_worker():
            os.kill(worker, signal.SIGKILL)

    def respawned_worker(self) -> int | None:
        """Return the process that works at this moment, where the worker is one that is started again."""
        assert self.worker is not None, "a worker runs"
        found = subprocess.run(
            ["ps", "-o", "pid=", "--ppid", str(self.worker.pid)], capture_output=True, text=True, check=False
        )
        return next((int(each) for each in found.stdout.split()), None)

    def kills_at(self, point: str) -> int:
        """Count how often workers have killed themselves at a named point."""
        return self._log("worker").read_text(errors="replace").count(f"{KILLED} {point}")

    def kill_worker(self) -> None:
        """Kill the worker as a power cut would."""
        assert self.worker is not None, "a worker runs"
        os.kill(self.worker.pid, signal.SIGKILL)
        self.worker.wait()
        self.worker = None

    async def make_shop(
        self, *, products: int = 1, price_cents: int = 15_000, layers: Sequence[Layer] = ((Decimal(100), 10_000),)
    ) -> StackShop:
        """Make a business that collects by the simulator's paybill, with products bought in these layers."""
        phone = f"2547{new_id().int % 100_000_000:08d}"
        command = SignUp(name="Wanjiku", phone=phone, password=SecretStr("maji-ya-chai-2026"))
        person = (await sign_up(self.database, command, visitor=Visitor("127.0.0.1", "a test"))).user
        business_id = new_id()
        actor = Actor("user", person.id, person.name, str(person.id), PERMISSIONS)

        async def run(work: Callable[[UnitOfWork], Awaitable[Result]]) -> Result:
            return await self.database.run(work, business_id=business_id, actor=actor)

        await run(lambda uow: create_business(uow, CreateBusiness(name="Duka"), owner_name="Wanjiku"))
        account = {
            "shortcode": SHOP_SHORTCODE, "account_reference": "DUKA", "environment": "sandbox", "initiator_name": "testapi",
            "initiator_password": "Safaricom999!*!",
        }  # fmt: skip
        method = ConfigureMethod.model_validate(account | self._accounts[SHOP_SHORTCODE])
        await run(lambda uow: payments.configure_method(uow, "paybill", method))
        key = await run(lambda uow: create_api_key(uow, CreateApiKey(name="Test", scopes=sorted(PERMISSIONS))))
        client = httpx2.AsyncClient(
            base_url=self.base_url, headers={"Authorization": f"Bearer {key.key}"}, timeout=15, trust_env=False
        )
        shop = StackShop(self, business_id, client, phone)
        for number in range(products):
            shop.products.append(await run(lambda uow, n=number: _stocked(uow, f"Bidhaa {n}", price_cents, layers)))
        return shop

    async def balances(self, business_id: UUID) -> dict[str, int]:
        """Return the balance of every account of a business's books, by code."""
        sql = """select a.code, coalesce(b.balance, 0) as balance from accounts a
            left join ledger_balances b on b.business_id = a.business_id and b.account_id = a.id where a.business_id = $1"""
        return {row["code"]: row["balance"] for row in await self.rows(business_id, sql)}

    async def rows(self, business_id: UUID, sql: str, *arguments: Any) -> list[Any]:
        """Return rows as a business sees them; `$1` is the business."""
        return await self.database.run(lambda uow: uow.fetch(sql, business_id, *arguments), business_id=business_id)

    def require_alive(self) -> None:
        """Fail with the end of its log when a process has ended by itself."""
        for name, process in (("api", self.api), ("worker", self.worker)):
            assert process is None or process.poll() is None, f"{name} ended:\n{self.log_tail(name)}"

    def log_tail(self, name: str) -> str:
        """Return the end of a process's log."""
        return "\n".join(self._log(name).read_text(errors="replace").splitlines()[-20:])

    def _log(self, name: str) -> Path:
        return LOGS / f"{name}-{urlsplit(self.dsn).path[1:]}.log"

    def _launch(self, name: str, *arguments: str, **environment: str) -> subprocess.Popen[bytes]:
        LOGS.mkdir(parents=True, exist_ok=True)
        path = os.pathsep.join(str(each) for each in (ROOT / "src", ROOT / "simulator", ROOT))
        with self._log(name).open("ab") as log:
            return subprocess.Popen(
                [sys.executable, *arguments],
                env={**os.environ, **self.environment, **environment, "PYTHONPATH": path},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    async def _await_ready(self) -> None:
        assert self.api is not None
        deadline = time.monotonic() + READY_SECONDS
        async with httpx2.AsyncClient(base_url=self.base_url, trust_env=False, timeout=5) as client:
            while time.monotonic() < deadline and self.api.poll() is None:
                try:
                    if (await client.get("/readyz")).status_code == 200:
                        return
                except httpx2.TransportError:
                    pass
                await asyncio.sleep(0.1)
        message = f"the API did not come up:\n{self.log_tail('api')}"
        raise RuntimeError(message)

    async def _has_platform(self) -> bool:
        try:
            return (await self.database.run(get_business, business_id=PLATFORM_BUSINESS_ID)).is_platform
        except BusinessUnknown:
            return False

    async def _collect_accounts(self) -> None:
        """Give the platform an app of its own at the simulator, and learn every paybill's credentials."""
        platform = {
            "name": "platform",
            "consumer_key": "platform-key-of-tests",
            "consumer_secret": "platform-secret-of-tests",
        }
        await self.simulator.control.send("POST", "/_sim/apps", platform)
        known = await self.simulator.control.send("GET", "/_sim/apps")
        apps = {app["name"]: app for app in known["apps"]}
        passkeys = {code["shortcode"]: code["passkey"] for code in known["shortcodes"]}
        for shortcode, app in ((SHOP_SHORTCODE, "demo"), (PLATFORM_SHORTCODE, "platform")):
            self._accounts[shortcode] = {
                "consumer_key": apps[app]["consumer_key"],
                "consumer_secret": apps[app]["consumer_secret"],
                "passkey": passkeys[shortcode],
            }
        for name, value in self._accounts[PLATFORM_SHORTCODE].items():
            self.environment[f"MPESA_{name.upper()}"] = value
        self.environment["MPESA_CERTIFICATE"] = (await self.simulator.control.certificate()).decode()


async def _stocked(uow: UnitOfWork, name: str, price_cents: int, layers: Sequence[Layer]) -> UUID:
    product = await create_product(uow, CreateProduct(name=name, price_cents=price_cents, vat_class=VatClass.B))
    for quantity, unit_cents in layers:
        command = ReceiveGoods(product_id=product.id, quantity=quantity, total_cost_cents=int(quantity * unit_cents))
        await receive_goods(uow, command)
    return product.id


@asynccontextmanager
async def open_stack(base_dsn: str, name: str, *simulator: str, **settings: str) -> AsyncGenerator[Stack]:
    """Start a stack of its own on a fresh database, with settings and simulator options that differ from the scaled ones."""
    dsn = await copy_database(base_dsn, name)
    with SimulatorProcess(*(simulator or SIMULATOR)) as sim:
        port = _free_port()
        base_url = f"http://127.0.0.1:{port}"
        environment = {
            **SCALED, "DATABASE_URL": dsn, "PORT": str(port), "MPESA_BASE_URL": sim.base_url,
            "MPESA_CALLBACK_BASE_URL": base_url, **settings,
        }  # fmt: skip
        opened = Stack(dsn, sim, environment, base_url)
        try:
            yield await opened.open()
        finally:
            await opened.close()
    await drop_database(base_dsn, name)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def stack(base_dsn: str, worker_name: str) -> AsyncGenerator[Stack]:
    """The stack of this test process."""
    async with open_stack(base_dsn, f"extra_{worker_name}_stack") as opened:
        yield opened


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
