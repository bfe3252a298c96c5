"""The peer does what we do: its sales leave the very rows of ours, a key has one effect, a token is good for one shop."""

import asyncio
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

import asyncpg
import pytest

from bench.ground import Api, Ground, open_database, settle
from bench.peer import RECORDED_PREFIX, PeerMissing, ensure_packages, serve_peer
from bench.recording import LINES, command_for, record
from tests.bench.books import assert_books

BY_SERVICE, BY_STATEMENTS, BY_RECORDING, UNTOUCHED = 1, 2, 3, 4
SHOPS, PRODUCTS, SALES = 4, 5, 2
PREFIXES = {BY_STATEMENTS: "", BY_RECORDING: RECORDED_PREFIX}
ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
INSTANT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|\+00:00)?")


@dataclass(frozen=True, slots=True)
class Place:
    """A settled town with the peer in it."""

    ground: Ground
    peer: Api


async def test_the_peer_sells_and_reads_as_we_do(open_folder: Path, tmp_path: Path):
    try:
        await asyncio.to_thread(ensure_packages)
    except PeerMissing as error:
        pytest.skip(f"the Express peer cannot run here: {error}")
    async with settle(open_folder / "town", shops=SHOPS, products=PRODUCTS, out=tmp_path) as ground:
        database = await open_database(ground.environment, connections=1).open()
        try:
            await record(database, ground.town.model.in_shop(BY_SERVICE))
        finally:
            await database.close()
        with serve_peer(ground, out=tmp_path, workers=1) as peer:
            place = Place(ground, peer)
            await check_rows(place)
            await check_keys(place)
            await check_tokens(place)
            await check_reads(place)
        await assert_books(ground)


async def check_rows(place: Place) -> None:
    for number, prefix in PREFIXES.items():
        for sale in range(SALES):
            status, body = await sell(place, number, prefix=prefix, key=f"sale-{sale}")
            assert status == 201, body
    ours = await rows_of(place.ground, BY_SERVICE)
    assert len(ours["sales"]) == SALES
    for number in PREFIXES:
        theirs = await rows_of(place.ground, number)
        for table, rows in ours.items():
            assert theirs[table] == rows, f"{table} of shop {number}"


async def check_keys(place: Place) -> None:
    for number, prefix in PREFIXES.items():
        before = await rows_of(place.ground, number)
        status, again = await sell(place, number, prefix=prefix, key="sale-0")
        assert (status, again["receipt_number"]) == (201, "A1-000001")
        assert (await sell(place, number, prefix=prefix, key="sale-0", products=slice(1, 4)))[0] == 422
        assert await rows_of(place.ground, number) == before


async def check_tokens(place: Place) -> None:
    before = await rows_of(place.ground, UNTOUCHED)
    for prefix in PREFIXES.values():
        assert (await sell(place, UNTOUCHED, prefix=prefix, key="foreign", token_of=BY_SERVICE))[0] == 404
    assert await rows_of(place.ground, UNTOUCHED) == before


async def check_reads(place: Place) -> None:
    model = place.ground.town.model.in_shop(BY_STATEMENTS)
    status, first = await ask(place, BY_STATEMENTS, "/products?limit=3")
    assert status == 200
    assert [each["id"] for each in first["data"]] == [str(each) for each in model.products[:3]]
    _, second = await ask(place, BY_STATEMENTS, f"/products?limit=3&cursor={first['next_cursor']}")
    assert [each["id"] for each in second["data"]] == [str(each) for each in model.products[3:]]
    assert (second["has_more"], second["next_cursor"]) == (False, None)
    _, value = await ask(place, BY_STATEMENTS, "/stock/valuation")
    assert len(value["products"]) == PRODUCTS
    assert value["value_cents"] == sum(each["value_cents"] for each in value["products"])


def token(place: Place, number: int) -> str:
    shops = [line for line in place.peer.targets.read_text().splitlines() if line.startswith("shop")]
    return shops[number - 1].split()[2]


async def sell(
    place: Place, number: int, *, prefix: str, key: str, token_of: int | None = None, products: slice = slice(LINES)
) -> tuple[int, dict[str, Any]]:
    command = command_for(place.ground.town.model.in_shop(number).products[products])
    return await ask(
        place, number, "/sales", prefix=prefix, body=command, key=key, bearer=token(place, token_of or number)
    )


async def ask(place: Place, number: int, path: str, **more: Any) -> tuple[int, dict[str, Any]]:
    url = f"{place.peer.base_url}{more.get('prefix', '')}/v1/businesses/{place.ground.town.shop(number)}{path}"
    headers = {
        "Authorization": f"Bearer {more.get('bearer') or token(place, number)}", "Content-Type": "application/json",
        "Idempotency-Key": more.get("key", "-"),
    }  # fmt: skip
    body = json.dumps(more["body"]).encode() if "body" in more else None

    def call() -> tuple[int, dict[str, Any]]:
        try:
            with build_opener(ProxyHandler({})).open(Request(url, body, headers), timeout=30) as answer:  # noqa: S310 -- our own server
                return answer.status, json.loads(answer.read())
        except HTTPError as error:
            return error.code, json.loads(error.read())

    return await asyncio.to_thread(call)


async def rows_of(ground: Ground, number: int) -> dict[str, list[str]]:
    """Return every row of a shop by table, with ids named by what they are and instants as one word."""
    model = ground.town.model.in_shop(number)
    names = {
        str(model.business_id): "business", str(model.branch_id): "branch", str(model.till_id): "till", str(model.key_id): "key",
        **{str(each): f"product {place}" for place, each in enumerate(model.products)},
    }  # fmt: skip
    connection = await asyncpg.connect(ground.address.dsn(user="postgres"))
    try:
        await connection.execute("set timezone = 'UTC'")
        for row in await connection.fetch("select id, code from accounts where business_id = $1", model.business_id):
            names[str(row["id"])] = row["code"]
        tables = await connection.fetch(
            "select relname from pg_class c where relkind = 'r' and relrowsecurity and relnamespace = 'public'::regnamespace"
        )
        found: dict[str, list[str]] = {}
        for table in sorted(each[0] for each in tables):
            rows = await connection.fetch(
                f'select to_jsonb(t) from "{table}" t where business_id = $1', model.business_id
            )
            found[table] = sorted(plain(json.loads(each[0]), names) for each in rows)
        return found
    finally:
        await connection.close()


def plain(row: dict[str, Any], names: dict[str, str]) -> str:
    # The same reply may be written with other spaces, and the same body told apart by another digest; the keys were chosen here.
    if "response" in row:
        row["response"] = json.loads(row["response"])
        row["fingerprint"] = len(row["fingerprint"])
        del row["key"]
    row.pop("key_hash", None)
    if not ID.fullmatch(row.get("transaction_id", "")):
        row.pop("transaction_id", None)  # the server's number of the transaction
    text = INSTANT.sub("instant", json.dumps(row, sort_keys=True))
    return ID.sub(lambda match: names.get(match[0], "id"), text)
