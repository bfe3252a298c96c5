"""Closing a day over HTTP: count, upload, run, read page by page, close, download."""

import csv
import io
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx2
import pytest

from payme.features.identity import Role
from payme.features.payments.enums import Source
from payme.features.payments.services.place_money import Arrival, place_money
from payme.kit.ids import new_id
from tests.api.trade.conftest import Counter
from tests.invariants import assert_invariants
from tests.pdf_text import text_of
from tests.people import Person
from tests.reconciled import PRICE, Desk, row, statement
from tests.staff import PIN, Member, give_pin, hire
from tests.trade import TradingShop, cash, new_receipt
from tests.unchanged import unchanged

MakeCounter = Callable[[TradingShop, Person], Counter]


@pytest.fixture
async def manager(shop: TradingShop) -> Member:
    return await hire(shop, Role.MANAGER, "Njeri =cmd")


@pytest.fixture
async def accountant(shop: TradingShop) -> Member:
    return await hire(shop, Role.ACCOUNTANT)


@pytest.fixture(autouse=True)
async def pin_of_owner(shop: TradingShop):
    assert shop.owner is not None
    await give_pin(shop, shop.owner.id)


async def put_count(counter: Counter, desk: Desk, cents: int, **headers: str) -> httpx2.Response:
    path = f"reconciliations/{desk.today}/cash-count"
    return await counter.http.put(path, json={"counted_cash_cents": cents, "float_cents": 0}, headers=headers)


async def run(counter: Counter, desk: Desk) -> dict[str, Any]:
    answer = await counter.post("reconciliations", {"date": desk.today.isoformat()})
    assert answer.status_code == 201, answer.text
    return answer.json()


def close_path(found: dict[str, Any]) -> str:
    return f"reconciliations/{found['reconciliation_id']}/differences/{found['id']}/close"


async def upload(
    counter: Counter, day: dict[str, Any], content: bytes, *, key: str = "", query: str = ""
) -> httpx2.Response:
    headers = {"idempotency-key": key or str(new_id()), "content-type": "text/csv"}
    return await counter.http.post(f"reconciliations/{day['id']}/statement{query}", content=content, headers=headers)


def closing(reason: str = "wrong_change", **more: Any) -> dict[str, Any]:
    return {"reason": reason, "note": '=HYPERLINK("http://x")', "proof": PIN, **more}


async def short(desk: Desk, owner: Counter, manager: Counter) -> dict[str, Any]:
    """Have the manager count too little, and the owner run the day; return the difference."""
    await desk.shop.sell(desk.tea, tenders=[cash(PRICE)])
    assert (await put_count(manager, desk, PRICE - 5_000)).status_code == 201
    day = await run(owner, desk)
    (found,) = (await owner.get(f"reconciliations/{day['id']}/differences")).json()["data"]
    return found


async def test_a_day_is_closed_by_two(desk: Desk, owner: Counter, manager: Member, counter_for: MakeCounter):
    theirs = counter_for(desk.shop, manager.person)
    found = await short(desk, owner, theirs)
    assert (found["kind"], found["amount_cents"], found["state"], found["made_by"]) == (
        "cash_short",
        -5_000,
        "needs_closing",
        str(manager.id),
    )
    assert "pungufu" in found["sentence_sw"]
    path, key = close_path(found), str(new_id())
    async with unchanged(desk.shop):
        refusal = await theirs.post(path, closing())
        assert (refusal.status_code, refusal.json()["code"]) == (403, "approvals.own_request")
    closed = await owner.post(path, closing(), key=key)
    assert (closed.status_code, closed.json()["state"], closed.json()["reason"]) == (200, "closed", "wrong_change")
    again = await owner.post(path, closing(), key=key)
    assert (again.content, again.headers["idempotency-replayed"]) == (closed.content, "true")
    async with unchanged(desk.shop):
        twice = await owner.post(path, closing())
        assert (twice.status_code, twice.json()["code"]) == (409, "reconciliation.already_ended")
    day = (await owner.get(f"reconciliations/{found['reconciliation_id']}")).json()
    assert (day["is_accounted_for"], day["verdict"]) == (True, "Every shilling is accounted for.")
    await assert_invariants(desk.shop.database, desk.shop.business_id)


async def test_without_proof_nothing_is_closed(desk: Desk, owner: Counter, manager: Member, counter_for: MakeCounter):
    found = await short(desk, owner, counter_for(desk.shop, manager.person))
    path = close_path(found)
    before = (await desk.shop.balances())["cash"]
    wrong = await owner.post(path, closing(proof="000000"))
    assert (wrong.status_code, wrong.json()["code"]) == (403, "auth.proof_wrong")
    missing = await owner.post(path, {"reason": "lost"})
    assert missing.status_code == 422
    absent = await owner.post(close_path({**found, "id": new_id()}), closing())
    assert (absent.status_code, absent.json()["code"]) == (404, "reconciliation.difference_not_found")
    assert (await desk.shop.balances())["cash"] == before
    assert (await owner.get(f"reconciliations/{found['reconciliation_id']}/differences", state="closed")).json()[
        "data"
    ] == []


async def test_a_second_count_needs_the_first_ones_tag(desk: Desk, owner: Counter):
    first = await put_count(owner, desk, 100)
    assert (first.status_code, first.json()["rev"]) == (201, 1)
    assert "expected" not in first.text
    async with unchanged(desk.shop):
        assert (await put_count(owner, desk, 200)).status_code == 428
        assert (await put_count(owner, desk, 200, **{"if-match": '"0"'})).status_code == 412
    second = await put_count(owner, desk, 200, **{"if-match": first.headers["etag"]})
    assert (second.status_code, second.json()["counted_cash_cents"], second.json()["rev"]) == (200, 200, 2)


async def test_a_run_is_repeated_under_another_key_only(desk: Desk, owner: Counter):
    key = str(new_id())
    body = {"date": desk.today.isoformat()}
    first = await owner.post("reconciliations", body, key=key)
    again = await owner.post("reconciliations", body, key=key)
    assert (first.status_code, again.content) == (201, first.content)
    assert (await run(owner, desk))["run"] == 2
    (listed,) = (await owner.get("reconciliations")).json()["data"]
    assert (listed["id"], listed["run"], listed["date"]) == (first.json()["id"], 2, body["date"])
    async with unchanged(desk.shop):
        ahead = await owner.post("reconciliations", {"date": "2999-01-01"})
        assert (ahead.status_code, ahead.json()["code"]) == (409, "reconciliation.day_ahead")


async def test_days_are_listed_by_whether_they_are_accounted_for(desk: Desk, owner: Counter):
    await desk.shop.sell(desk.tea, tenders=[cash(PRICE)])
    today = await run(owner, desk)
    before = []
    for days in (1, 2):
        body = {"date": (desk.today - timedelta(days=days)).isoformat()}
        before.append((await owner.post("reconciliations", body)).json()["id"])

    async def listed(**query: str) -> list[tuple[str, str]]:
        page = (await owner.get("reconciliations", **query)).json()["data"]
        return [(each["id"], each["state"]) for each in page]

    assert await listed(state="open") == [(today["id"], "open")]
    assert await listed(state="accounted_for") == [(each, "accounted_for") for each in before]
    assert len(await listed()) == 3
    assert (await owner.get("reconciliations", state="shut")).status_code == 422
    made = "insert into reconciliation_sums values ($1, $2, 1, '174379', 1, 0, 0, 0) returning 1"
    assert await desk.shop.rows(made, before[0])
    assert await listed(state="open") == [(today["id"], "open"), (before[0], "open")]


async def test_a_run_counts_the_cash_that_comes_with_it(
    desk: Desk, owner: Counter, manager: Member, counter_for: MakeCounter
):
    await desk.shop.sell(desk.tea, tenders=[cash(PRICE)])
    theirs = counter_for(desk.shop, manager.person)
    path = f"reconciliations/{desk.today}/cash-count"
    first = await theirs.http.put(path, json={"counted_cash_cents": PRICE, "float_cents": 5_000})
    assert first.status_code == 201
    body = {"date": desk.today.isoformat(), "counted_cash_cents": PRICE + 5_000}
    answer = await owner.post("reconciliations", body)
    assert (answer.status_code, answer.json()["is_accounted_for"]) == (201, True), answer.text
    counts = "select counted_cents, float_cents, rev, counted_by from cash_counts where business_id = $1"
    kept = await desk.shop.rows(counts)
    assert desk.shop.owner is not None
    assert kept == [(PRICE + 5_000, 5_000, 2, desk.shop.owner.id)]
    assert (await owner.post("reconciliations", body)).json()["run"] == 2
    assert await desk.shop.rows(counts) == kept
    async with unchanged(desk.shop):
        ahead = await owner.post("reconciliations", {"date": "2999-01-01", "counted_cash_cents": 1})
        assert (ahead.status_code, ahead.json()["code"]) == (409, "reconciliation.day_ahead")
        below = await owner.post("reconciliations", {**body, "counted_cash_cents": -1})
        assert below.status_code == 422


async def test_who_may_not_count_reconciles_without_a_count(desk: Desk, accountant: Member, counter_for: MakeCounter):
    counter = counter_for(desk.shop, accountant.person)
    body = {"date": desk.today.isoformat(), "counted_cash_cents": 0}
    async with unchanged(desk.shop):
        refusal = await counter.post("reconciliations", body)
        assert (refusal.status_code, refusal.json()["code"]) == (403, "reconciliation.count_not_allowed")
    assert (await run(counter, desk))["run"] == 1


async def test_a_difference_is_closed_on_its_own_day(
    desk: Desk, owner: Counter, manager: Member, counter_for: MakeCounter
):
    found = await short(desk, owner, counter_for(desk.shop, manager.person))
    other = await owner.post("reconciliations", {"date": (desk.today - timedelta(days=1)).isoformat()})
    async with unchanged(desk.shop):
        wrong = await owner.post(close_path({**found, "reconciliation_id": other.json()["id"]}), closing())
        assert (wrong.status_code, wrong.json()["code"]) == (404, "reconciliation.difference_not_found")
        nowhere = await owner.post(close_path({**found, "reconciliation_id": new_id()}), closing())
        assert (nowhere.status_code, nowhere.json()["code"]) == (404, "reconciliation.not_found")


async def test_lines_and_differences_come_in_pages(desk: Desk, owner: Counter):
    for number in range(7):
        arrival = Arrival(Source.C2B, new_receipt(), 100 + number, "174379", ["174379"])
        await desk.shop.run(lambda uow, a=arrival: place_money(uow, a))
    day = await run(owner, desk)
    for kind, count in (("lines", 14), ("differences", 8)):
        seen: list[Any] = []
        path: str | None = f"reconciliations/{day['id']}/{kind}?limit=3"
        while path:
            page = (await owner.http.get(path)).json()
            assert len(page["data"]) <= 3
            seen += [each.get("position") or each["id"] for each in page["data"]]
            path = page["next_cursor"] and f"reconciliations/{day['id']}/{kind}?limit=3&cursor={page['next_cursor']}"
        expected = count if kind == "lines" else 7
        assert len(seen) == len(set(seen)) == expected
    of_mpesa = (await owner.get(f"reconciliations/{day['id']}/lines", account="mpesa")).json()["data"]
    assert {each["account"] for each in of_mpesa} == {"mpesa"}


async def test_a_statement_is_uploaded_once(desk: Desk, accountant: Member, counter_for: MakeCounter):
    counter = counter_for(desk.shop, accountant.person)
    day = await run(counter, desk)
    content = statement(row(new_receipt(), "70.00"), row("bad", "1.00"))
    report = await upload(counter, day, content)
    assert (report.status_code, report.json()["rows_new"]) == (201, 1), report.text
    assert report.json()["faults"] == [{"line": 4, "fault": "receipt"}]
    assert (await upload(counter, day, content)).json() == report.json()
    rows = (await counter.get(f"reconciliations/statements/{report.json()['id']}/rows")).json()["data"]
    assert [(each["kind"], each["amount_cents"], each["state"]) for each in rows] == [("payment", 7_000, "waiting")]
    unnamed = statement(row(new_receipt(), "70.00"), shortcode="")
    async with unchanged(desk.shop):
        refusal = await upload(counter, day, unnamed)
        assert (refusal.status_code, refusal.json()["code"]) == (422, "reconciliation.shortcode_needed")
        unread = await upload(counter, day, b"name,price\nChai,60\n")
        assert (unread.status_code, unread.json()["code"]) == (422, "reconciliation.statement_unreadable")
    assert (await upload(counter, day, unnamed, query="?shortcode=174379")).status_code == 201
    nowhere = await upload(counter, {"id": new_id()}, content)
    assert (nowhere.status_code, nowhere.json()["code"]) == (404, "reconciliation.not_found")
    missing = await counter.get(f"reconciliations/statements/{new_id()}/rows")
    assert (missing.status_code, missing.json()["code"]) == (404, "reconciliation.upload_not_found")


async def test_the_report_for_a_spreadsheet_runs_nothing(
    desk: Desk, owner: Counter, manager: Member, counter_for: MakeCounter
):
    found = await short(desk, owner, counter_for(desk.shop, manager.person))
    await owner.post(close_path(found), closing())
    answer = await owner.get(f"reconciliations/{found['reconciliation_id']}/report.csv")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    (total,) = [each for each in rows if each["row"] == "total"]
    assert (total["account"], total["books"], total["counted"]) == ("cash", "100.00", "50.00")
    (difference,) = [each for each in rows if each["row"] == "difference"]
    assert (difference["what"], difference["difference"], difference["state"]) == ("cash_short", "-50.00", "closed")
    assert difference["note"] == '\'=HYPERLINK("http://x")'
    assert len([each for each in rows if each["row"] == "line"]) == 1
    texts = ("note", "closed_by", "receipt")
    assert not any(each[column].startswith(("=", "+", "@", "-")) for each in rows for column in texts)


async def test_the_report_on_paper_says_it_in_a_sentence(
    desk: Desk, owner: Counter, manager: Member, counter_for: MakeCounter
):
    found = await short(desk, owner, counter_for(desk.shop, manager.person))
    path = f"reconciliations/{found['reconciliation_id']}/report.pdf"
    answer = await owner.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/pdf")
    assert answer.content == (await owner.get(path)).content
    text = text_of(answer.content)
    assert "Every shilling accounted for" in text
    assert "Not every shilling is accounted for: KES 50.00 open, differences to be closed: 1 of 1." in text
    assert "Cash100.00100.00100.00–50.00" in text
    assert "Less cash was counted than the books expect.Cash−50.00to be closed" in text
    assert "Page 1 of 1" in text
    await owner.post(close_path(found), closing())
    after = text_of((await owner.get(path)).content)
    assert "Every shilling is accounted for.Kila shilingi imehesabiwa." in after
    assert 'wrong change. =HYPERLINK("http://x")' in after


@pytest.mark.parametrize("path", ["", "/lines", "/differences", "/report.csv", "/report.pdf"])
async def test_a_day_that_is_not_there_is_not_found(owner: Counter, path: str):
    answer = await owner.get(f"reconciliations/{new_id()}{path}")
    assert (answer.status_code, answer.json()["code"]) == (404, "reconciliation.not_found")


@pytest.mark.parametrize("day", ["0", "1700000000", "2026-11-21T05:00:00Z", "21-11-2026"])
async def test_a_day_in_a_path_is_written_as_a_day(desk: Desk, owner: Counter, day: str):
    async with unchanged(desk.shop):
        answer = await owner.http.put(f"reconciliations/{day}/cash-count", json={"counted_cash_cents": 5_000})
    assert (answer.status_code, answer.json()["code"]) == (422, "http.invalid")
