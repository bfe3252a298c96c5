"""Hostile bodies against every route that takes one: refused in words, never by a 500, and nothing of them is written."""

from dataclasses import asdict
from typing import Any

import pytest

from payme.runtime.http.operation import Operation
from tests.api.access.test_every_route import OPERATIONS, example_of
from tests.api.examined.asking import asking
from tests.api.examined.conftest import Place
from tests.api.examined.hostile import VALUES, doubled, naming, places, spoiled
from tests.fault_rows import FULL, FaultRow
from tests.invariants import assert_invariants

TAKING = [each for each in OPERATIONS if each.body_type is not None]
MEGABYTE = 1 << 20
SHARE = 0.1


def body_of(operation: Operation, place: Place) -> Any:
    return naming(example_of(operation), asdict(place.things))


@pytest.mark.fault_row(31)
@pytest.mark.timeout(600)
async def test_a_hostile_value_in_any_field_is_refused_in_words_or_kept_as_it_is(place: Place, row: FaultRow):
    rng = row.rng
    cases = [
        (operation, spot, name)
        for operation in TAKING
        for spot in places(example_of(operation))
        for name in VALUES
        if FULL or rng.random() < SHARE
    ]
    async with place.client() as client:
        examiner = await asking(place, client, row)
        for operation, spot, name in rng.sample(cases, len(cases)):
            body = spoiled(body_of(operation, place), spot, VALUES[name])
            await examiner.ask(operation, f"{spot} {name}", content=body)
    assert examiner.faults == []
    assert row.counts["refused"] > row.counts["applied"]
    await assert_invariants(place.database, place.shop.id)


WHOLE = {
    "nothing": b"",
    "null": b"null",
    "text": b'"Unga"',
    "list": b"[]",
    "a list of bodies": b"[{}, {}]",
    "cut off": b'{"name": "Unga", "price_',
    "two documents": b'{"name": "A"}{"name": "B"}',
    "with a byte order mark": b'\xef\xbb\xbf{"name": "A"}',
    "UTF-16": '{"name": "A"}'.encode("utf-16"),
    "10,000 levels": b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    "10,000 levels never closed": b"[" * 10_000,
    "a million brackets in a text": b'{"name": "' + b"[" * 500_000 + b'"}',
    "10 MB of text": b'{"name": "' + b"a" * 10 * MEGABYTE + b'"}',
    "10 MB of blanks": b" " * 10 * MEGABYTE,
    "10 MB of numbers": b"[" + b"1," * 5 * MEGABYTE + b"1]",
    "comments": b'{"name": "A" /* price */}',
    "single quotes": b"{'name': 'A'}",
    "a form": b"name=A&price_cents=1",
}


@pytest.mark.fault_row(31)
@pytest.mark.parametrize("name", ["products_create", "sales_create", "auth_login", "businesses_change"])
async def test_a_body_that_is_none_is_refused(place: Place, row: FaultRow, name: str):
    (operation,) = (each for each in TAKING if each.name == name)
    async with place.client() as client:
        examiner = await asking(place, client, row)
        for what, body in WHOLE.items():
            answer = await examiner.ask(operation, what, content=body)
            assert answer.status_code in {400, 413, 422}, (what, answer.text)
        for kind in (
            "text/plain",
            "multipart/form-data; boundary=x",
            "application/xml",
            "",
            "application/jsonx",
            b"\xf0\x9f\xa5\xac",
        ):
            right = body_of(operation, place)
            answer = await examiner.ask(operation, str(kind), json=right, headers={"content-type": kind})
            assert answer.status_code == 415, (kind, answer.text)
        answer = await examiner.ask(operation, "zipped", content=b"\x1f\x8b\x08", headers={"content-encoding": "gzip"})
        assert answer.status_code == 400
    assert examiner.faults == []


@pytest.mark.fault_row(31)
async def test_of_a_name_that_is_said_twice_the_last_counts(place: Place, row: FaultRow):
    async with place.client() as client:
        examiner = await asking(place, client, row)
        for operation in TAKING:
            answer = await examiner.ask(operation, "doubled", content=doubled(body_of(operation, place)))
            refused = answer.json()["code"] if answer.is_error else ""
            assert refused not in {"http.invalid", "http.malformed"}, (operation.name, answer.text)
    assert examiner.faults == []
    assert row.counts["applied"] > 0


FILES = [
    b"",
    b"\xff\xfe",
    b"name,price\n\xff,1",
    b"name,price\n\x00,1",
    b"name\nA",
    b"name,price,price\nA,1,2",
    b'name,price\n"A,1',
    b"name,price\n" + b"," * 1000,
    b"name,price\nA," + b"9" * 400,
    b"name,price\nA,1e400",
    b"name,price\nA,NaN",
    b"name,price\n" + b"A" * 131_073 + b",1",
    b"name,price,reorder_point\nA,1,1e999999",
    b"name,price\n" + b'"\n' * 5_000,
    b"x" * 11 * MEGABYTE,
    "name,price\n👩🏾‍🌾,120\n\u202eأرز,60".encode(),
    b"name,price\n\xed\xa0\xbd,1",
]


@pytest.mark.fault_row(31)
async def test_a_hostile_file_adds_what_is_right_and_nothing_else(place: Place, row: FaultRow):
    (operation,) = (each for each in OPERATIONS if each.name == "products_import")
    async with place.client() as client:
        examiner = await asking(place, client, row)
        for content in FILES:
            answer = await examiner.ask(
                operation, repr(content[:30]), content=content, headers={"content-type": "text/csv"}
            )
            is_right = b"120" in content
            assert not is_right or answer.status_code == 200, answer.text
            if answer.status_code == 200:
                assert answer.json()["imported"] == (2 if is_right else 0), content[:30]
    assert examiner.faults == []
