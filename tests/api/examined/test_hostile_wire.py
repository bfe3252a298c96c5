"""Broken HTTP on a socket, against the server as it is deployed: no failure, no smuggled request, and the next caller is served."""

import asyncio
import re

import pytest

from payme.kit.ids import new_id
from tests.api.examined.conftest import Place
from tests.fault_rows import FaultRow

SECONDS, QUIET_SECONDS = 5.0, 0.3
STATUS = re.compile(rb"^HTTP/1\.1 (\d{3})", re.MULTILINE)
CHUNKED = "Transfer-Encoding: chunked"


def request(place: Place, *headers: str, body: bytes = b"", path: str | None = None, method: str = "POST") -> bytes:
    """Spell a request that would add a product."""
    target = path or f"/v1/businesses/{place.shop.id}/products"
    lines = (
        f"{method} {target} HTTP/1.1", "Host: shop.test", f"Authorization: Bearer {place.shop.owner.access_token}",
        "Content-Type: application/json", *headers,
    )  # fmt: skip
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def product() -> bytes:
    return b'{"name": "Sukari %b", "price_cents": 100}' % str(new_id()).encode()


def sized(body: bytes) -> str:
    return f"Content-Length: {len(body)}"


async def spoken(place: Place, raw: bytes, *, hang_up: bool = False) -> list[int]:
    """Send bytes on a connection of their own; return the statuses that came before it was closed, or fell silent."""
    port = int(place.api.base_url.rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    heard = b""
    try:
        writer.write(raw)
        await writer.drain()
        if hang_up:
            return []
        while chunk := await asyncio.wait_for(reader.read(65_536), QUIET_SECONDS if heard else SECONDS):
            heard += chunk
    except (TimeoutError, ConnectionError):
        pass
    finally:
        writer.close()
    return [int(status) for status in STATUS.findall(heard)]


def broken(place: Place) -> dict[str, bytes]:
    """Return requests none of which may be carried out."""
    body = product()
    smuggled = request(place, sized(body), body=body)
    return {
        "two lengths": request(place, sized(body), "Content-Length: 3", body=body),
        "a length and chunks": request(place, sized(b"0\r\n\r\n" + smuggled), CHUNKED, body=b"0\r\n\r\n" + smuggled),
        "chunks and a length": request(place, CHUNKED, "Content-Length: 4", body=b"0\r\n\r\n" + smuggled),
        "chunks, spelt oddly": request(place, "Transfer-Encoding: xchunked", sized(b""), body=b""),
        "chunks, spelt twice": request(place, CHUNKED, "Transfer-Encoding: identity", body=b"0\r\n\r\n"),
        "a chunk that is none": request(place, CHUNKED, body=b"zz\r\n" + body + b"\r\n0\r\n\r\n"),
        "a chunk of minus one": request(place, CHUNKED, body=b"-1\r\n" + body + b"\r\n0\r\n\r\n"),
        "a chunk without end": request(place, CHUNKED, body=b"ffffffffffffffff\r\n" + body),
        "a length that is none": request(place, "Content-Length: many", body=body),
        "a negative length": request(place, "Content-Length: -1", body=body),
        "a length beyond 64 bits": request(place, "Content-Length: 99999999999999999999", body=body),
        "a signed length": request(place, f"Content-Length: +{len(body)}", body=body),
        "a blank in a header's name": request(place, "Content-Length : 3", body=body),
        "a header over two lines": request(place, "X-Odd: a\r\n b", sized(b"{}"), body=b"{}"),
        "a NUL in a header": request(place, "X-Odd: a\0b", sized(body), body=body),
        "a bare line feed": request(place, "X-Odd: a\nContent-Length: 0", body=b""),
        "headers without end": request(place, *(f"X-{n}: {'a' * 1_000}" for n in range(2_000)), sized(body), body=body),
        "no HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 100 + b"\r\n\r\n",
        "HTTP of the past": b"GET /livez\r\n\r\n",
        "HTTP of the future": b"GET /livez HTTP/9.9\r\nHost: x\r\n\r\n",
        "a method that is none": request(place, sized(body), body=body, method="P@ST"),
        "a method of 10,000 letters": request(place, sized(body), body=body, method="P" * 10_000),
        "a path of 100,000 letters": request(place, path="/v1/" + "a" * 100_000, method="GET"),
        "a query of 100,000 letters": request(place, path="/v1/vat-rates?on=" + "a" * 60_000, method="GET"),
        "a percent sign alone": request(place, path="/v1/businesses/%/products?limit=%", method="GET"),
        "percent and no digits": request(place, path="/v1/businesses/%zz%u1234", method="GET"),
        "no UTF-8 in the path": request(place, path="/v1/businesses/%ff%fe/products", method="GET"),
        "no UTF-8 in the query": request(place, path="/v1/vat-rates?on=%ff%fe", method="GET"),
        "NUL in the path": request(place, path="/v1/businesses/%00", method="GET"),
        "NUL in the query": request(place, path="/v1/vat-rates?on=%00", method="GET"),
        "raw bytes in the path": request(place, path="/v1/\xff\xfe", method="GET"),
        "up and out": request(place, path="/v1/../../etc/passwd", method="GET"),
        "up and out, hidden": request(place, path="/docs/%2e%2e%2f%2e%2e%2fetc%2fpasswd", method="GET"),
        "somebody else's address": request(place, path="http://169.254.169.254/latest", method="GET"),
        "a tunnel": b"CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n",
        "a slash too many": request(place, sized(body), body=body, path=f"//v1/businesses/{place.shop.id}/products"),
        "ten thousand slashes": request(place, path="/" * 10_000, method="GET"),
    }


@pytest.mark.fault_row(31)
async def test_a_broken_request_is_refused_and_writes_nothing(place: Place, row: FaultRow):
    before = await place.witness.look()
    heard: dict[str, list[int]] = {}
    for name, raw in broken(place).items():
        heard[name] = await spoken(place, raw)
        row.counts["sent"] += 1
        assert await place.witness.look() == before, (name, heard[name])
        async with place.client() as client:
            assert (await client.get("/livez")).status_code == 200, name
    assert {name: statuses for name, statuses in heard.items() if any(each >= 500 for each in statuses)} == {}
    assert {name: statuses for name, statuses in heard.items() if 201 in statuses} == {}
    row.counts["refused"] += sum(any(each >= 400 for each in statuses) for statuses in heard.values())
    assert row.counts["refused"] > len(heard) / 2, heard


@pytest.mark.fault_row(31)
async def test_a_broken_request_in_a_pipeline_spoils_neither_the_one_before_nor_what_comes_after(
    place: Place, row: FaultRow
):
    before, body = await place.witness.look(), product()
    good = request(place, sized(body), body=body)
    for name in ("a chunk that is none", "a length that is none", "no HTTP", "two lengths"):
        body = product()
        good = request(place, sized(body), body=body)
        statuses = await spoken(place, good + broken(place)[name] + good)
        row.counts["sent"] += 3
        assert statuses[0] == 201, name
        assert all(400 <= each < 500 for each in statuses[1:]), (name, statuses)
        after = await place.witness.look()
        assert after["products"][0] == before["products"][0] + 1, (name, statuses)
        before = after


@pytest.mark.fault_row(31)
async def test_a_sender_who_hangs_up_in_the_middle_of_a_body_leaves_nothing(place: Place, row: FaultRow):
    before, body = await place.witness.look(), product()
    for cut in range(0, len(body), 7):
        await spoken(place, request(place, sized(body), body=body[:cut]), hang_up=True)
        await spoken(place, request(place, CHUNKED, body=b"%x\r\n" % len(body) + body[:cut]), hang_up=True)
        row.counts["sent"] += 2
    async with place.client() as client:
        assert (await client.get("/livez")).status_code == 200
    assert await place.witness.look() == before
