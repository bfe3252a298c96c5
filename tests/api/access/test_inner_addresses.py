"""Row 32: nobody can make the server call an address of their choice, because no request of the API gives it one.

Addresses that are called come from the operator's settings. The first test fails as soon as a field for an address appears: its
guard, and the forty spellings against it, belong in the same change. The second calls back whoever looks at any text.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from copy import deepcopy
from typing import Any

import pytest
import pytest_asyncio

from payme.runtime.database import Database
from payme.runtime.http.operation import Operation
from payme.runtime.settings import Settings
from tests.api.access.conftest import Belongings, MakeClient
from tests.api.access.test_every_route import TENANT, address, example_of, sent
from tests.application import make_application
from tests.fault_rows import FaultRow
from tests.people import Shop

pytestmark = pytest.mark.fault_row(32)
ADDRESS_FORMATS = {"uri", "url", "uri-reference", "iri", "uri-template", "hostname", "ipv4", "ipv6", "idn-hostname"}
ADDRESS_NAMES = re.compile(
    r"(^|_)(ur[il]s?|links?|href|hosts?|hostname|endpoints?|webhooks?|callbacks?|domains?|logo|image|avatar|picture|site)($|_)"
)
GUARDED_FIELDS: dict[str, str] = {}
"""Fields that take an address, each with the test that tries forty inner addresses on it."""
SPELLINGS = (
    "http://127.0.0.1:{port}/", "http://localhost:{port}/", "http://LOCALHOST:{port}", "http://localhost.:{port}/",
    "http://127.1:{port}/", "http://127.0.1:{port}/", "http://0:{port}/", "http://0.0.0.0:{port}/", "http://2130706433:{port}/",
    "http://0x7f000001:{port}/", "http://0x7f.0.0.1:{port}/", "http://017700000001:{port}/", "http://0177.0.0.1:{port}/",
    "http://127.0.0.1.nip.io:{port}/", "http://127.127.127.127:{port}/", "http://[::1]:{port}/", "http://[::]:{port}/",
    "http://[::ffff:127.0.0.1]:{port}/", "http://[::ffff:7f00:1]:{port}/", "http://[0:0:0:0:0:0:0:1]:{port}/",
    "http://[64:ff9b::127.0.0.1]:{port}/", "http://[2002:7f00:1::]:{port}/", "http://user@127.0.0.1:{port}/",
    "http://shop.example@127.0.0.1:{port}/", "http://127.0.0.1:{port}#@shop.example/", "http://127.0.0.1:{port}\\@shop.example/",
    "http://①②⑦.⓪.⓪.①:{port}/", "http://127。0。0。1:{port}/", "//127.0.0.1:{port}/", "https://127.0.0.1:{port}/",
    "ftp://127.0.0.1:{port}/", "gopher://127.0.0.1:{port}/_x", "dict://127.0.0.1:{port}/x", "ldap://127.0.0.1:{port}/",
    "ws://127.0.0.1:{port}/", "http://127.0.0.1:{port}/?url=http://127.0.0.1:{port}/", "http:127.0.0.1:{port}/",
    "http://169.254.169.254/latest/meta-data/", "file:///etc/passwd", "<img src='http://127.0.0.1:{port}/x.png'>",
)  # fmt: skip


def fields(schema: Any, components: dict[str, Any], *, seen: frozenset[str] = frozenset()) -> Iterator[tuple[str, Any]]:
    """Yield name and schema of each property that a schema lets in, through its references."""
    if isinstance(schema, list):
        for each in schema:
            yield from fields(each, components, seen=seen)
        return
    if not isinstance(schema, dict):
        return
    name = str(schema.get("$ref", "")).rpartition("/")[2]
    if name and name not in seen:
        yield from fields(components[name], components, seen=seen | {name})
    for field, inner in schema.get("properties", {}).items():
        yield field, inner
    for inner in schema.values():
        yield from fields(list(inner.values()) if isinstance(inner, dict) else inner, components, seen=seen)


def formats(schema: Any) -> set[str]:
    """Return the formats that stand anywhere in a schema."""
    if isinstance(schema, list):
        return set().union(*map(formats, schema))
    if not isinstance(schema, dict):
        return set()
    return {str(schema.get("format", ""))}.union(*(formats(inner) for inner in schema.values()))


def taken_in(document: dict[str, Any]) -> Iterator[tuple[str, str, Any]]:
    """Yield operation, name and schema of everything that a request may hold."""
    components = document["components"]["schemas"]
    for item in document["paths"].values():
        for method, operation in item.items():
            if method == "parameters":
                continue
            for parameter in [*operation.get("parameters", ()), *item.get("parameters", ())]:
                yield operation["operationId"], parameter["name"], parameter.get("schema", {})
            body = operation.get("requestBody", {}).get("content", {})
            for name, schema in fields([each.get("schema", {}) for each in body.values()], components):
                yield operation["operationId"], name, schema


def test_no_request_holds_an_address(database: Database, settings: Settings, row: FaultRow):
    document = make_application(settings, database).openapi()
    found = list(taken_in(document))
    assert len(found) > 150
    assert {"sales_create", "products_create", "payment_methods_configure"} <= {operation for operation, _, _ in found}
    for operation, name, schema in found:
        is_address = ADDRESS_NAMES.search(name.lower()) or formats(schema) & ADDRESS_FORMATS
        assert not is_address or f"{operation}.{name}" in GUARDED_FIELDS, f"{operation} takes an address in {name}"
        row.counts["sent"] += 1


@pytest.mark.parametrize("name", ["logo_url", "webhook", "callback_link", "host"])
def test_a_field_for_an_address_would_be_seen(name: str, row: FaultRow):
    inner = {
        "Shop": {"properties": {"contact": {"$ref": "#/components/schemas/Contact"}}},
        "Contact": {"properties": {name: {}}},
    }
    names = [field for field, _ in fields({"$ref": "#/components/schemas/Shop"}, inner)]
    assert any(ADDRESS_NAMES.search(each) for each in names)
    assert formats({"anyOf": [{"type": "string", "format": "uri"}, {"type": "null"}]}) & ADDRESS_FORMATS


class Trap:
    """A server on the loopback that counts whoever calls."""

    def __init__(self) -> None:
        self.calls = 0
        self.port = 0

    async def hear(self, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.calls += 1
        writer.close()


@pytest_asyncio.fixture(scope="module")
async def trap() -> AsyncIterator[Trap]:
    made = Trap()
    server = await asyncio.start_server(made.hear, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    yield made
    server.close()
    await server.wait_closed()


def texts(body: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the place of every text in a body."""
    if isinstance(body, str):
        yield path
    inner = body.items() if isinstance(body, dict) else enumerate(body) if isinstance(body, list) else ()
    for name, each in inner:
        yield from texts(each, (*path, name))


def with_text(body: Any, path: tuple[Any, ...], text: str) -> Any:
    """Return the body with this text in one place; without a place, in fields that the route does not know."""
    changed = deepcopy(body)
    if not path:
        unknown = {"url": text, "logo_url": text, "callback_url": text, "webhook": {"url": text}}
        return {**changed, **unknown} if isinstance(changed, dict) else changed
    place = changed
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = text
    return changed


async def test_the_trap_hears(trap: Trap, row: FaultRow):
    _, writer = await asyncio.open_connection("127.0.0.1", trap.port)
    writer.close()
    deadline = asyncio.get_running_loop().time() + 10
    while not trap.calls:
        assert asyncio.get_running_loop().time() < deadline
        await asyncio.sleep(0.01)
    trap.calls = 0


@pytest.mark.parametrize("operation", [each for each in TENANT if each.body_type], ids=lambda each: each.name)
async def test_no_text_makes_the_server_call(
    operation: Operation, trap: Trap, make_client: MakeClient, staffed: Shop, own: Belongings, row: FaultRow
):
    client, body = make_client(staffed.owner.access_token), example_of(operation)
    places = list(texts(body))
    for number, spelling in enumerate(row.rng.sample(SPELLINGS, row.size(8, len(SPELLINGS)))):
        few = [places[number % len(places)]] if places else []
        for path in [(), *(few if row.size(1, 0) else places)]:
            text = spelling.format(port=trap.port)
            request = sent(operation, with_text(body, path, text))
            host = {"host": f"127.0.0.1:{trap.port}", "x-forwarded-host": f"127.0.0.1:{trap.port}"}
            request["headers"] = {**request["headers"], **host, "referer": f"http://127.0.0.1:{trap.port}/"}
            answer = await client.request(operation.method, address(operation, staffed.id, own), **request)
            assert answer.status_code < 500, answer.text
            row.counts["sent"] += 1
    assert trap.calls == 0
