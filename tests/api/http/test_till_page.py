"""The till's files as a browser gets them: one origin, no script that is not a file, hashed files for ever, the rest asked for again."""

import re
from collections.abc import Callable
from pathlib import Path

import httpx2
import pytest

import payme
from tools.web import build

MakeClient = Callable[..., httpx2.AsyncClient]
FOLDER = Path(payme.__file__).parent / "web" / "till"


@pytest.fixture(scope="module", autouse=True)
def _built() -> None:
    build()


@pytest.fixture
def client(make_client: MakeClient) -> httpx2.AsyncClient:
    return make_client(token=None)


async def test_the_page_runs_only_files_of_its_own_origin(client: httpx2.AsyncClient):
    page = await client.get("/till/")
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    assert page.headers["cache-control"] == "no-cache"
    policy = dict(part.strip().split(" ", 1) for part in page.headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'self'"
    assert policy["script-src"] == "'self' 'wasm-unsafe-eval'"
    assert "unsafe-inline" not in page.headers["content-security-policy"]
    for forbidden in ("<style", "style=", "onclick", "<script>", "http://", "https://"):
        assert forbidden not in page.text
    scripts = re.findall(r'<script[^>]* src="(/till/assets/[^"]+)"', page.text)
    assert len(scripts) == 1
    assert (await client.get(scripts[0])).headers["content-type"].startswith("text/javascript")


async def test_what_has_a_hash_in_its_name_is_kept_for_ever_and_nothing_else(client: httpx2.AsyncClient):
    for path in sorted(each.relative_to(FOLDER) for each in FOLDER.rglob("*") if each.is_file()):
        answer = await client.get(f"/till/{path}")
        assert answer.status_code == 200, path
        kept = answer.headers["cache-control"]
        assert kept == ("public, max-age=31536000, immutable" if path.parts[0] == "assets" else "no-cache")
        assert answer.content == (FOLDER / path).read_bytes()
        known = await client.get(f"/till/{path}", headers={"if-none-match": answer.headers["etag"]})
        assert (known.status_code, known.content) == (304, b"")


async def test_the_service_worker_may_fetch_and_has_the_tills_scope(client: httpx2.AsyncClient):
    worker = await client.get("/till/sw.js")
    assert worker.headers["content-type"].startswith("text/javascript")
    # A worker lives under the policy of its own file; one that may fetch nothing could keep nothing.
    assert worker.headers["content-security-policy"].startswith("default-src 'self'")
    manifest = (await client.get("/till/manifest.webmanifest")).json()
    assert (manifest["scope"], manifest["start_url"], manifest["display"]) == ("/till/", "/till/", "standalone")
    for icon in manifest["icons"]:
        assert (await client.get(f"/till/{icon['src']}")).headers["content-type"] == "image/png"


async def test_a_text_is_squeezed_for_who_can_read_it(client: httpx2.AsyncClient):
    plain = await client.get("/till/sw.js", headers={"accept-encoding": "identity"})
    squeezed = await client.get("/till/sw.js", headers={"accept-encoding": "gzip"})
    assert "content-encoding" not in plain.headers
    assert squeezed.headers["content-encoding"] == "gzip"
    assert squeezed.content == plain.content
    assert {plain.headers["vary"], squeezed.headers["vary"]} == {"accept-encoding"}


@pytest.mark.parametrize(
    "path",
    ["/till/none.js", "/till/%2e%2e", "/till/assets/%2e%2e", "/till/.hidden", "/till/assets/%2e%2e%2findex.html"],
)
async def test_nothing_but_what_was_built_is_given(client: httpx2.AsyncClient, path: str):
    assert (await client.get(path)).status_code == 404


async def test_the_bare_address_leads_to_the_folder(client: httpx2.AsyncClient):
    answer = await client.get("/till")
    assert (answer.status_code, answer.headers["location"]) == (308, "/till/")
