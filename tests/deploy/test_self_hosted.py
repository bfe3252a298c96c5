"""systemd units and nginx: checked by their own programs, and one request led through nginx with TLS to a running API."""

import contextlib
import re
import ssl
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.deploy import native
from tests.deploy.programs import program

ROOT = Path(__file__).resolve().parents[2]
UNITS = sorted((ROOT / "deploy" / "systemd").glob("*.service"))
CONFIG = ROOT / "deploy" / "nginx" / "payme.conf"
NAME = "pay.example.co.ke"
METRICS_TOKEN = "of-this-test-alone"
# Of ten; what is left is the network, which both processes are for.
MOST_EXPOSED = 2.0


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_systemd_understands_the_unit(unit: Path, tmp_path: Path):
    copy = tmp_path / unit.name
    # The release is not installed here, and a unit whose program is missing is refused.
    copy.write_text(unit.read_text(encoding="utf-8").replace("/opt/payme/current/bin/payme", "/bin/true"))
    done = subprocess.run(
        [program("systemd-analyze"), "verify", "--man=no", str(copy)],
        text=True,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert [line for line in done.stderr.splitlines() if unit.name in line] == []
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_systemd_finds_little_that_the_unit_could_still_do(unit: Path):
    done = subprocess.run(
        [program("systemd-analyze"), "security", "--offline=yes", "--no-pager", str(unit)],
        text=True,
        capture_output=True,
        timeout=60,
        check=False,
    )
    (exposure,) = re.findall(r"Overall exposure level for \S+ ([0-9.]+)", done.stdout + done.stderr) or [""]
    if not exposure:
        pytest.skip(f"this systemd cannot judge a unit that is not loaded: {done.stderr.strip()}")
    assert float(exposure) <= MOST_EXPOSED


def test_both_processes_have_a_unit_that_migrates_first_and_comes_back():
    assert [unit.name for unit in UNITS] == ["payme-api.service", "payme-worker.service"]
    for unit in UNITS:
        text = unit.read_text(encoding="utf-8")
        process = unit.stem.removeprefix("payme-")
        assert (
            f"ExecStartPre=/opt/payme/current/bin/payme migrate up\nExecStart=/opt/payme/current/bin/payme {process}\n"
            in text
        )
        assert "Restart=always" in text


def adapted(folder: Path, *, https: int, http: int, api: int) -> Path:
    """Write the committed configuration for this machine: ports, certificate, logs; return the path of the main file."""
    pem, key = folder / "cert.pem", folder / "key.pem"
    subject = ["-subj", f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME}"]
    command = [program("openssl"), "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *subject]
    subprocess.run([*command, "-keyout", str(key), "-out", str(pem)], capture_output=True, timeout=60, check=True)
    text = CONFIG.read_text(encoding="utf-8")
    for old, new in {
        f"/etc/letsencrypt/live/{NAME}/fullchain.pem": str(pem),
        f"/etc/letsencrypt/live/{NAME}/privkey.pem": str(key),
        "/var/log/nginx/": f"{folder}/",
        "127.0.0.1:3000": f"127.0.0.1:{api}",
        "listen 80;": f"listen 127.0.0.1:{http};",
        "listen 443 ssl http2;": f"listen 127.0.0.1:{https} ssl http2;",
        "    listen [::]:80;\n": "",
        "    listen [::]:443 ssl http2;\n": "",
    }.items():
        assert old in text, old
        text = text.replace(old, new)
    (folder / "payme.conf").write_text(text)
    temporary = "".join(
        f"{each}_temp_path {folder}/{each};" for each in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    main = folder / "nginx.conf"
    main.write_text(
        f"pid {folder}/nginx.pid; error_log {folder}/start.log; daemon off; worker_processes 1; events {{}}\n"
        f"http {{ {temporary} include {folder}/payme.conf; }}\n"
    )
    return main


@contextlib.contextmanager
def nginx(main: Path):
    """Run nginx on that configuration and end it."""
    process = subprocess.Popen(
        [program("nginx"), "-c", str(main), "-p", str(main.parent), "-e", str(main.parent / "start.log")]
    )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(30)


def test_nginx_accepts_the_configuration(tmp_path: Path):
    main = adapted(tmp_path, https=native.free_port(), http=native.free_port(), api=3000)
    command = [program("nginx"), "-t", "-c", str(main), "-p", str(tmp_path), "-e", str(tmp_path / "start.log")]
    done = subprocess.run(command, text=True, capture_output=True, timeout=60, check=False)
    assert "warn" not in done.stderr, done.stderr
    assert done.returncode == 0, done.stderr


async def test_a_stranger_reaches_the_api_through_tls_and_nothing_else(
    make_database: Callable[..., Any], tmp_path: Path
):
    https, http, api, log = native.free_port(), native.free_port(), native.free_port(), tmp_path / "api.log"
    main = adapted(tmp_path, https=https, http=http, api=api)
    settings = {
        "APP_ENV": "test",
        "DATABASE_URL": await make_database(),
        "PORT": str(api),
        "PUBLIC_BASE_URL": f"https://{NAME}",
        "TRUSTED_PROXIES": "127.0.0.1",
        "METRICS_TOKEN": METRICS_TOKEN,
    }
    with native.started(["payme", "api"], settings, log) as process, nginx(main):
        native.until_healthy(
            ["python", "-m", "payme.entrypoints.health", f"http://127.0.0.1:{api}/readyz"], process, log
        )
        look(f"https://127.0.0.1:{https}", f"http://127.0.0.1:{http}", tmp_path)
    logged = (tmp_path / "payme.access.log").read_text()
    assert "/health" in logged
    assert "/d/" not in logged


def look(secure: str, plain: str, folder: Path) -> None:
    """Ask what a stranger can ask from outside."""
    trusted = ssl.create_default_context(cafile=str(folder / "cert.pem"))
    extensions = {"sni_hostname": NAME}
    with httpx2.Client(verify=trusted, headers={"Host": NAME}) as client:
        answer = client.get(f"{secure}/health", extensions=extensions)
        assert (answer.status_code, answer.json()["status"]) == (200, "healthy")
        assert "max-age" in answer.headers["strict-transport-security"]
        assert client.post(f"{secure}/d/{'0' * 40}/stk", json={}, extensions=extensions).status_code == 404
        assert client.post(f"{secure}/d/x/stk", content=b"x" * 70_000, extensions=extensions).status_code == 413
        assert client.post(f"{secure}/v1/x", content=b"x" * (11 << 20), extensions=extensions).status_code == 413
        # Metrics are for the machine itself, which is where this test stands, and for who has the token.
        bearer = {"Authorization": f"Bearer {METRICS_TOKEN}"}
        assert client.get(f"{secure}/metrics", extensions=extensions, headers=bearer).status_code == 200
        assert client.get(f"{secure}/metrics", extensions=extensions).status_code == 401
        moved = client.get(f"{plain}/health")
        assert (moved.status_code, moved.headers["location"]) == (308, f"https://{NAME}/health")
