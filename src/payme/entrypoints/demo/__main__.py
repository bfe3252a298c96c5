"""Start the demo, print where it is, and end it with Ctrl-C; `--no-wait` leaves it running and `--stop` ends it."""

import argparse
import asyncio
import json
import os
import signal
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from payme.entrypoints.demo.processes import Processes
from payme.entrypoints.demo.shop import CASHIERS, DAYS, OWNER, PAYING_PHONE, DemoShop, MpesaAccount, ShopMaker, be_told
from payme.entrypoints.features import wire
from payme.entrypoints.wiring import tools_of
from payme.features.businesses import PLATFORM_BUSINESS_ID, ensure_platform_business
from payme.features.identity import MakeDeviceCode, make_code
from payme.kit.time import FrozenClock, SystemClock
from payme.runtime.database import Database, PoolLimits
from payme.runtime.database.embedded import EmbeddedServer, EmbeddedServerError
from payme.runtime.database.migrate_cli import migrations_folder
from payme.runtime.database.migrations import MigrationError, Migrator
from payme.runtime.observability import configure_logging
from payme.runtime.settings import Settings

ROOT: Final = Path(__file__).resolve().parents[4]
_READY_SECONDS: Final = 60.0
_STEPS_BESIDE_DAYS: Final = 3
_PLATFORM_APP: Final = {
    "name": "platform",
    "consumer_key": "payme-platform-key",
    "consumer_secret": "payme-platform-secret",
}
console = Console()


def main() -> int:
    """Do what the command line asks for; the exit status is 0 when the demo came up or was ended."""
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--no-wait", action="store_true", help="leave at once, with everything running")
    parser.add_argument("--fresh", action="store_true", help="begin with an empty database")
    parser.add_argument("--stop", action="store_true", help="end a running demo")
    parser.add_argument("--port", type=int, default=_port("PORT", 3000))
    parser.add_argument("--sim-port", type=int, default=_port("SIM_PORT", 8900))
    parser.add_argument("--folder", type=Path, default=ROOT / ".demo", help="where the demo keeps what it makes")
    parser.add_argument("--days", type=int, default=DAYS, help="how many days the shop has traded")
    arguments = parser.parse_args()
    demo = Demo(arguments.folder.resolve(), arguments.port, sim_port=arguments.sim_port, days=arguments.days)
    signal.signal(signal.SIGTERM, _as_interrupt)
    configure_logging("warning")
    if arguments.stop:
        demo.stop()
        console.print("The demo is stopped.")
        return 0
    try:
        demo.stop()
        demo.start(fresh=arguments.fresh)
        if not arguments.no_wait:
            console.print("\nPress Ctrl-C to end it.")
            demo.watch()
    except KeyboardInterrupt:
        console.print("\nStopping …")
        demo.stop()
    except MigrationError as error:
        console.print(str(error), style="red", markup=False)
        console.print("The demo's database is of another version; `make demo ARGS=--fresh` begins anew.")
        demo.stop()
        return 1
    except (EmbeddedServerError, DemoFailed) as error:
        console.print(str(error), style="red", markup=False)
        demo.stop()
        return 1
    return 0


class DemoFailed(Exception):
    """The demo did not come up; the message says what to look at."""


class Demo:
    """Database, simulator, API and worker on this machine."""

    def __init__(self, folder: Path, port: int, *, sim_port: int, days: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.days = folder, days
        self.base_url, self.simulator_url = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{sim_port}"
        self.port, self.sim_port = port, sim_port
        self.server = EmbeddedServer(folder / "postgres")
        self.processes = Processes(folder)
        self.shop_file = folder / "shop.json"
        self.certificate_file = folder / "certificate.pem"

    def start(self, *, fresh: bool) -> None:
        """Bring everything up and print where it is. Raises: DemoFailed, EmbeddedServerError."""
        began = time.monotonic()
        if fresh or not self.shop_file.exists():
            # A shop that was half made is made anew.
            self.shop_file.unlink(missing_ok=True)
            self.server.destroy()
        dsn = self.server.start().dsn("payme")
        _say("PostgreSQL", self.server.relocation or "")
        applied = asyncio.run(Migrator(dsn, migrations_folder(), say=_silent).up())
        _say("Schema", f"{applied} migration{'s' * (applied != 1)} applied" if applied else "at its head")
        accounts = self._start_simulator()
        values = self._values(dsn, accounts["650880"])
        certificate = self.certificate_file.read_text(encoding="utf-8")
        settings = Settings.from_values(values | {"MPESA_CERTIFICATE": certificate})
        shop = self._shop(settings, accounts)
        code = asyncio.run(_prepare(settings, UUID(shop["business_id"])))
        values["MPESA_CERTIFICATE_FILE"] = str(self.certificate_file)
        for name in ("api", "worker"):
            self.processes.start(name, f"payme.entrypoints.{name}", environment=values)
        lines = (f"{name}={value}" for name, value in values.items())
        _write_private(self.folder / "demo.env", "\n".join([*lines, ""]))
        self._await(f"{self.base_url}/readyz", "api")
        _say("API and worker")
        self._announce(shop, accounts["174379"], code=code, seconds=time.monotonic() - began)

    def watch(self) -> None:
        """Wait until interrupted; say so when a process ends by itself. Raises: DemoFailed."""
        while True:
            time.sleep(1)
            if dead := self.processes.dead():
                raise DemoFailed(f"{dead[0]} ended by itself:\n{self.processes.log_tail(dead[0])}")

    def stop(self) -> None:
        """End every process of the demo."""
        self.processes.stop()
        self.server.stop()

    def _values(self, dsn: str, platform: MpesaAccount) -> dict[str, str]:
        return {
            "DATABASE_URL": dsn,
            "PORT": str(self.port),
            "SIM_PORT": str(self.sim_port),
            "MPESA_BASE_URL": self.simulator_url,
            "MPESA_CALLBACK_BASE_URL": self.base_url,
            "MPESA_CONSUMER_KEY": platform.consumer_key,
            "MPESA_CONSUMER_SECRET": platform.consumer_secret,
            "MPESA_PASSKEY": platform.passkey,
            "MPESA_CALLBACK_SOURCES": "127.0.0.1",
            "RATE_LIMIT_PRINCIPAL": "60000/minute",
            "RATE_LIMIT_PROMPTS": "600/minute",
            "LOG_LEVEL": "warning",
        }

    def _start_simulator(self) -> dict[str, MpesaAccount]:
        """Start the simulator and return its paybills by short code; each collects with an app of its own."""
        # Without its rule against equal payments in a row, so that the phone that pays always does.
        arguments = ("--port", str(self.sim_port), "--no-repeat-rule", "--key-file", str(self.folder / "simulator.key"))
        self.processes.start("simulator", "payme_sim", *arguments, environment={})
        self._await(f"{self.simulator_url}/_sim/health", "simulator")
        _write_private(self.certificate_file, _fetch(f"{self.simulator_url}/_sim/certificate"))
        _call("POST", f"{self.simulator_url}/_sim/apps", _PLATFORM_APP)
        known = _call("GET", f"{self.simulator_url}/_sim/apps")
        apps = {app["name"]: app for app in known["apps"]}
        codes = {code["shortcode"]: code["passkey"] for code in known["shortcodes"]}
        _say("M-Pesa simulator")
        return {
            code: MpesaAccount(apps[app]["consumer_key"], apps[app]["consumer_secret"], code, codes[code])
            for code, app in (("174379", "demo"), ("651200", "demo"), ("650880", "platform"))
        }

    def _shop(self, settings: Settings, accounts: dict[str, MpesaAccount]) -> dict[str, Any]:
        if self.shop_file.exists():
            return json.loads(self.shop_file.read_text(encoding="utf-8"))
        columns = (TextColumn("  {task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, console=console) as progress:
            task = progress.add_task(f"{self.days} days of trade", total=self.days + _STEPS_BESIDE_DAYS)
            made = asyncio.run(_make_shop(settings, accounts, days=self.days, advance=lambda _: progress.advance(task)))
        shop = {
            "business_id": str(made.business_id),
            "api_key": made.api_key,
            "products": [
                {"id": str(each.id), "name": each.name, "price_cents": each.price_cents} for each in made.products
            ],
        }
        _write_private(self.shop_file, json.dumps(shop))
        return shop

    def _await(self, url: str, name: str) -> None:
        deadline = time.monotonic() + _READY_SECONDS
        while time.monotonic() < deadline:
            if name in self.processes.dead():
                break
            try:
                _call("GET", url)
            except (urllib.error.URLError, OSError, ValueError):
                time.sleep(0.1)
            else:
                return
        raise DemoFailed(f"{name} did not come up; the end of its log:\n{self.processes.log_tail(name)}")

    def _announce(self, shop: dict[str, Any], account: MpesaAccount, *, code: str, seconds: float) -> None:
        name, phone, password = OWNER
        document = {
            "base_url": self.base_url,
            "simulator_url": self.simulator_url,
            **shop,
            "owner": {"identifier": phone, "password": password},
            "cashiers": [{"name": cashier, "pin": pin} for cashier, _, pin in CASHIERS],
            "stk_phone": PAYING_PHONE,
            "simulator_credentials": {
                "consumer_key": account.consumer_key,
                "consumer_secret": account.consumer_secret,
                "shortcode": account.shortcode,
                "passkey": account.passkey,
            },
        }
        file = _write_private(self.folder / "demo.json", json.dumps(document, indent=2))
        console.print(f"\n[bold]PayMe is up[/bold] after {seconds:.0f} s.\n")
        for label, url in self._urls():
            console.print(f"  {label:<22} {url}", highlight=False)
        till = f"{self.base_url}/till/#/register/{code}"
        console.print(
            f"\n  The till, to be registered within a quarter of an hour: {till}", highlight=False, soft_wrap=True
        )
        pins = ", ".join(f"{cashier} {pin}" for cashier, _, pin in CASHIERS)
        console.print(f"  PINs at the till: {pins}", highlight=False)
        console.print(f"  Owner {name}: {phone}, password {password}", highlight=False)
        console.print(f"  Everything a program needs: {_shown(file)}", highlight=False)
        settings = _shown(self.folder / "demo.env")
        console.print(f"  The operator's command: (set -a; . {settings}; .venv/bin/payme doctor)\n", highlight=False)
        console.print("Sell two of the first product for cash:\n")
        console.print(_sale_by_curl(self.base_url, shop), highlight=False, markup=False, soft_wrap=True)

    def _urls(self) -> list[tuple[str, str]]:
        return [
            ("API reference", f"{self.base_url}/docs"),
            ("OpenAPI document", f"{self.base_url}/openapi.json"),
            ("Health", f"{self.base_url}/health"),
            ("Metrics", f"{self.base_url}/metrics"),
            ("The customer's phone", f"{self.simulator_url}/phone"),
            ("Simulator transcript", f"{self.simulator_url}/_sim/transcript"),
        ]


async def _make_shop(
    settings: Settings, accounts: dict[str, MpesaAccount], *, days: int, advance: Callable[[str], None]
) -> DemoShop:
    clock = FrozenClock(SystemClock().now())
    dsn = settings.database_url.get_secret_value()
    limits = PoolLimits(connections=1)
    database = await Database(dsn, wiring=wire(tools_of(settings)), clock=clock, limits=limits).open()
    try:
        await database.run(ensure_platform_business, business_id=PLATFORM_BUSINESS_ID)
        return await ShopMaker(database, clock, accounts, advance, days=days).make()
    finally:
        await database.close()


async def _prepare(settings: Settings, business_id: UUID) -> str:
    """Have payments told, and return a code that registers a till."""
    dsn = settings.database_url.get_secret_value()
    database = await Database(dsn, wiring=wire(tools_of(settings)), limits=PoolLimits(connections=1)).open()
    try:
        await be_told(database, business_id)
        command = MakeDeviceCode(name="Counter")
        made = await database.run(lambda uow: make_code(uow, command), business_id=business_id)
        return made.code
    finally:
        await database.close()


def _sale_by_curl(base_url: str, shop: dict[str, Any]) -> str:
    product = shop["products"][0]
    amount = 2 * product["price_cents"]
    body = {
        "lines": [{"product_id": product["id"], "quantity": "2"}],
        "tenders": [{"method": "cash", "amount_cents": amount, "received_cents": -(-amount // 10_000) * 10_000}],
    }
    return (
        f"curl -s {base_url}/v1/businesses/{shop['business_id']}/sales \\\n"
        f"  -H 'Authorization: Bearer {shop['api_key']}' \\\n"
        f"  -H 'Content-Type: application/json' -H \"Idempotency-Key: $(date +%s)-$RANDOM\" \\\n"
        f"  -d '{json.dumps(body)}'"
    )


def _fetch(url: str) -> str:
    with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 -- loopback, our own processes
        return answer.read().decode()


def _call(method: str, url: str, body: object = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, method=method, headers={"Content-Type": "application/json"})  # noqa: S310 -- loopback, our own processes
    with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310 -- loopback, our own processes
        return json.loads(answer.read() or b"null")


def _shown(file: Path) -> Path:
    return file.relative_to(ROOT) if file.is_relative_to(ROOT) else file


def _write_private(file: Path, text: str) -> Path:
    """Write a file that holds secrets of the demo, readable to its owner alone."""
    file.unlink(missing_ok=True)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as written:
        written.write(text)
    return file


def _say(what: str, more: str = "") -> None:
    console.print(f"  [green]✓[/green] {what}" + (f" [dim]{more}[/dim]" if more else ""), highlight=False)


def _silent(_message: str) -> None:
    """Say nothing; the demo prints its own lines."""


def _port(variable: str, standard: int) -> int:
    return int(os.environ.get(variable) or standard)


def _as_interrupt(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
