"""The Dockerfile built step by step without a container engine, and what came out of it migrated, started and asked.

Isolation is a chroot: the file system and the user are the image's, the network is this machine's. That the root is read-only and
capabilities are gone is shown by ci.yml. Runs as `make image-check` only, because it takes minutes.
"""

import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.deploy import debian_base, native

IMAGE = "localhost/payme"
READY_SECONDS = 300.0
pytestmark = [
    pytest.mark.timeout(3600),
    pytest.mark.skipif("PAYME_BUILD_IMAGE" not in os.environ, reason="takes minutes: make image-check"),
    pytest.mark.skipif(debian_base.why_not() is not None, reason=str(debian_base.why_not())),
]


@pytest.fixture(scope="module")
def container() -> Iterator[str]:
    """Build the Dockerfile and make a container of the image; return its name."""
    base = debian_base.ensure_base()
    build = ["--isolation", "chroot", "--format", "docker", "--pull-never", "--build-arg", f"BASE_IMAGE={base}"]
    debian_base.run(*debian_base.words("bud", *build, "--tag", IMAGE, "."))
    name = debian_base.run(*debian_base.words("from", "--pull-never", IMAGE)).split()[-1]
    yield name
    debian_base.run(*debian_base.words("rm", name))


def inside(container: str, *command: str, **settings: str) -> list[str]:
    variables = [word for name, value in settings.items() for word in ("--env", f"{name}={value}")]
    return debian_base.words("run", "--isolation", "chroot", *variables, container, "--", *command)


def test_the_image_says_what_an_engine_has_to_know(container: str):
    config = json.loads(debian_base.run(*debian_base.words("inspect", "--type", "image", IMAGE)))["Docker"]["config"]
    assert (config["User"], config["Cmd"], config["StopSignal"]) == ("10001:10001", ["payme", "api"], "SIGTERM")
    assert config["Healthcheck"]["Test"][:4] == ["CMD", "python", "-m", "payme.entrypoints.health"]
    assert not config.get("Entrypoint")


def test_it_runs_as_a_number_and_can_install_nothing(container: str):
    who = debian_base.run(*inside(container, "python", "-c", "import os; print(os.getuid(), os.getgid())"))
    assert who.split() == ["10001", "10001"]
    pip = subprocess.run(
        inside(container, "python", "-m", "pip", "--version"), capture_output=True, text=True, check=False
    )
    assert (pip.returncode, "No module named pip" in pip.stderr) == (1, True)
    write = subprocess.run(
        inside(container, "python", "-c", "open('/opt/payme/x', 'w')"), capture_output=True, text=True, check=False
    )
    assert "Permission denied" in write.stderr


def start_and_ask(container: str, settings: dict[str, str], log: Path) -> None:
    """Start the API inside, wait for the image's own health check, ask once, and end it."""
    url = f"http://127.0.0.1:{settings['PORT']}"
    with log.open("wb") as stream:
        api = inside(container, "payme", "api", **settings)
        process = subprocess.Popen(api, stdout=stream, stderr=subprocess.STDOUT)
    try:
        check = inside(container, "python", "-m", "payme.entrypoints.health", f"{url}/readyz")
        deadline = time.monotonic() + READY_SECONDS
        while subprocess.run(check, capture_output=True, check=False).returncode != 0:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
        assert httpx2.get(f"{url}/health").json()["status"] == "healthy"
        till = httpx2.get(f"{url}/till/")
        assert (till.status_code, "/till/assets/" in till.text) == (200, True)
    finally:
        process.terminate()
        process.wait(60)


async def test_it_migrates_starts_and_is_healthy_by_its_own_check(
    container: str, make_database: Callable[..., Any], tmp_path: Path
):
    port = str(native.free_port())
    settings = {"APP_ENV": "test", "DATABASE_URL": await make_database(), "HOST": "127.0.0.1", "PORT": port}
    assert "Nothing to do" in debian_base.run(*inside(container, "payme", "migrate", "up", **settings))
    start_and_ask(container, settings, tmp_path / "api.log")
