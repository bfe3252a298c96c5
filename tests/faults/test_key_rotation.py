"""Row 33: `payme secrets rotate` beside a running application, killed in the middle, run twice, and over rows that are held."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest

from payme.entrypoints.wiring import cipher_of
from payme.features.identity import get_profile
from payme.features.operations import SEALED_TABLES, check_all, count_keys, rotate_keys
from payme.kit.ids import new_id
from payme.runtime.database import Database
from payme.runtime.security import UnreadableField
from tests.api_process import ROOT
from tests.fault_rows import FaultRow
from tests.payment_room import SETTINGS, Till
from tests.people import Person, make_person
from tests.sealed_town import AFTER, BEFORE, DURING, Town, opened, read_all, settings_of, town

__all__ = ["town"]
pytestmark = pytest.mark.fault_row(33)
PATIENCE_SECONDS = 60
UNDER = "select count(*) from payments where substring(phone_encrypted from 3 for 2) = $1::text::bytea"
THE_REST = """select md5(string_agg((to_jsonb(p) - 'phone_encrypted')::text, '|' order by id)) from payments p where status = 'failed'"""
COLUMNS = (
    "business_id", "id", "purpose", "purpose_id", "method", "status", "assurance", "amount_cents", "phone_encrypted", "shortcode",
    "ended_at", "created_at", "created_by",
)  # fmt: skip


class Command:
    """`payme secrets …` as a process, under the keys of a rotation."""

    def __init__(self, dsn: str, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.deploy.payme_command", "secrets", *arguments],
            cwd=ROOT,
            env={**os.environ, **SETTINGS, **DURING, "DATABASE_URL": dsn, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    async def ended(self) -> tuple[int, str]:
        """Wait for its end; return its exit code and what it said."""
        try:
            output, _ = await asyncio.to_thread(self.process.communicate, timeout=PATIENCE_SECONDS)
        finally:
            self.process.kill()
        return self.process.returncode, output.decode()


async def fill(town: Town, tills: Sequence[Till], count: int) -> dict[UUID, tuple[UUID, str]]:
    """Insert so many failed prompts, encrypted under the first key; return business and phone number by payment."""
    cipher, now = cipher_of(settings_of(town.dsn, BEFORE)), town.database.clock.now()
    known: dict[UUID, tuple[UUID, str]] = {}
    rows: list[tuple[Any, ...]] = []
    for number in range(count):
        payment_id, business_id, phone = new_id(), tills[number % len(tills)].business_id, f"2547{number:08d}"
        place = {"table": "payments", "column": "phone_encrypted", "business_id": business_id, "row_id": payment_id}
        known[payment_id] = (business_id, phone)
        rows.append((
            business_id, payment_id, "sale", new_id(), "mpesa_stk", "failed", "none", 15_000, cipher.encrypt(phone, **place),
            "174379", now, now, new_id(),
        ))  # fmt: skip
    await town.owner.copy_records_to_table("payments", records=rows, columns=COLUMNS)
    return known


async def keys_after_the_rest(town: Town) -> set[str]:
    """Rotate what two rotations held from each other, and return the keys in use."""
    worker = await opened(town.dsn, DURING, role="payme_worker")
    try:
        await rotate_keys(worker, batch=500, advance=lambda _: None)
        return {each.key_id for each in await count_keys(worker)}
    finally:
        await worker.close()


async def broken(town: Town) -> set[str]:
    """Name the invariants that do not hold: those about sales, because the prompts here have none."""
    worker = await opened(town.dsn, DURING, role="payme_worker")
    try:
        return {each.code for each in (await check_all(worker)).findings if each.violations}
    finally:
        await worker.close()


async def trade(till: Till, person: Person, database: Database, stop: asyncio.Event) -> int:
    """Do what uses encrypted values, on and on; return how often."""
    rounds = 0
    while not stop.is_set():
        payment = await till.request()
        assert await till.begin(payment.id) is not None
        profile, _ = await database.run(lambda uow: get_profile(uow, person.id))
        assert profile.phone == person.phone
        rounds += 1
    return rounds


async def kill_in_the_middle(town: Town, count: int) -> int:
    """Start a rotation, kill it once it has begun, and return how many payments it had done."""
    command = Command(town.dsn, "rotate", "--batch", "5")
    deadline = time.monotonic() + PATIENCE_SECONDS
    try:
        while not await town.owner.fetchval(UNDER, "k2"):
            assert time.monotonic() < deadline
            assert command.process.poll() is None, (await command.ended())[1]
    finally:
        command.process.send_signal(signal.SIGKILL)
    assert (await command.ended())[0] == -signal.SIGKILL
    done: int = await town.owner.fetchval(UNDER, "k2")
    assert 0 < done < count, "it was killed too late to prove anything"
    return done


@pytest.mark.timeout(300)
async def test_a_rotation_killed_in_the_middle_of_trade_is_gone_on_with(town: Town, row: FaultRow):
    tills = [await town.shop() for _ in range(3)]
    people = [await make_person(town.database) for _ in range(3)]
    count = row.size(1_000, 10_000)
    known = await fill(town, tills, count)
    app, unsold, rest = await opened(town.dsn, DURING), await broken(town), await town.owner.fetchval(THE_REST)
    seller = Till(app, tills[0].clock, tills[0].business_id, tills[0].actor, town.dsn)
    stop = asyncio.Event()
    trading = asyncio.create_task(trade(seller, people[0], app, stop))
    done = await kill_in_the_middle(town, count)
    row.counts["killed"] += 1
    await read_all(town, tills[1], people[1], through=app)

    both = [Command(town.dsn, "rotate", "--batch", "50") for _ in range(2)]
    ends = [await command.ended() for command in both]
    # One may find rows that the other holds, and says so by its code; neither may break.
    assert {code for code, _ in ends} <= {0, 1}, ends
    assert all("encrypted anew" in said for _, said in ends), ends
    assert await town.owner.fetchval(UNDER, "k2") > done, "nobody went on"
    stop.set()
    row.counts["traded"] += await trading
    assert row.counts["traded"] > 0
    assert await keys_after_the_rest(town) == {"k2"}
    row.counts["sent"], row.counts["applied"] = count, count - done

    after, before = cipher_of(settings_of(town.dsn, AFTER)), cipher_of(settings_of(town.dsn, BEFORE))
    for each in await town.owner.fetch("select business_id, id, phone_encrypted from payments where status = 'failed'"):
        business_id, phone = known.pop(each["id"])
        place = {"table": "payments", "column": "phone_encrypted", "business_id": business_id, "row_id": each["id"]}
        assert after.decrypt(each["phone_encrypted"], **place) == phone
        with pytest.raises(UnreadableField):
            before.decrypt(each["phone_encrypted"], **place)
    assert not known
    later = await opened(town.dsn, AFTER)
    for till, person in zip(tills, people, strict=True):
        await read_all(town, till, person, through=later)
    assert await broken(town) == unsold
    assert await town.owner.fetchval(THE_REST) == rest
    for each in (app, later):
        await each.close()


async def test_what_cannot_be_read_is_named_and_left_as_it_is(town: Town, row: FaultRow):
    till = await town.shop()
    first, *others = await fill(town, [till], 20)
    broken = await town.owner.fetchval(
        "update payments set phone_encrypted = set_byte(phone_encrypted, 30, 255 - get_byte(phone_encrypted, 30))"
        " where id = $1 returning phone_encrypted",
        first,
    )
    code, said = await Command(town.dsn, "rotate", "--batch", "7").ended()
    assert (code, f"payments {first}" in said, "Still in use: k1" in said) == (1, True, True), said
    assert await town.owner.fetchval("select phone_encrypted from payments where id = $1", first) == broken
    assert await town.owner.fetchval(UNDER, "k2") == len(others)
    row.counts["refused"] += 1


async def test_a_row_that_somebody_holds_is_neither_waited_for_nor_forgotten(town: Town, row: FaultRow):
    till = await town.shop()
    held, *others = await fill(town, [till], 20)
    async with town.owner.transaction():
        await town.owner.execute("select 1 from payments where id = $1 for update", held)
        code, said = await Command(town.dsn, "rotate", "--batch", "3").ended()
        assert (code, "Still in use: k1" in said) == (1, True), said
        assert await town.owner.fetchval(UNDER, "k2") == len(others)
    assert (await Command(town.dsn, "status").ended())[0] == 3
    code, said = await Command(town.dsn, "rotate").ended()
    assert (code, "Everything stands under k2" in said) == (0, True), said
    assert await town.owner.fetchval(UNDER, "k2") == len(others) + 1
    row.counts["applied"] += 20


async def test_every_encrypted_column_has_its_part_in_a_rotation(town: Town, row: FaultRow):
    found = await town.owner.fetch(
        "select table_name, column_name from information_schema.columns"
        " where table_schema = 'public' and data_type = 'bytea' and column_name like '%\\_encrypted'"
    )
    declared = {(table.name, column.removesuffix("_encrypted")) for table in SEALED_TABLES for column in table.columns}
    assert {(each["table_name"], each["column_name"].removesuffix("_encrypted")) for each in found} == declared
